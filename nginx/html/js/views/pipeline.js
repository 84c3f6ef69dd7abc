// One pipeline and its runs.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { again, edit, tagsField } from '../parts/edit.js';
import { history } from '../parts/history.js';
import { remove } from '../parts/remove.js';
import { runList } from '../parts/runs.js';
import { tags, time } from '../ui.js';

export default async function pipelineView(page) {
  const pipeline = await api.get(`pipelines/${page.params.id}`, null, page.signal);
  const past = h('div', { class: 'history' });
  await runList(page, {
    title: pipeline.name,
    above: h('a', { href: to('/pipelines') }, 'Pipelines'),
    hidden: ['pipeline'],
    params: { pipeline_id: pipeline.id },
    note: [
      pipeline.metadata.description && h('p', null, pipeline.metadata.description),
      h('p', { class: 'muted' }, 'Created ', time(pipeline.body.created), pipeline.body.user && ` by ${pipeline.body.user.name}`),
      tags(pipeline.resources?.tags),
      past,
    ],
    actions: [edit({ what: 'pipeline', name: pipeline.name, path: `pipelines/${pipeline.id}`, done: () => again(page), fields: [
      { name: 'description', label: 'Description', kind: 'textarea', value: pipeline.metadata.description }, tagsField(pipeline.resources?.tags)] }),
    remove({ what: 'pipeline', name: pipeline.name, path: `pipelines/${pipeline.id}`, then: '/pipelines', text: 'Its runs stay, without a pipeline.' })],
    nothing: { title: 'This pipeline has no runs', text: 'They may have been deleted. Run it again and they appear here.' },
  }).start;
  await history(past, pipeline.id, page.signal);
}
