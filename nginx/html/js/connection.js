// Whether the server answers: a line of progress when it takes a while, one banner when it does not answer, and what
// follows when it does again. Knows requests only as things that begin and end.

import { h, put } from './dom.js';

const PROGRESS = 300; // milliseconds until a line of progress is shown
const WAITING = 10000; // until waiting can be cancelled
export const TIMEOUT = 30000; // until a request is given up, unless it is one that takes long
const RETRY = 5000; // between questions whether the server is back

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

const pending = new Map(); // request -> {since, cancel}
let answered = null; // when the server last answered
let gone = false;
let losses = 0; // how many requests the server did not answer
let timer = 0;
let ask = async () => {};

/** Sets the question whether the server is there; it goes through begin() like any other. */
export function askWith(question) { ask = question; }

/**
 * Notes that a request has begun; cancel() gives it up. Returns end(answered): true when the server answered, false
 * when it did not, null when nobody knows, as after a cancellation.
 */
export function begin(cancel) {
  const request = {};
  const before = losses;
  pending.set(request, { since: Date.now(), cancel });
  setTimeout(draw, PROGRESS);
  setTimeout(draw, WAITING);
  return (well) => {
    pending.delete(request);
    // (What was asked before the server was lost, and comes in late, does not say that it is back.)
    if (well === true && before === losses) back();
    if (well === false) lost();
    draw();
  };
}

function lost() {
  gone = true;
  losses += 1;
  clearTimeout(timer);
  timer = setTimeout(retry, RETRY);
}

function back() {
  answered = Date.now();
  if (!gone) return;
  gone = false;
  clearTimeout(timer);
  dispatchEvent(new Event('serverback')); // pages that repeat something do it now
}

function retry() {
  if (document.hidden) timer = setTimeout(retry, RETRY);
  else ask().catch(() => {}); // the end of the request says how it went
}

function draw() {
  const waited = Math.max(0, ...[...pending.values()].map(({ since }) => Date.now() - since));
  document.getElementById('progress').hidden = waited < PROGRESS - 10;
  const state = document.getElementById('state');
  const say = gone ? 'gone' : waited >= WAITING - 10 ? 'waiting' : '';
  if (state.dataset.says === say) return;
  state.dataset.says = say;
  if (!say) put(state);
  else if (say === 'gone') {
    put(state, h('p', null, answered
      ? ['Not updated since ', h('time', { datetime: new Date(answered).toISOString() }, clock.format(answered)), ': the server does not answer.']
      : 'The server does not answer.'),
    h('button', { type: 'button', class: 'quiet', onclick: retry }, 'Try now'));
  } else {
    put(state, h('p', null, 'Still waiting for the server.'),
      h('button', { type: 'button', class: 'quiet', onclick: cancel }, 'Cancel'));
  }
}

function cancel() {
  const late = Date.now() - WAITING + 10;
  for (const request of pending.values()) if (request.since <= late) request.cancel();
}
