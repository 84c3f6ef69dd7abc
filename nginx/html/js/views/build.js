import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { remove } from '../parts/remove.js';
import { thingPage } from '../parts/thing.js';
import { section, table } from '../ui.js';

export default async function buildView(page) {
  const build = await api.get(`pipeline_builds/${page.params.id}`, null, page.signal);
  const { metadata: more } = build;
  const images = Object.entries(more.images ?? {});
  thingPage(page, build, {
    title: `Build ${build.id.slice(0, 8)}`,
    all: ['/builds', 'Builds'],
    actions: remove({ what: 'build', name: build.id.slice(0, 8), path: `pipeline_builds/${build.id}`, then: '/builds', text: 'Its images stay in their registry.' }),
    facts: [
      ['Pipeline', more.pipeline && h('a', { href: to(`/pipelines/${more.pipeline.id}`) }, more.pipeline.name)],
      ['Stack', more.stack && h('a', { href: to(`/stacks/${more.stack.id}`) }, more.stack.name)],
      ['ZenML', more.zenml_version], ['Python', more.python_version],
      ['Local', more.is_local ? 'Yes' : 'No'], ['Holds the code', more.contains_code ? 'Yes' : 'No'],
      ['Checksum', more.checksum && h('code', null, more.checksum), true]],
    more: images.length > 0 && section('Images', table('Images', [
      { label: 'For', cell: ([key]) => words(key) },
      { label: 'Image', cell: ([, image]) => h('code', null, image.image) },
    ], images)),
    blocks: [['Images in full', more.images]],
  });
}
