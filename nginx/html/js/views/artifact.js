// One artifact and its versions.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { tail } from '../format.js';
import { listing } from '../listing.js';
import { kind } from '../parts/artifact.js';
import { again, edit, tagsField } from '../parts/edit.js';
import { numbers } from '../parts/metadata.js';
import { remove } from '../parts/remove.js';
import { muted, tags, time } from '../ui.js';

export default async function artifactView(page) {
  const artifact = await api.get(`artifacts/${page.params.id}`, null, page.signal);
  await listing(page, {
    title: artifact.name,
    above: h('a', { href: to('/artifacts') }, 'Artifacts'),
    path: 'artifact_versions',
    params: { artifact_id: artifact.id },
    one: 'version',
    metrics: (v) => numbers(v.metadata?.run_metadata),
    compare: 'artifact-versions',
    named: (v) => [v.body.version, to(`/artifact-versions/${v.id}`)],
    note: tags(artifact.body.tags),
    actions: [edit({ what: 'artifact', name: artifact.name, path: `artifacts/${artifact.id}`, done: () => again(page), fields: [
      { name: 'name', label: 'Name', value: artifact.name, required: true, maxlength: 255 }, tagsField(artifact.body.tags)] }),
    remove({ what: 'artifact', name: artifact.name, path: `artifacts/${artifact.id}`, then: '/artifacts', text: 'All its versions go with it. The data in the artifact store stays.' })],
    filters: [{ name: 'version', label: 'Version' }],
    columns: [
      { label: 'Version', sort: 'version_number', cell: (v) => h('a', { href: to(`/artifact-versions/${v.id}`) }, v.body.version) },
      { label: 'Kind', cell: (v) => kind(v.body.type) },
      { label: 'Data type', hide: 'phone', cell: (v) => h('code', null, tail(v.body.data_type.attribute ?? v.body.data_type.module)) },
      { label: 'Made by', hide: 'narrow', cell: (v) => (v.body.producer_pipeline_run_id ? h('a', { href: to(`/runs/${v.body.producer_pipeline_run_id}`, { artifact: v.id }) }, 'a run') : muted('unknown')) },
      { label: 'Tags', hide: 'narrow', cell: (v) => tags(v.body.tags) },
      { label: 'Created', sort: 'created', cell: (v) => time(v.body.created) },
    ],
    nothing: { title: 'This artifact has no versions', text: 'They may have been pruned. The next run that writes it makes one.' },
  }).start;
}
