// Things beside each other: rows of what they are and have, with a mark where they differ.

import { h } from '../dom.js';
import { plural } from '../format.js';
import { anyValue, muted, name, section, table } from '../ui.js';
import { metadataValue } from './metadata.js';

/** A row: what it is called, and of each run a text to compare and what is shown. Without any value there is no row. */
export function row(label, cells) {
  const texts = cells.map(([text]) => text);
  if (texts.every((text) => text === undefined)) return [];
  return [{ label, shown: cells.map(([, node]) => node), differs: new Set(texts).size > 1 }];
}

const text = (value) => (value === undefined ? undefined : JSON.stringify(value));
export const plain = (value) => [text(value ?? undefined), value ?? null];

/** Rows for all keys that any of several maps has. */
export function rowsOf(maps, label, cell) {
  const keys = [...new Set(maps.flatMap((map) => Object.keys(map ?? {})))].sort((a, b) => a.localeCompare(b));
  return keys.flatMap((key) => row(label(key), maps.map((map) => (map && key in map ? cell(map[key]) : [undefined, null]))));
}

export const any = (value) => [text(value), anyValue(value)];
export const measured = (entry) => [text(entry.body?.value), metadataValue(entry)];

/** A table of rows; heads: [name, address] of each thing that is compared. */
export function comparison(title, rows, heads, only) {
  const shown = rows.filter((r) => !only || r.differs);
  if (!rows.length || (only && !shown.length)) return null;
  const differ = rows.filter((r) => r.differs).length;
  const node = table(title, [
    { label: title, cell: (r) => [r.label, r.differs && h('span', { class: 'mark' }, ' differs')] },
    ...heads.map(([text, href], i) => ({ label: h('a', { href }, name(text)), cell: (r) => r.shown[i] ?? muted('—') })),
  ], shown);
  node.querySelectorAll('tbody tr').forEach((tr, i) => { if (shown[i].differs) tr.classList.add('differs'); });
  const block = section(title, h('p', { class: 'muted' }, differ ? `${plural(differ, 'difference')} in ${plural(rows.length, 'row')}` : 'No difference'), node);
  block.classList.add('compared');
  return block;
}
