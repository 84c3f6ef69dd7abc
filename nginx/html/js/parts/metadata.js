// Metadata as the API gives it: a map of key to {body: {value, type}}. Numbers can be charted, lists of numbers are drawn small.

import { h } from '../dom.js';
import { value as words } from '../format.js';
import { anyValue, facts } from '../ui.js';
import { sparkline } from './sparkline.js';

const MOST = 2000; // numbers of a list that are drawn

/** The list, when a value is one of at least two numbers, else null. */
const series = (value) => (Array.isArray(value) && value.length > 1 && value.every((x) => typeof x === 'number' && Number.isFinite(x)) ? value : null);

/** The keys of a map that hold one number each: {key: number}. */
export function numbers(map) {
  const found = Object.entries(map ?? {}).map(([key, entry]) => [key, entry.body?.value]);
  return Object.fromEntries(found.filter(([, value]) => typeof value === 'number' && Number.isFinite(value)));
}

const TESTS = { '=': (a, b) => a === b, '>': (a, b) => a > b, '<': (a, b) => a < b, '>=': (a, b) => a >= b, '<=': (a, b) => a <= b };

/** What 'key', 'key=text' or 'key>number' says of a map: a function of it. Without regard to case for texts. */
export function wanted(text) {
  const [, key, sign, other] = /^\s*(.+?)\s*(?:(>=|<=|=|>|<)\s*(.*?)\s*)?$/.exec(text) ?? [];
  return (map) => {
    if (!Object.hasOwn(map ?? {}, key)) return false;
    const value = map[key].body?.value;
    if (!sign) return true;
    if (typeof value === 'number' && other !== '') return TESTS[sign](value, Number(other));
    const said = typeof value === 'string' ? value : JSON.stringify(value);
    return sign === '=' && said.toLowerCase() === other.toLowerCase();
  };
}

/** One value, of any type. */
export function metadataValue(entry) {
  const { value, type } = entry.body ?? {};
  // (A sum in binary has digits that nobody measured; the title has them all.)
  if (typeof value === 'number' && !Number.isInteger(value)) return h('span', { class: 'num', title: value }, words(value));
  const list = series(value);
  if (!list) return anyValue(value, type);
  return [sparkline(list.slice(0, MOST)), h('details', { class: 'fold' }, h('summary', null, `${list.length} numbers`), anyValue(value, type))];
}

/** All of a map as facts, or null. */
export function metadata(map) {
  const entries = Object.entries(map ?? {}).sort(([a], [b]) => a.localeCompare(b));
  return entries.length ? facts(entries.map(([key, entry]) => [key, metadataValue(entry)])) : null;
}
