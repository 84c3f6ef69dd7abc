// What there is, and what happened lately.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { number } from '../format.js';
import { session } from '../session.js';
import { empty, header, isLive, name, section, status, table, tags, time } from '../ui.js';
import { strip } from '../parts/strip.js';

const COUNTS = [['runs', 'Runs', '/runs'], ['pipelines', 'Pipelines', '/pipelines'], ['stacks', 'Stacks', '/stacks'],
  ['components', 'Components', '/components']];

async function load(signal) {
  const [counts, pipelines, runs] = await Promise.all([
    session.inWorkspace((ws) => api.get(`${ws}/statistics`, null, signal)),
    api.get('pipelines', { sort_by: 'desc:updated', size: 10 }, signal),
    api.get('runs', { sort_by: 'desc:created', size: 20 }, signal),
  ]);
  return { counts, pipelines, runs };
}

export default async function overview(page) {
  page.title('Overview');
  const draw = async () => {
    const { counts, pipelines, runs } = await load(page.signal);
    const scroll = scrollY;
    page.show(
      header('Overview'),
      h('ul', { class: 'counts', 'aria-label': 'Counts' }, COUNTS.map(([key, label, path]) =>
        h('li', null, h('a', { href: to(path) }, h('span', { class: 'big' }, number(counts[key])), ' ', label)))),
      runs.total ? [latest(runs.items), list(pipelines, runs.items)] : start(),
    );
    scrollTo(0, scroll);
    return runs.items.some((r) => isLive(r.body.status));
  };
  const live = await draw();
  page.every(live ? 4000 : 20000, async () => {
    if (!document.querySelector('main a:focus')) await draw();
  });
}

const latest = (runs) => section('Latest runs',
  table('Latest runs', [
    { label: 'Run', cell: (r) => h('a', { href: to(`/runs/${r.id}`) }, name(r.name)) },
    { label: 'Status', cell: (r) => status(r.body.status) },
    { label: 'Pipeline', hide: 'phone', long: true, cell: (r) => r.body.pipeline && h('a', { href: to(`/pipelines/${r.body.pipeline.id}`) }, r.body.pipeline.name) },
    { label: 'Stack', hide: 'narrow', cell: (r) => r.body.stack?.name },
    { label: 'By', hide: 'narrow', cell: (r) => r.body.user?.name },
    { label: 'Started', cell: (r) => time(r.body.created) },
  ], runs.slice(0, 8)),
  h('p', { class: 'more' }, h('a', { href: to('/runs') }, 'All runs')));

const list = (pipelines, runs) => section('Pipelines',
  table('Pipelines', [
    { label: 'Pipeline', cell: (p) => h('a', { href: to(`/pipelines/${p.id}`) }, p.name) },
    { label: 'Latest run', cell: (p) => (p.body.latest_run_id ? h('a', { href: to(`/runs/${p.body.latest_run_id}`) }, status(p.body.latest_run_status)) : status(null)) },
    { label: 'Recent runs', hide: 'phone', cell: (p) => strip(runs.filter((r) => r.body.pipeline?.id === p.id)) },
    { label: 'Tags', hide: 'narrow', cell: (p) => tags(p.resources?.tags) },
    { label: 'Created', hide: 'narrow', cell: (p) => time(p.body.created) },
  ], pipelines.items),
  h('p', { class: 'more' }, h('a', { href: to('/pipelines') }, 'All pipelines')));

const start = () => empty({
  title: 'Nothing has run yet',
  text: 'Connect a client to this server, then run a pipeline:',
  code: `zenml connect --url ${new URL('.', location.href).href.replace(/\/$/, '')}\npython my_pipeline.py`,
});
