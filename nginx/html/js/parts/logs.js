// A step's logs, in parts of a mebibyte; while the step runs, what is new is added.

import { api } from '../api.js';
import { h } from '../dom.js';
import { muted } from '../ui.js';

const PART = 1 << 20;
// Colour codes of terminals.
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;

/**
 * A box with the logs of a step; live() tells whether it still runs.
 * Returns {box, more()}; more() fetches what has been written since.
 */
export function logBox(stepId, live, signal) {
  const text = h('pre', { class: 'logs', tabindex: '0', role: 'region', 'aria-label': 'Logs' });
  const state = h('p', { class: 'hint', role: 'status' }, 'Loading the logs…');
  const next = h('button', { type: 'button', hidden: true, onclick: () => more() }, 'Show the next part');
  const box = h('div', null, text, state, next);
  let offset = 0;
  let busy = false;

  async function more() {
    if (busy) return;
    busy = true;
    try {
      const part = await api.get(`steps/${stepId}/logs`, { offset: offset || null, length: PART }, signal);
      const atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 40;
      offset += new TextEncoder().encode(part).length;
      text.append(part.replace(ESCAPES, '').replace(/\n\n+/g, '\n'));
      if (atEnd) text.scrollTop = text.scrollHeight;
      next.hidden = part.length < PART;
      state.textContent = offset ? '' : 'Nothing was logged.';
      text.hidden = offset === 0;
    } catch (error) {
      if (error.name === 'AbortError') return;
      // A step that has just begun has written no file yet.
      const soon = error.status === 404 && live();
      state.textContent = offset ? '' : soon ? 'Nothing has been written yet.' : `The logs cannot be read: ${error.message}`;
      text.hidden = offset === 0;
    } finally {
      busy = false;
    }
  }

  more();
  return { box, more };
}

export const noLogs = () => muted('This step keeps no logs.');
