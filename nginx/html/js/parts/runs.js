// A list of runs, for the runs page and wherever else runs are listed.

import { h, to } from '../dom.js';
import { duration } from '../format.js';
import { listing } from '../listing.js';
import { isLive, muted, name, status, time } from '../ui.js';

export const STATUSES = [['completed', 'Completed'], ['failed', 'Failed'], ['running', 'Running'],
  ['cached', 'Cached'], ['initializing', 'Starting']];

// A lean list tells no end times, and a full one brings every step of every run. A run changes last when it ends.
const cell = ({ body }) => h('span', { title: 'From its start until it last changed' },
  duration(body.created, isLive(body.status) ? null : body.updated));

/** As listing(), for runs; `hidden` names columns and filters that make no sense here. */
export function runList(page, { hidden = [], ...options }) {
  const columns = [
    { label: 'Run', sort: 'name', cell: (r) => h('a', { href: to(`/runs/${r.id}`) }, name(r.name)) },
    { label: 'Status', sort: 'status', cell: (r) => status(r.body.status) },
    { key: 'pipeline', label: 'Pipeline', hide: 'phone', long: true, cell: (r) => (r.body.pipeline ? h('a', { href: to(`/pipelines/${r.body.pipeline.id}`) }, r.body.pipeline.name) : muted('none')) },
    { key: 'stack', label: 'Stack', hide: 'narrow', cell: (r) => (r.body.stack ? h('a', { href: to(`/stacks/${r.body.stack.id}`) }, r.body.stack.name) : muted('none')) },
    { label: 'By', hide: 'narrow', cell: (r) => r.body.user?.name },
    { label: 'Started', sort: 'created', cell: (r) => time(r.body.created) },
    { label: 'Duration', num: true, hide: 'phone', cell },
  ];
  const filters = [
    { name: 'name', label: 'Name' },
    { name: 'pipeline_name', label: 'Pipeline', key: 'pipeline' },
    { name: 'status', label: 'Status', options: STATUSES },
  ];
  const wanted = (x) => !hidden.includes(x.key);
  return listing(page, {
    one: 'run',
    columns: columns.filter(wanted),
    filters: filters.filter(wanted),
    path: 'runs',
    live: (r) => isLive(r.body.status),
    nothing: {
      title: 'No runs yet',
      text: 'Connect a client to this server and run a pipeline; its runs appear here while they run.',
      code: 'python my_pipeline.py',
    },
    ...options,
  });
}
