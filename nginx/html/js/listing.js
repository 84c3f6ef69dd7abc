// A page that lists: filters, sorting and paging live in the address, so that they can be linked and gone back to.
//
// The server sorts and filters by what it has columns for. Anything else, such as a number of the metadata, is sorted and
// filtered here, among the newest LOCAL items; such columns have `value(item)` and a `sort` that begins with '~', such filters
// have `keep(text, signal)`, which resolves to what says of an item whether it stays, and `whole` when it must be hydrated.

import { api } from './api.js';
import { h, keepFocus, put, to } from './dom.js';
import { number, plural, value as words } from './format.js';
import { empty, field, header, muted, table, toast } from './ui.js';

const SIZES = [25, 50, 100];
const LOCAL = 100;
const METRIC = '~metadata.';

/** A filter by one whole tag: the API knows no other way. */
export const byTag = { name: 'tag', label: 'Tag', ask: (tag) => ({ tag }) };

/**
 * Draws a list and keeps it current.
 *   title, one, many     what is listed, in words
 *   fetch(query, signal) answers a page of the API; by default api.get(path, query)
 *   columns              see ui.table
 *   filters              see filterForm
 *   nothing              ui.empty's argument when there is nothing at all
 *   above, actions, note nodes above, beside and beneath the title
 *   live(item)           whether an item is still changing: then the list is looked at more often
 *   metrics(item)        the numbers of a hydrated item by key: the reader can have them as columns and a chart
 *   named(item)          its name and address as [name, href], for the chart and for comparing
 *   compare              what items are called on the page of comparisons (its `of`), if they can be ticked and compared
 */
export function listing(page, options) {
  const { title, path, columns, filters = [], nothing, above, actions, note, one, many = one + 's', sort = 'desc:created' } = options;
  const fetch = options.fetch ?? ((query, signal) => api.get(path, query, signal));
  const box = h('div', { class: 'listing' });
  const summary = h('p', { class: 'summary', role: 'status' });
  const picked = new Map(); // id -> name of what is ticked
  const comparison = h('p', { class: 'comparison', hidden: true });
  const chartBox = h('div', { class: 'chart-box', hidden: true });
  let shown = null;
  let round = 0;
  let said = ''; // the address and the answer that are drawn

  page.title(title);
  const search = filters.length ? filterForm(page, filters) : null;
  const tools = h('div', { class: 'list-tools' }, summary, comparison, options.metrics && metricsSwitch(page), sizePicker(page));

  const order = () => page.query.get('sort') ?? sort;
  const metrics = () => Boolean(options.metrics && page.query.get('metrics'));
  const keeping = () => filters.filter((f) => f.keep && page.query.get(f.name));
  const local = () => metrics() || order().includes(':~') || keeping().length > 0;
  const size = () => (SIZES.includes(Number(page.query.get('size'))) ? Number(page.query.get('size')) : SIZES[0]);

  function query() {
    const q = local() ? { page: 1, size: LOCAL, sort_by: order().includes(':~') ? sort : order() }
      : { page: Number(page.query.get('page')) || 1, size: size(), sort_by: order() };
    if (metrics() || keeping().some((f) => f.whole)) q.hydrate = true;
    Object.assign(q, options.params);
    for (const { name, op, options: choices, ask, keep } of filters) {
      const value = page.query.get(name);
      if (value && !keep) Object.assign(q, ask ? ask(value) : { [name]: choices ? value : `${op ?? 'contains'}:${value}` });
    }
    return q;
  }

  function draw() {
    const { total, index, total_pages: pages } = shown;
    const filtered = filters.some((f) => page.query.get(f.name));
    const bare = Boolean(!total && !filtered && nothing);
    if (search) search.hidden = bare;
    tools.hidden = bare;
    chartBox.hidden = bare || !metrics();
    if (bare) {
      put(box, empty(nothing));
      return;
    }
    const measured = metrics() ? measure(shown.items, options.metrics) : null;
    const all = [options.compare && ticks(), columns, measured?.columns].flat().filter(Boolean);
    const items = local() ? sortedHere(shown.items, all, order()) : shown.items;
    summary.textContent = told(items, filtered);
    put(box, items.length ? table(title, all, items, { by: order(), link: (by) => page.link({ sort: by, page: null }) }) : null,
      !local() && pages > 1 && pager(page, index, pages));
    if (measured) drawChart(measured).catch((error) => toast(error.message, 'bad'));
  }

  function told(items, filtered) {
    const { total, index, total_pages: pages } = shown;
    if (!total) return filtered ? `No ${many} match. Change or clear the filters.` : `No ${many}.`;
    if (keeping().length) {
      const of = shown.looked < total ? `the newest ${number(shown.looked)} of ${plural(total, one, many)}` : plural(total, one, many);
      return items.length ? `${number(items.length)} of ${of}` : `None of ${of} match. Change or clear the filters.`;
    }
    if (local() && total > items.length) return `The newest ${number(items.length)} of ${plural(total, one, many)}`;
    if (local() || pages === 1) return plural(total, one, many);
    const from = (index - 1) * size() + 1;
    return `${number(from)}–${number(from + items.length - 1)} of ${plural(total, one, many)}`;
  }

  /** A line of one key over what is listed, oldest first. */
  async function drawChart({ keys, values }) {
    if (!keys.length) {
      put(chartBox, muted(`None of these ${many} has a number in its metadata.`));
      return;
    }
    const things = shown.items.map((item) => {
      const [name, href] = options.named(item);
      return { name, href, values: values.get(item) };
    }).reverse();
    const { keyChart } = await import('./parts/chart.js');
    keepFocus(chartBox, () => put(chartBox, keyChart(page, { things, keys, order: `oldest ${one} first` })));
  }

  function ticks() {
    const tick = (item, on) => {
      if (on) picked.set(item.id, options.named(item)[0]);
      else picked.delete(item.id);
      drawComparison();
    };
    return { tick: true, label: h('span', { class: 'sr' }, 'Compare'), cell: (item) => h('input', {
      type: 'checkbox', 'aria-label': `Compare ${options.named(item)[0]}`, 'data-key': `tick-${item.id}`, checked: picked.has(item.id),
      onchange: (event) => tick(item, event.target.checked) }) };
  }

  function drawComparison() {
    comparison.hidden = !picked.size;
    put(comparison, picked.size < 2 ? muted('Tick another one to compare.')
      : h('a', { class: 'button', href: to('/compare', { of: options.compare === 'runs' ? null : options.compare, ids: [...picked.keys()].join(',') }) }, `Compare ${plural(picked.size, one, many)}`),
    h('button', { type: 'button', class: 'plain', onclick: () => { picked.clear(); drawComparison(); draw(); } }, 'Clear'));
  }

  async function load() {
    round += 1;
    const mine = round;
    box.setAttribute('aria-busy', 'true');
    try {
      const [found, ...keep] = await Promise.all([fetchPage(query(), page.signal),
        ...keeping().map((f) => f.keep(page.query.get(f.name), page.signal))]);
      if (mine !== round) return;
      const answer = { ...found, looked: found.items.length, items: found.items.filter((item) => keep.every((stays) => stays(item))) };
      const news = page.link({}) + JSON.stringify(answer);
      shown = answer;
      if (news === said && !(options.live && answer.items.some(options.live))) return;
      said = news;
      keepFocus(box, draw);
    } finally {
      if (mine === round) box.removeAttribute('aria-busy');
    }
  }

  // Deleting the last item of the last page leaves an address beyond the end: step back to where something is.
  async function fetchPage(q, signal) {
    try {
      return await fetch(q, signal);
    } catch (error) {
      if (error.status !== 400 || q.page === 1) throw error;
      page.go({ page: null }, { replace: true });
      return fetch({ ...q, page: 1 }, signal);
    }
  }

  async function begin() {
    await load();
    page.show(header(title, { above, actions, below: note }), search, tools, chartBox, box);
    page.onquery = () => {
      search?.follow();
      for (const node of tools.querySelectorAll('select, input')) node.dispatchEvent(new Event('follow'));
      load().catch((error) => { if (error.name !== 'AbortError') summary.textContent = error.message; });
    };
    if (options.live) {
      const pace = () => (shown.items.some(options.live) ? 4000 : 20000);
      page.every(pace(), async () => {
        await load();
        return pace();
      });
    }
  }

  return { start: begin(), reload: load };
}

/** The numbers of items: which keys there are, {key: number} of each item, and a column for each key. */
function measure(items, metrics) {
  const values = new Map(items.map((item) => [item, metrics(item)]));
  const keys = [...new Set([...values.values()].flatMap(Object.keys))].sort((a, b) => a.localeCompare(b));
  const columns = keys.map((key) => ({
    label: key, num: true, sort: METRIC + key, value: (item) => values.get(item)?.[key],
    cell: (item) => (key in (values.get(item) ?? {}) ? words(values.get(item)[key]) : muted('—')),
  }));
  return { keys, values, columns };
}

/** Sorted by a column that the server does not sort by; what has no value comes last. */
function sortedHere(items, columns, order) {
  const [direction] = order.split(':', 1);
  const column = columns.find((c) => c.value && c.sort === order.slice(direction.length + 1));
  if (!column) return items;
  const sign = direction === 'asc' ? 1 : -1;
  const none = (x) => x === undefined || x === null || Number.isNaN(x);
  return items.map((item) => [item, column.value(item)]).sort(([, a], [, b]) => {
    if (none(a) || none(b)) return none(a) - none(b);
    return sign * (typeof a === 'number' ? a - b : String(a).localeCompare(String(b)));
  }).map(([item]) => item);
}

function sizePicker(page) {
  const node = h('select', { 'aria-label': 'Rows a page',
    onchange: () => page.go({ size: Number(node.value) === SIZES[0] ? null : node.value, page: null }),
    onfollow: () => { node.value = page.query.get('size') ?? SIZES[0]; } },
  SIZES.map((n) => h('option', { value: n, selected: page.query.get('size') === String(n) }, `${n} a page`)));
  return h('span', { class: 'size' }, node);
}

function metricsSwitch(page) {
  const node = h('input', { type: 'checkbox', checked: page.query.get('metrics'),
    onchange: () => page.go({ metrics: node.checked ? 1 : null, page: null, sort: node.checked ? page.query.get('sort') : null, chart: null }),
    onfollow: () => { node.checked = Boolean(page.query.get('metrics')); } });
  return h('label', { class: 'metrics' }, node, 'Metrics and chart');
}

/**
 * The filters of a list: [{name, label, options?, op?, kind?, ask?, more?}]. Text boxes ('contains'), dates, or choices: pairs, or a
 * function that fetches them when they are first wanted. ask(value) says what to ask the server for. `more` ones stand behind a fold.
 */
function filterForm(page, filters) {
  let timer = 0;
  const apply = () => {
    clearTimeout(timer);
    const patch = { page: null };
    for (const f of filters) patch[f.name] = node.elements[f.name].value.trim() || null;
    page.go(patch, { replace: true });
  };
  const soon = (event) => {
    clearTimeout(timer);
    timer = setTimeout(apply, event.target.tagName === 'SELECT' ? 0 : 250);
  };
  const set = (f) => page.query.get(f.name) ?? '';
  const entry = (f) => field({
    name: f.name,
    label: f.label,
    value: set(f),
    kind: f.options ? 'select' : f.kind,
    placeholder: f.placeholder,
    options: f.options && [['', 'Any'], ...(typeof f.options === 'function' ? [] : f.options)],
  });
  const [first, more] = [filters.filter((f) => !f.more), filters.filter((f) => f.more)];
  const fold = more.length > 0 && h('details', { class: 'more-filters', ontoggle: () => fold.open && fill() },
    h('summary', null, 'More filters'), h('div', { class: 'filters' }, more.map(entry)));
  const clear = h('button', { type: 'button', class: 'plain', onclick: () => {
    for (const f of filters) node.elements[f.name].value = '';
    apply();
    node.elements[first[0].name].focus();
  } }, 'Clear filters');
  const node = h('form', {
    class: 'filter-form',
    role: 'search',
    onsubmit: (event) => { event.preventDefault(); apply(); },
    oninput: soon,
    onchange: soon,
  }, h('div', { class: 'filters' }, first.map(entry)), fold, clear);

  /** Fetches the choices that are not known yet. */
  async function fill() {
    await Promise.all(more.filter((f) => typeof f.options === 'function').map(async (f) => {
      const input = node.elements[f.name];
      if (input.options.length > 1) return;
      const choices = await f.options(page.signal);
      if (input.options.length === 1) input.append(...choices.map(([value, text]) => h('option', { value, selected: value === set(f) }, text)));
    })).catch((error) => { if (error.name !== 'AbortError') toast(error.message, 'bad'); });
  }

  node.follow = () => {
    clear.hidden = !filters.some(set);
    for (const f of filters) {
      const input = node.elements[f.name];
      if (document.activeElement !== input) input.value = set(f);
    }
  };
  clear.hidden = !filters.some(set);
  if (more.some(set)) fold.open = true;
  return node;
}

function pager(page, index, pages) {
  const step = (n, text, label) => (n < 1 || n > pages || n === index
    ? h('span', { class: 'off', 'aria-hidden': 'true' }, text)
    : h('a', { href: page.link({ page: n === 1 ? null : n }), 'aria-label': label, 'data-key': text }, text));
  return h('nav', { class: 'pager', 'aria-label': 'Pages' },
    step(1, 'First', 'First page'),
    step(index - 1, 'Previous', 'Previous page'),
    h('span', { 'aria-current': 'page' }, `Page ${number(index)} of ${number(pages)}`),
    step(index + 1, 'Next', 'Next page'),
    step(pages, 'Last', 'Last page'));
}
