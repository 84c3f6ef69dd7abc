// Parts that several views use: statuses, times, tables, dialogs, messages.

import { h, newId, put, to } from './dom.js';
import { ago, bytes, date, exact } from './format.js';
import { icon } from './icons.js';

const STATUS_WORDS = { initializing: 'Starting', on: 'Active', off: 'Inactive' };

/** A status as shape, colour and word. */
export function status(name, text) {
  if (!name) return h('span', { class: 'muted' }, '—');
  const word = text ?? STATUS_WORDS[name] ?? name.charAt(0).toUpperCase() + name.slice(1);
  return h('span', { class: `status status-${name}` }, icon(name), word);
}

export const isLive = (name) => name === 'running' || name === 'initializing';

/** A moment, relative, with the exact time as its title. */
export function time(text) {
  const at = date(text);
  if (!at) return h('span', { class: 'muted' }, '—');
  return h('time', { datetime: at.toISOString(), title: exact(at), class: 'ago' }, ago(at));
}

// Times go on while nothing else on the page changes.
setInterval(() => {
  if (document.hidden) return;
  for (const node of document.querySelectorAll('time.ago')) {
    const text = ago(new Date(node.dateTime));
    if (node.textContent !== text) node.textContent = text;
  }
}, 20000);

/** A name that may be broken where its parts meet: after '_', '-', '.', '/' and ':'. */
export const name = (text) => String(text).split(/(?<=[_\-./:])/).flatMap((part, i) => (i ? [h('wbr'), part] : [part]));

export const muted = (text) => h('span', { class: 'muted' }, text);

/** Tags with their colour. */
export function tags(list) {
  if (!list?.length) return null;
  return h('ul', { class: 'tags', 'aria-label': 'Tags' }, list.map((tag) =>
    h('li', { class: `tag tag-${tag.body?.color ?? 'grey'}` }, tag.name)));
}

/** A button that copies a text. */
export function copyButton(text, what) {
  const done = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(`${what} copied.`);
    } catch {
      toast('The browser did not allow copying. Select the text instead.', 'bad');
    }
  };
  return h('button', { type: 'button', class: 'icon-button', 'aria-label': `Copy ${what.toLowerCase()}`, title: 'Copy', onclick: done }, icon('copy'));
}

/** A code-like text with a copy button. */
export const copyable = (text, what) => h('span', { class: 'copyable' }, h('code', null, text), copyButton(text, what));

/** How a client connects to this server. */
export const connectLine = () => `zenml connect --url ${new URL('.', location.href).href.replace(/\/$/, '')}`;

/** Lines to paste elsewhere, with a copy button. */
export const command = (text) => h('div', { class: 'command' }, h('pre', { tabindex: '0' }, text), copyButton(text, 'Text'));

/** The heading of a page: title, what stands beneath it, buttons at its right. */
export function header(title, { above, below, actions } = {}) {
  return h('header', { class: 'page-head' },
    above && h('p', { class: 'crumbs' }, above),
    h('div', { class: 'row' }, heading(title), actions && h('div', { class: 'actions' }, actions)),
    below && h('div', { class: 'below' }, below));
}

const LONG = 60; // characters; longer names are cut on the screen, and can be copied whole

function heading(title) {
  const node = h('h1', null, title);
  if (node.textContent.length <= LONG) return node;
  node.title = node.textContent;
  node.classList.add('clamped');
  return h('div', { class: 'named' }, node, copyButton(node.textContent, 'Name'));
}

/** Facts as a description list: [[name, node or text, wide?], ...]; empty ones are left out, wide ones get a line. */
export function facts(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '');
  return h('dl', { class: 'facts' }, rows.map(([name, value, wide]) =>
    h('div', { class: wide && 'wide' }, h('dt', null, name), h('dd', null, value))));
}

/** A section with a heading. */
export const section = (title, ...children) =>
  h('section', { class: 'block' }, h('h2', null, title), children);

/** What stands where a list would be, and what to do about it. */
export function empty({ title, text, code }) {
  return h('div', { class: 'empty' }, h('p', { class: 'strong' }, title), text && h('p', null, text),
    code && command(code));
}

/** Where something should be that is not there: what it is, and the list of all of them. */
export const missingPanel = (what, list, title) => h('section', { class: 'empty', role: 'alert' },
  h('h1', null, `There is no such ${what}`),
  h('p', null, 'It may have been deleted, or the address is not whole.'),
  h('p', null, h('a', { href: to(list) }, `All ${title.charAt(0).toLowerCase()}${title.slice(1)}`)));

export function errorPanel(error, again) {
  return h('section', { class: 'empty', role: 'alert' },
    h('h1', null, error.status === 404 ? 'Not found' : 'That did not work'),
    h('p', null, error.message),
    again && h('p', null, h('button', { type: 'button', onclick: again }, 'Try again')));
}

const columnClass = (c) => [c.hide && `hide-${c.hide}`, c.num && 'num', c.long && 'long', c.wide && 'wide', c.tick && 'tick'].filter(Boolean).join(' ') || null;

/**
 * A table. columns: [{label, cell(item), sort?, hide?: 'phone' | 'narrow', num?, long?, wide?}]; long ones break anywhere, wide ones
 * take the room there is. Columns with `tick` hold a box for each row and stand before the one that names it.
 * sorting: {by, link(by)} makes the heads of columns with `sort` links.
 */
export function table(caption, columns, items, sorting) {
  const head = (c) => {
    if (!c.sort || !sorting) return h('th', { scope: 'col', class: columnClass(c) }, c.label);
    const order = sorting.by.split(':', 1)[0];
    const active = sorting.by.slice(order.length + 1) === c.sort;
    const next = active && order === 'desc' ? `asc:${c.sort}` : `desc:${c.sort}`;
    return h('th', { scope: 'col', class: columnClass(c), 'aria-sort': active ? (order === 'asc' ? 'ascending' : 'descending') : null },
      h('a', { href: sorting.link(next), class: 'sorter' }, c.label, active && icon(order === 'asc' ? 'up' : 'down')));
  };
  const naming = columns.findIndex((c) => !c.tick);
  return h('div', { class: 'table-box' }, h('table', null,
    h('caption', { class: 'sr' }, caption),
    h('thead', null, h('tr', null, columns.map(head))),
    h('tbody', null, items.map((item) => h('tr', null, columns.map((c, i) =>
      cell(c, item, i === naming)))))));
}

function cell(column, item, naming) {
  const node = h(naming ? 'th' : 'td', { scope: naming ? 'row' : null, class: columnClass(column) }, column.cell(item));
  const link = naming && node.textContent.length > LONG && node.querySelector('a');
  if (link) {
    link.title = link.textContent;
    link.classList.add('clamped');
  }
  return node;
}

/** A labelled form field. kind: text, password, textarea, masked (a secret that may have lines), checkbox, select, number, date, datetime-local. */
export function field({ name, label, kind = 'text', value = '', options, hint, required, autocomplete, maxlength, min, step, placeholder, rows = 5, onchange }) {
  const id = newId('f');
  const hintId = hint ? id + '-hint' : null;
  const common = { id, name, required, 'aria-describedby': hintId, onchange };
  let input;
  if (kind === 'textarea') input = h('textarea', { ...common, rows, spellcheck: 'false', value });
  else if (kind === 'masked') input = h('textarea', { ...common, class: 'masked', rows: 2, spellcheck: 'false', autocomplete: 'off', value });
  else if (kind === 'select') {
    input = h('select', common, options.map(([v, text]) => h('option', { value: v, selected: String(v) === String(value) }, text)));
  } else if (kind === 'checkbox') input = h('input', { ...common, type: 'checkbox', checked: Boolean(value) });
  else input = h('input', { ...common, type: kind, value: value ?? '', autocomplete: autocomplete ?? 'off', maxlength, min, step, placeholder });
  const note = hint && h('p', { class: 'hint', id: hintId }, hint);
  if (kind === 'checkbox') return h('div', { class: 'field check' }, h('label', { for: id }, input, label), note);
  return h('div', { class: 'field' }, h('label', { for: id }, label), input, note);
}

/** What a form holds: text, numbers for number inputs, true or false for boxes. */
export function values(form) {
  const out = {};
  for (const input of form.elements) {
    if (!input.name) continue;
    if (input.type === 'checkbox') out[input.name] = input.checked;
    else if (input.type === 'number') out[input.name] = input.value === '' ? null : Number(input.value);
    else out[input.name] = input.value;
  }
  return out;
}

/**
 * A form whose button runs `submit(values)`; a failure is shown in words above the button.
 * extra: nodes beside the button.
 */
export function form({ fields, button, submit, danger = false, extra = null }) {
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const send = h('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, button);
  const node = h('form', {
    class: 'form',
    onsubmit: async (event) => {
      event.preventDefault();
      problem.hidden = true;
      send.disabled = true;
      try {
        await submit(values(node));
      } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
      } finally {
        send.disabled = false;
      }
    },
  }, fields, problem, h('div', { class: 'buttons' }, extra, send));
  return node;
}

const dialogs = new Set();

/** Shows a modal dialog; done() is called once it is closed, by whatever. Whoever goes back or on leaves it too. */
export function openDialog(dialog, done) {
  dialogs.add(dialog);
  dialog.addEventListener('close', () => {
    dialogs.delete(dialog);
    dialog.remove();
    done();
  });
  document.body.append(dialog);
  dialog.showModal();
}

addEventListener('hashchange', (event) => {
  // (A filter that follows what is typed says so by an event of its own: that is no change of place.)
  if (event.isTrusted) for (const dialog of dialogs) dialog.close();
});

/**
 * Asks in a modal dialog. `submit(values)` does the work; the dialog closes when it succeeds.
 * Resolves to what submit returned, or undefined when the reader changed their mind.
 */
export function ask({ title, text, fields = [], button, danger, submit }) {
  return new Promise((resolve) => {
    let result;
    const id = newId('dialog');
    const dialog = h('dialog', { 'aria-labelledby': id });
    const cancel = h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
    const body = form({
      fields: [text && h('p', null, text), fields],
      button,
      danger,
      extra: cancel,
      submit: async (v) => {
        result = (await submit(v)) ?? true;
        dialog.close();
      },
    });
    put(dialog, h('h2', { id }, title), body);
    openDialog(dialog, () => resolve(result));
    if (danger) cancel.focus();
  });
}

/** Shows something that will not be shown again, until the reader closes it. shown: [[what it is, the text], ...] */
export function reveal({ title, text, shown }) {
  return new Promise((resolve) => {
    const id = newId('dialog');
    const dialog = h('dialog', { 'aria-labelledby': id },
      h('h2', { id }, title), h('p', null, text),
      shown.map(([what, secret]) => [shown.length > 1 && h('p', { class: 'label' }, what),
        h('p', { class: 'once' }, h('code', { tabindex: '0' }, secret), copyButton(secret, what))]),
      h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'primary', onclick: () => dialog.close() }, 'I have kept it')));
    openDialog(dialog, resolve);
  });
}

/** A passing message; read out, gone after a while. */
export function toast(text, tone = 'good') {
  const node = h('p', { class: `toast ${tone}` }, text);
  document.getElementById('toasts').append(node);
  setTimeout(() => node.remove(), tone === 'bad' ? 9000 : 4500);
}

/** A value from the server of any type, short enough to read. */
export function anyValue(value, type) {
  if (type === 'StorageSize' && typeof value === 'number') return bytes(value);
  if (value === null || value === undefined) return muted('none');
  if (typeof value === 'object') return h('pre', { class: 'json', tabindex: '0' }, JSON.stringify(value, null, 2));
  return h('span', { class: typeof value === 'string' ? 'text' : 'num' }, String(value));
}

/** A folded JSON document. */
export function jsonBlock(title, value) {
  if (!value || !Object.keys(value).length) return null;
  return h('details', { class: 'fold' }, h('summary', null, title),
    h('pre', { class: 'json', tabindex: '0' }, JSON.stringify(value, null, 2)));
}
