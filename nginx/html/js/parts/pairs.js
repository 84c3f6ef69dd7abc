// Rows of a key and a value, which is masked and may have several lines.

import { h, newId } from '../dom.js';

/**
 * A field for the values of a secret. before: the values of now. Returns {node, read()}; read() answers {key: value} of what
 * was changed, null for what was removed; it throws a sentence for keys that cannot be.
 */
export function pairRows(before = {}) {
  const rows = h('div', { class: 'pairs' });
  const id = newId('pairs');
  const area = (value) => h('textarea', { class: 'masked', 'aria-label': 'Value', rows: 1, spellcheck: 'false', autocomplete: 'off', value });

  function add(key = '', value = '') {
    const row = h('div', { class: 'pair' },
      h('input', { type: 'text', 'aria-label': 'Key', placeholder: 'key', autocomplete: 'off', spellcheck: 'false', value: key }), area(value),
      h('button', { type: 'button', class: 'quiet', 'aria-label': 'Remove this row', title: 'Remove', onclick: () => { row.remove(); more.focus(); } }, '×'));
    rows.append(row);
    return row;
  }

  const more = h('button', { type: 'button', class: 'quiet', onclick: () => add().querySelector('input').focus() }, 'Add a row');
  const show = h('input', { type: 'checkbox', onchange: () => rows.classList.toggle('shown', show.checked) });
  for (const [key, value] of Object.entries(before).sort(([a], [b]) => a.localeCompare(b))) add(key, value);
  if (!rows.firstChild) add();
  const node = h('div', { class: 'field', role: 'group', 'aria-labelledby': id }, h('p', { class: 'label', id }, 'Values'), rows,
    h('p', { class: 'inline' }, more, h('label', { class: 'metrics' }, show, 'Show')));
  return {
    node,
    read() {
      const now = new Map();
      for (const row of rows.children) {
        const [key, value] = [row.querySelector('input').value.trim(), row.querySelector('textarea').value];
        if (!key && !value) continue;
        if (!key) throw new Error('A value has no key.');
        if (now.has(key)) throw new Error(`The key “${key}” is there twice.`);
        now.set(key, value);
      }
      const gone = Object.keys(before).filter((key) => !now.has(key)).map((key) => [key, null]);
      return Object.fromEntries([...[...now].filter(([key, value]) => before[key] !== value), ...gone]);
    },
  };
}
