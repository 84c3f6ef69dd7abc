// A page that lists: filters, sorting and paging live in the address, so that they can be linked and gone back to.

import { api } from './api.js';
import { h, keepFocus, put } from './dom.js';
import { number, plural } from './format.js';
import { empty, field, header, table } from './ui.js';

const SIZE = 25;

/**
 * Draws a list and keeps it current.
 *   title, one, many     what is listed, in words
 *   fetch(query, signal) answers a page of the API; by default api.get(path, query)
 *   columns              see ui.table
 *   filters              [{name, label, options?, op?}]: text boxes ('contains') or choices
 *   nothing              ui.empty's argument when there is nothing at all
 *   above, actions, note nodes above, beside and beneath the title
 *   live(item)           whether an item is still changing: then the list is looked at more often
 */
export function listing(page, options) {
  const { title, path, columns, filters = [], nothing, above, actions, note, one, many, sort = 'desc:created' } = options;
  const fetch = options.fetch ?? ((query, signal) => api.get(path, query, signal));
  const box = h('div', { class: 'listing' });
  const summary = h('p', { class: 'summary', role: 'status' });
  let shown = null;
  let round = 0;
  let said = ''; // the address and the answer that are drawn

  page.title(title);
  const search = filters.length ? filterForm(page, filters) : null;

  function query() {
    const q = { page: Number(page.query.get('page')) || 1, size: SIZE, sort_by: page.query.get('sort') ?? sort, ...options.params };
    for (const { name, op, options: choices } of filters) {
      const value = page.query.get(name);
      if (value) q[name] = choices ? value : `${op ?? 'contains'}:${value}`;
    }
    return q;
  }

  function draw() {
    const { items, total, index, total_pages: pages } = shown;
    const filtered = filters.some((f) => page.query.get(f.name));
    const bare = Boolean(!total && !filtered && nothing);
    if (search) search.hidden = bare;
    summary.hidden = bare;
    if (bare) {
      put(box, empty(nothing));
      return;
    }
    const from = (index - 1) * SIZE + 1;
    summary.textContent = !total ? `No ${many ?? one + 's'} match. Change or clear the filters.`
      : pages === 1 ? plural(total, one, many)
        : `${number(from)}–${number(from + items.length - 1)} of ${plural(total, one, many)}`;
    put(box, total ? table(title, columns, items, {
      by: page.query.get('sort') ?? sort,
      link: (by) => page.link({ sort: by, page: null }),
    }) : null, pages > 1 && pager(page, index, pages));
  }

  async function load() {
    round += 1;
    const mine = round;
    box.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetchPage(query(), page.signal);
      if (mine !== round) return;
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
    page.show(header(title, { above, actions, below: note }), search, summary, box);
    page.onquery = () => {
      search?.follow();
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

function filterForm(page, filters) {
  let timer = 0;
  const apply = () => {
    clearTimeout(timer);
    const patch = { page: null };
    for (const f of filters) patch[f.name] = node.elements[f.name].value.trim() || null;
    page.go(patch, { replace: true });
  };
  const node = h('form', {
    class: 'filters',
    role: 'search',
    onsubmit: (event) => { event.preventDefault(); apply(); },
    oninput: (event) => {
      clearTimeout(timer);
      timer = setTimeout(apply, event.target.tagName === 'SELECT' ? 0 : 250);
    },
  }, filters.map((f) => field({
    name: f.name,
    label: f.label,
    value: page.query.get(f.name) ?? '',
    kind: f.options ? 'select' : 'text',
    options: f.options && [['', 'Any'], ...f.options],
  })));
  node.follow = () => {
    for (const f of filters) {
      const input = node.elements[f.name];
      if (document.activeElement !== input) input.value = page.query.get(f.name) ?? '';
    }
  };
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
