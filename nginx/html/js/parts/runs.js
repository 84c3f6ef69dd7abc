// A list of runs, for the runs page and wherever else runs are listed.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { duration } from '../format.js';
import { listing } from '../listing.js';
import { isLive, muted, name, status, time } from '../ui.js';

// A list that is not hydrated is quick but tells no end times. They are asked for after the list is shown, and
// what has ended is remembered.
const ended = new Map();

export const STATUSES = [['completed', 'Completed'], ['failed', 'Failed'], ['running', 'Running'],
  ['cached', 'Cached'], ['initializing', 'Starting']];

function cell(run) {
  const times = ended.get(run.id);
  if (times) return duration(times.start_time, times.end_time);
  return isLive(run.body.status) ? duration(run.body.created) : muted('…');
}

async function durations(query, items, signal) {
  if (items.every((run) => ended.has(run.id) || isLive(run.body.status))) return false;
  const full = await api.get('runs', { ...query, hydrate: true }, signal);
  if (ended.size > 5000) ended.clear();
  for (const run of full.items) {
    if (!isLive(run.body.status)) {
      const { start_time, end_time } = run.metadata;
      ended.set(run.id, { start_time: start_time ?? run.body.created, end_time: end_time ?? run.body.updated });
    }
  }
  return true;
}

/** As listing(), for runs; `hidden` names columns and filters that make no sense here. */
export function runList(page, { hidden = [], ...options }) {
  let asked = {};
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
    fetch: (query, signal) => {
      asked = query;
      return api.get('runs', query, signal);
    },
    drawn: async (items, redraw) => {
      try {
        if (await durations(asked, items, page.signal)) redraw();
      } catch { /* the list stands without durations */ }
    },
    live: (r) => isLive(r.body.status),
    nothing: {
      title: 'No runs yet',
      text: 'Connect a client to this server and run a pipeline; its runs appear here while they run.',
      code: 'python my_pipeline.py',
    },
    ...options,
  });
}
