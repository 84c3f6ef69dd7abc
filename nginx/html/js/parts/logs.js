// A step's logs: the end first, for that is where a failure says why; what came before on demand; while the step runs,
// what is new is added.

import { api } from '../api.js';
import { h, newId } from '../dom.js';
import { bytes, number } from '../format.js';
import { icon } from '../icons.js';
import { muted, toast } from '../ui.js';
import { LogFile } from './log_file.js';

// Colour codes of terminals.
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** Without colour codes and empty lines. */
export const readable = (text) => text.replace(ESCAPES, '').replace(/\n\n+/g, '\n');

const button = (text, onclick) => h('button', { type: 'button', class: 'quiet', onclick }, text);

/**
 * A box with the logs of a step, called `name`; live() tells whether it still runs.
 * Returns {box, more()}; more() fetches what has been written since.
 */
export function logBox(stepId, name, live, signal) {
  const read = (offset, length) => api.get(`steps/${stepId}/logs`, { offset, length }, signal);
  const file = new LogFile(read);
  const text = document.createTextNode('');
  const pre = h('pre', { class: 'logs', tabindex: '0', role: 'region', 'aria-label': 'Logs', hidden: true }, text);
  const state = h('p', { class: 'hint', role: 'status' }, 'Loading the logs…');
  const find = finder(pre, text);
  const earlier = button('Earlier', () => work(async () => {
    const before = pre.scrollHeight;
    text.insertData(0, readable(await file.earlier()));
    pre.scrollTop += pre.scrollHeight - before;
  }));
  const start = button('Jump to start', () => work(async () => { text.data = readable(await file.head(live())); pre.scrollTop = 0; }));
  const later = button('Later', () => work(append));
  const end = button('Jump to end', () => work(tail));
  const wrap = h('input', { type: 'checkbox', checked: true, onchange: () => pre.classList.toggle('unwrapped', !wrap.checked) });
  const wide = h('button', { type: 'button', class: 'quiet', 'aria-pressed': 'false', onclick: () => widen(wide) }, 'Full width');
  const tools = h('div', { class: 'log-tools', role: 'group', 'aria-label': 'Logs', hidden: true },
    find.box, h('label', null, wrap, 'Wrap'), wide,
    button('Copy', () => copy(text.data)), button('Download', () => work(() => download(file, name))));
  const box = h('div', { class: 'log' }, tools, h('p', { class: 'log-steps' }, start, earlier), pre,
    h('p', { class: 'log-steps' }, later, end), state);
  let busy = false;

  async function tail() {
    text.data = readable(await file.tail());
    show();
    pre.scrollTop = pre.scrollHeight;
  }

  async function append() {
    const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
    text.appendData(readable(await file.later(live())));
    show();
    if (atEnd && file.atEnd) pre.scrollTop = pre.scrollHeight;
  }

  function show() {
    const none = file.end === 0;
    pre.hidden = none;
    tools.hidden = none;
    for (const b of [start, earlier]) b.hidden = file.start === 0;
    for (const b of [later, end]) b.hidden = file.atEnd;
    state.textContent = none ? (live() ? 'Nothing has been written yet.' : 'Nothing was logged.')
      : file.start ? `From byte ${number(file.start)} to ${file.atEnd ? 'the end' : number(file.end)}: ${bytes(file.end - file.start)}.`
        : file.atEnd ? '' : `The first ${bytes(file.end)}.`;
  }

  /** One thing at a time; what fails is said beneath the log. */
  async function work(task) {
    if (busy) return;
    busy = true;
    try {
      await task();
      show();
      find.again();
    } catch (error) {
      if (error.name === 'AbortError') return;
      show();
      // A step that has just begun has written no file yet.
      const soon = error.status === 404 && live();
      state.textContent = soon && !file.end ? 'Nothing has been written yet.' : `The logs cannot be read: ${error.message}`;
    } finally {
      busy = false;
    }
  }

  show();
  state.textContent = 'Loading the logs…';
  work(tail);
  return { box, more: () => (file.atEnd ? work(append) : work(file.end ? async () => {} : tail)) };
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast('What is shown of the logs was copied.');
  } catch {
    toast('The browser did not allow copying. Select the text instead.', 'bad');
  }
}

/** The whole log as a file, whatever of it is shown. */
async function download(file, name) {
  const parts = [];
  for await (const part of file.all()) parts.push(part);
  const href = URL.createObjectURL(new Blob(parts, { type: 'text/plain;charset=utf-8' }));
  h('a', { href, download: `${name.replace(/[^\w.-]+/g, '_')}.log` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}

/** Lets the details take the width of the page, and gives it back. */
function widen(control) {
  const wide = control.closest('.split')?.classList.toggle('wide') ?? false;
  control.setAttribute('aria-pressed', String(wide));
}

/** A search field over a text node: marks what it finds, Enter goes on to the next, Shift+Enter to the one before. */
function finder(pre, text) {
  const id = newId('find');
  const count = h('span', { class: 'muted', role: 'status' });
  const input = h('input', { type: 'search', id, placeholder: 'Search', 'aria-label': 'Search in the logs shown', autocomplete: 'off' });
  let found = [];
  let at = 0;

  const range = (from) => {
    const r = document.createRange();
    r.setStart(text, from);
    r.setEnd(text, from + input.value.length);
    return r;
  };
  const mark = (scroll) => {
    count.textContent = !input.value ? '' : found.length ? `${number(at + 1)} of ${number(found.length)}` : 'None';
    if (globalThis.Highlight) {
      CSS.highlights.set('found', new Highlight(...found.slice(0, 2000).map(range)));
      CSS.highlights.set('found-here', new Highlight(...(found.length ? [range(found[at])] : [])));
    }
    if (scroll && found.length) {
      const place = range(found[at]).getBoundingClientRect();
      const frame = pre.getBoundingClientRect();
      pre.scrollTop += place.top - frame.top - frame.height / 2;
      pre.scrollLeft += place.left - frame.left - frame.width / 2;
    }
  };
  const look = (last) => {
    const wanted = input.value.toLowerCase();
    const where = text.data.toLowerCase();
    found = [];
    // (Where lower case has another length than the text, places would be off: then the case counts.)
    const [hay, needle] = where.length === text.data.length ? [where, wanted] : [text.data, input.value];
    for (let i = needle ? hay.indexOf(needle) : -1; i >= 0; i = hay.indexOf(needle, i + needle.length)) found.push(i);
    at = last ? Math.max(0, found.length - 1) : Math.min(at, Math.max(0, found.length - 1));
  };
  const step = (by) => {
    if (!found.length) return;
    at = (at + by + found.length) % found.length;
    mark(true);
  };
  input.addEventListener('input', () => { look(true); mark(true); });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    step(event.shiftKey ? -1 : 1);
  });
  const arrow = (name, label, by) => h('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick: () => step(by) }, icon(name));
  return {
    box: h('span', { class: 'log-find', role: 'search' }, input, arrow('up', 'Previous match', -1), arrow('down', 'Next match', 1), count),
    again() {
      if (!input.value) return;
      look(false);
      mark(false);
    },
  };
}

export const noLogs = () => muted('This step keeps no logs.');
