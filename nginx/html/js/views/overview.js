// What there is, and what happened lately.

import { api } from '../api.js';
import { h, keepFocus, put, to } from '../dom.js';
import { number } from '../format.js';
import { session } from '../session.js';
import { connectLine, empty, header, isLive, muted, name, section, status, table, tags, time } from '../ui.js';
import { strip } from '../parts/strip.js';

const COUNTS = [['runs', 'Runs', '/runs'], ['pipelines', 'Pipelines', '/pipelines'], ['stacks', 'Stacks', '/stacks'],
  ['components', 'Components', '/components']];

const RECENT = 12;
// The last runs of a pipeline, by its id, with the latest run they were asked for: asked again when that is another.
const recent = new Map();
const latestOf = (p) => `${p.body.latest_run_id} ${p.body.latest_run_status}`;

/** The last runs of each pipeline that has any: a request each, after the page stands, for those with a new latest run. */
async function fillStrips(pipelines, signal) {
  await Promise.all(pipelines.items.filter((p) => p.body.latest_run_id && recent.get(p.id)?.latest !== latestOf(p)).map(async (p) => {
    const { items } = await api.get('runs', { pipeline_id: p.id, sort_by: 'desc:created', size: RECENT }, signal);
    recent.set(p.id, { latest: latestOf(p), runs: items });
    const place = document.querySelector(`[data-strip="${p.id}"]`);
    if (place) put(place, strip(items));
  }));
}

/** The strip of a pipeline as far as it is known. */
function stripOf(p, runs) {
  const newer = new Map(runs.map((r) => [r.id, r]));
  const known = recent.get(p.id)?.runs.map((r) => newer.get(r.id) ?? r) ?? runs.filter((r) => r.body.pipeline?.id === p.id);
  return h('span', { 'data-strip': p.id }, known.length || !p.body.latest_run_id ? strip(known) : muted('…'));
}

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
  const box = h('div', { class: 'stack' });
  let said = '';
  const draw = async () => {
    const found = await load(page.signal);
    const { counts, pipelines, runs } = found;
    const news = JSON.stringify(found);
    if (news !== said) {
      said = news;
      keepFocus(box, () => put(box,
        header('Overview'),
        h('ul', { class: 'counts', 'aria-label': 'Counts' }, COUNTS.map(([key, label, path]) =>
          h('li', null, h('a', { href: to(path) }, h('span', { class: 'big' }, number(counts[key])), ' ', label)))),
        runs.total ? [latest(runs.items), list(pipelines, runs.items)] : start()));
    }
    fillStrips(pipelines, page.signal).catch(() => {}); // the page stands without
    return runs.items.some((r) => isLive(r.body.status)) ? 4000 : 20000;
  };
  const pace = await draw();
  page.show(box);
  page.every(pace, draw);
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
    { label: 'Recent runs', hide: 'phone', cell: (p) => stripOf(p, runs) },
    { label: 'Tags', hide: 'narrow', cell: (p) => tags(p.resources?.tags) },
    { label: 'Created', hide: 'narrow', cell: (p) => time(p.body.created) },
  ], pipelines.items),
  h('p', { class: 'more' }, h('a', { href: to('/pipelines') }, 'All pipelines')));

const FIRST = `pip install zenml==0.66.0
${connectLine()}
cat > first.py <<'END'
from zenml import pipeline, step


@step
def load() -> list[int]:
    return [1, 2, 3]


@step
def total(numbers: list[int]) -> int:
    print("adding up", numbers)
    return sum(numbers)


@pipeline
def first():
    total(load())


if __name__ == "__main__":
    first()
END
python first.py`;

const start = () => empty({
  title: 'Nothing has run yet',
  text: 'A whole first pipeline, to paste into a shell; its run appears here while it runs:',
  code: FIRST,
});
