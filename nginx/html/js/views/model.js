// One model and its versions.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { again, edit, tagsField } from '../parts/edit.js';
import { numbers } from '../parts/metadata.js';
import { remove } from '../parts/remove.js';
import { facts, muted, tags, time } from '../ui.js';

export const STAGES = [['none', 'None'], ['staging', 'Staging'], ['production', 'Production'], ['archived', 'Archived']];

const TEXTS = ['description', 'license', 'audience', 'use_cases', 'limitations', 'trade_offs', 'ethics'];

export default async function modelView(page) {
  const model = await api.get(`models/${encodeURIComponent(page.params.id)}`, null, page.signal);
  await listing(page, {
    title: model.name,
    above: h('a', { href: to('/models') }, 'Models'),
    path: `models/${model.id}/model_versions`,
    one: 'version',
    sort: 'desc:number',
    metrics: (v) => numbers(v.metadata?.run_metadata),
    compare: 'model-versions',
    named: (v) => [v.name ?? v.body.number, to(`/model-versions/${v.id}`)],
    filters: [{ name: 'name', label: 'Version' }, { name: 'stage', label: 'Stage', options: STAGES }],
    note: [facts(TEXTS.map((key) => [words(key), model.metadata[key]])), tags(model.body.tags)],
    actions: [edit({ what: 'model', name: model.name, path: `models/${model.id}`, done: () => again(page), fields: [
      { name: 'name', label: 'Name', value: model.name, required: true, maxlength: 255 },
      ...TEXTS.map((key) => ({ name: key, label: words(key), kind: 'textarea', value: model.metadata[key] })), tagsField(model.body.tags)] }),
    remove({ what: 'model', name: model.name, path: `models/${model.id}`, then: '/models', text: 'All its versions go with it. Artifacts and runs stay.' })],
    columns: [
      { label: 'Version', sort: 'number', cell: (v) => h('a', { href: to(`/model-versions/${v.id}`) }, v.name ?? v.body.number) },
      { label: 'Stage', sort: 'stage', cell: (v) => (v.body.stage && v.body.stage !== 'none' ? words(v.body.stage) : muted('none')) },
      { label: 'Tags', hide: 'phone', cell: (v) => tags(v.body.tags) },
      { label: 'Runs', num: true, hide: 'narrow', cell: (v) => Object.keys(v.body.pipeline_run_ids).length },
      { label: 'By', hide: 'narrow', cell: (v) => v.body.user?.name },
      { label: 'Created', sort: 'created', cell: (v) => time(v.body.created) },
    ],
    nothing: { title: 'This model has no versions', text: 'Each run of a pipeline with this model makes one, or adds to one.' },
  }).start;
}
