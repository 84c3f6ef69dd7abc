// The steps of a run as a table: how many in which status, those of one status, a page at a time.

import { api } from '../api.js';
import { h, keepFocus, put } from '../dom.js';
import { byName, duration, number, plural } from '../format.js';
import { muted, name, section, status, table, time } from '../ui.js';
import { layersOf } from './layout.js';
import { bar, spanOf } from './timeline.js';

export const PAGE = 50;
const STATUSES = ['failed', 'running', 'initializing', 'completed', 'cached'];

/** How long a hydrated step took, or has taken so far. */
export const length = (step) => (step?.metadata?.start_time ? duration(step.metadata.start_time, step.metadata.end_time) : '');

/** Steps that are all here, as the graph has them from the top; of one layer by name. */
export function stepsHere(steps, graph, run) {
  const layers = layersOf(graph.nodes, graph.edges);
  const layer = (step) => layers.get(`step_${step.id}`) ?? Infinity; // begun after the graph was answered
  const all = [...steps].sort((a, b) => layer(a) - layer(b) || byName(a.name, b.name));
  return {
    span: () => spanOf(run, all),
    counts: async () => new Map(STATUSES.map((s) => [s, all.filter((step) => step.body.status === s).length])),
    rows: async (wanted, page) => {
      const some = wanted ? all.filter((step) => step.body.status === wanted) : all;
      return { items: some.slice((page - 1) * PAGE, page * PAGE), total: some.length };
    },
  };
}

/** Steps of a run that has too many to have here: the server counts, filters and pages, in the order they were made. */
export function stepsThere(run, signal) {
  const query = { pipeline_run_id: run.id, sort_by: 'asc:created' };
  return {
    span: (steps) => spanOf(run, steps),
    counts: async () => new Map(await Promise.all(STATUSES.map(async (s) =>
      [s, (await api.get('steps', { ...query, status: s, size: 1 }, signal)).total]))),
    rows: (wanted, page) => api.get('steps', { ...query, status: wanted, page, size: PAGE, hydrate: true }, signal),
  };
}

/**
 * The table; `page` is the Page, here(query) the address of details beside it. Returns {box, draw(source)}; draw() alone follows the
 * address, and asks for nothing when other rows are not wanted.
 */
export function stepTable(page, here) {
  const box = h('div');
  let source = null;
  let had = null; // what there is: from which source, and which rows
  let round = 0;
  let said = '';

  async function draw(next = source) {
    round += 1;
    const mine = round;
    source = next;
    const wanted = page.query.get('status') ?? '';
    const at = Math.max(1, Number(page.query.get('page')) || 1);
    if (!had || had.source !== source || had.wanted !== wanted || had.at !== at) {
      const [counts, rows] = await Promise.all([source.counts(), source.rows(wanted, at)]);
      if (mine !== round) return; // the reader wants others by now
      had = { source, wanted, at, counts, rows };
    }
    const { counts, rows } = had;
    const news = JSON.stringify([page.link({}), [...counts], rows.items.map((x) => [x.id, x.body.status, length(x), x.body.outputs])]);
    if (news === said) return;
    said = news;
    keepFocus(box, () => put(box, view(counts, rows, wanted, at, source.span(rows.items))));
  }

  function view(counts, { items, total }, wanted, at, span) {
    const all = [...counts.values()].reduce((sum, n) => sum + n, 0);
    if (!all && !items.length) return section('Steps', muted('No step has started yet.'));
    const selected = page.query.get('step');
    const pages = Math.ceil(total / PAGE);
    return section(plural(all, 'step'),
      summary(counts, wanted),
      table('Steps', [
        { label: 'Step', cell: (x) => h('a', { href: here({ step: x.id }), 'aria-current': x.id === selected ? 'true' : null }, name(x.name)) },
        { label: 'Status', cell: (x) => status(x.body.status) },
        { label: 'Started', hide: 'narrow', cell: (x) => time(x.metadata?.start_time ?? x.body.created) },
        { label: ['Timeline', muted(` of ${duration(span.from, span.until)}`)], hide: 'phone', wide: true, cell: (x) => bar(x, span) },
        { label: 'Duration', num: true, cell: length },
        { label: 'Outputs', hide: 'narrow', cell: (x) => Object.entries(x.body.outputs).map(([output, version], i) =>
          [i > 0 && ', ', h('a', { href: here({ artifact: version.id }) }, output)]) },
      ], items),
      pages > 1 && h('nav', { class: 'pager', 'aria-label': 'Pages of steps' },
        turn(at > 1, at - 1, 'Previous'), h('span', { 'aria-current': 'page' }, `Page ${number(at)} of ${number(pages)}`),
        turn(at < pages, at + 1, 'Next')));
  }

  /** '2 failed, 118 completed' as links that leave only those. */
  const summary = (counts, wanted) => h('p', { class: 'inline', role: 'group', 'aria-label': 'Steps by status' },
    [...counts].filter(([, n]) => n).map(([s, n]) => h('a', {
      href: page.link({ status: s === wanted ? null : s, page: null }), 'data-key': s, 'aria-current': s === wanted ? 'true' : null,
    }, status(s, `${number(n)} ${s === 'initializing' ? 'starting' : s}`))),
    wanted && h('a', { href: page.link({ status: null, page: null }) }, 'Show all'));

  const turn = (on, n, text) => (on ? h('a', { href: page.link({ page: n > 1 ? n : null }), 'data-key': text }, text)
    : h('span', { class: 'off', 'aria-hidden': 'true' }, text));

  return { box, draw };
}
