// A table of data: sorted by a click on a head, numbers at the right, in a box that scrolls under its heads.

import { h, put } from '../dom.js';
import { number } from '../format.js';
import { icon } from '../icons.js';

const MOST = 500; // rows that are shown

const isNumber = (text) => text.trim() !== '' && Number.isFinite(Number(text));

/** head: names of the columns; rows: lists of texts. */
export function dataTable(head, rows) {
  const numeric = head.map((_, i) => rows.some((row) => row[i]) && rows.every((row) => !row[i] || isNumber(row[i])));
  const sort = { column: -1, sign: 1 };
  const body = h('tbody');
  const heads = head.map((label, i) => h('th', { scope: 'col', class: numeric[i] && 'num' },
    h('button', { type: 'button', class: 'sorter', onclick: () => by(i) }, label || `Column ${i + 1}`)));
  const cls = (i) => (numeric[i] ? 'num' : null);

  function by(column) {
    sort.sign = sort.column === column ? -sort.sign : 1;
    sort.column = column;
    heads.forEach((th, i) => {
      th.querySelector('.icon')?.remove();
      if (i !== column) { th.removeAttribute('aria-sort'); return; }
      th.setAttribute('aria-sort', sort.sign > 0 ? 'ascending' : 'descending');
      th.firstChild.append(icon(sort.sign > 0 ? 'up' : 'down'));
    });
    draw();
  }

  function draw() {
    const { column, sign } = sort;
    // (What is empty comes last, whichever way.)
    const compare = (a, b) => {
      const [x, y] = [a[column] ?? '', b[column] ?? ''];
      if (!x || !y) return Number(!x) - Number(!y);
      return sign * (numeric[column] ? Number(x) - Number(y) : x.localeCompare(y));
    };
    const shown = (column < 0 ? rows : [...rows].sort(compare)).slice(0, MOST);
    put(body, shown.map((row) => h('tr', null, head.map((_, i) => h('td', { class: cls(i) }, row[i] ?? '')))));
  }

  draw();
  return h('div', { class: 'data' },
    h('div', { class: 'table-box', tabindex: '0', role: 'region', 'aria-label': 'Table' },
      h('table', null, h('caption', { class: 'sr' }, 'Table'), h('thead', null, h('tr', null, heads)), body)),
    rows.length > MOST && h('p', { class: 'hint' }, `${MOST} of ${number(rows.length)} rows; sorting is over all.`));
}
