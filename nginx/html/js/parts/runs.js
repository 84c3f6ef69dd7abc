// A list of runs, for the runs page and wherever else runs are listed.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { dayStart, seconds, span } from '../format.js';
import { byTag, listing } from '../listing.js';
import { isLive, muted, name, status, time } from '../ui.js';
import { numbers, wanted as wantedMetadata } from './metadata.js';

export const STATUSES = [['completed', 'Completed'], ['failed', 'Failed'], ['running', 'Running'],
  ['cached', 'Cached'], ['initializing', 'Starting']];

// A lean list tells no end times, and a full one brings every step of every run. A run changes last when it ends.
const took = ({ body }) => seconds(body.created, isLive(body.status) ? null : body.updated);

/** [id, name] of all of a kind, by name. */
const choices = (path) => async (signal) =>
  (await api.get(path, { size: 1000, sort_by: 'asc:name' }, signal)).items.map((x) => [x.id, x.name]);

/** Whether a run belongs to a version of a model. */
async function ofModel(model, signal) {
  const { items } = await api.get(`models/${model}/model_versions`, { size: 1000 }, signal);
  const versions = new Set(items.map((v) => v.id));
  return (run) => versions.has(run.body.model_version_id);
}

/** As listing(), for runs; `hidden` names columns and filters that make no sense here. */
export function runList(page, { hidden = [], ...options }) {
  const columns = [
    { label: 'Run', sort: 'name', cell: (r) => h('a', { href: to(`/runs/${r.id}`) }, name(r.name)) },
    { label: 'Status', sort: 'status', cell: (r) => status(r.body.status) },
    { key: 'pipeline', label: 'Pipeline', hide: 'phone', long: true, sort: '~pipeline', value: (r) => r.body.pipeline?.name, cell: (r) => (r.body.pipeline ? h('a', { href: to(`/pipelines/${r.body.pipeline.id}`) }, r.body.pipeline.name) : muted('none')) },
    { key: 'stack', label: 'Stack', hide: 'narrow', cell: (r) => (r.body.stack ? h('a', { href: to(`/stacks/${r.body.stack.id}`) }, r.body.stack.name) : muted('none')) },
    { label: 'By', hide: 'narrow', cell: (r) => r.body.user?.name },
    { label: 'Started', sort: 'created', cell: (r) => time(r.body.created) },
    { label: 'Duration', num: true, hide: 'phone', sort: '~duration', value: took, cell: (r) => h('span', { title: 'From its start until it last changed' }, span(took(r))) },
  ];
  const filters = [
    { name: 'name', label: 'Name' },
    { name: 'pipeline_name', label: 'Pipeline', key: 'pipeline' },
    { name: 'status', label: 'Status', options: STATUSES },
    { name: 'user_id', label: 'By', options: choices('users'), more: true },
    { name: 'stack_id', label: 'Stack', key: 'stack', options: choices('stacks'), more: true },
    { ...byTag, more: true },
    { name: 'model', label: 'Model', options: choices('models'), keep: ofModel, more: true },
    { name: 'metadata', label: 'Metadata', placeholder: 'accuracy>0.9', keep: async (text) => ((has) => (r) => has(r.metadata.run_metadata))(wantedMetadata(text)), whole: true, more: true },
    // The API takes one bound a name; a run is made when it starts.
    { name: 'from', label: 'From day', kind: 'date', more: true, ask: (day) => ({ start_time: `gte:${dayStart(day)}` }) },
    { name: 'until', label: 'Until day', kind: 'date', more: true, ask: (day) => ({ created: `lt:${dayStart(day, 1)}` }) },
  ];
  const wanted = (x) => !hidden.includes(x.key);
  return listing(page, {
    one: 'run',
    columns: columns.filter(wanted),
    filters: filters.filter(wanted),
    path: 'runs',
    live: (r) => isLive(r.body.status),
    metrics: (r) => numbers(r.metadata?.run_metadata),
    named: (r) => [r.name, to(`/runs/${r.id}`)],
    compare: 'runs',
    nothing: {
      title: 'No runs yet',
      text: 'Connect a client to this server and run a pipeline; its runs appear here while they run.',
      code: 'python my_pipeline.py',
    },
    ...options,
  });
}
