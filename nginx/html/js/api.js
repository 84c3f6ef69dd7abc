// The one door to the server: JSON in, JSON out, errors as ApiError with a sentence for people.

import { TIMEOUT, askWith, begin } from './connection.js';

/** Where the pages live, found from this file's own address: any path prefix works. */
export const root = new URL('../', import.meta.url);
const base = new URL('api/v1/', root);

export class ApiError extends Error {
  /** status: HTTP status, 0 when the server could not be reached; kind: exception class name or ''. */
  constructor(status, kind, message) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.kind = kind;
  }
}

const FALLBACK = {
  400: 'The server refused this request.',
  401: 'You are not signed in.',
  402: 'The subscription does not allow this.',
  403: 'You are not allowed to do this.',
  404: 'This does not exist, or no longer exists.',
  409: 'Something with this name already exists.',
  422: 'The server could not make sense of what was entered.',
  429: 'Too many attempts. Wait a minute, then try again.',
  502: 'The server is not answering.',
  503: 'The server is busy or starting. Try again in a moment.',
  504: 'The server took too long to answer.',
};

/** Turns an error body of any shape the API has into [kind, sentence]. */
function explain(status, text) {
  let body = null;
  try { body = JSON.parse(text); } catch { /* not JSON: the status has to do */ }
  let detail = body?.detail ?? body;
  let kind = '';
  if (Array.isArray(detail) && typeof detail[0] === 'string') [kind, detail] = detail;
  if (Array.isArray(detail)) detail = detail.map((p) => p?.msg).filter(Boolean).join('; ');
  if (kind === 'ValueError' && status === 422) detail = problems(detail);
  if (typeof detail !== 'string' || !detail) {
    return [kind, FALLBACK[status] ?? `The server failed (status ${status}).`];
  }
  // A missing key arrives quoted, as its language prints it.
  return [kind, detail.replace(/^(['"])([\s\S]*)\1$/, '$2')];
}

/** Field problems come as text holding a list; the sentences in it are what a person needs. */
function problems(text) {
  try {
    return JSON.parse(text).map((p) => `${(p.loc ?? []).slice(1).join(' › ')}: ${p.msg}`).join('; ');
  } catch {
    const found = [...String(text).matchAll(/'msg': (['"])(.*?)\1, '/g)].map((m) => m[2]);
    return found.length ? found.join('; ') : text;
  }
}

const GONE = [0, 502, 503, 504]; // statuses that mean: no worker of the server had a say

/** What asks the reader to sign in again when a session is over: a function that resolves to whether they have. */
let signInAgain = async () => false;
export function onSessionOver(handler) { signInAgain = handler; }

function prepare(method, path, { query, body, form, at = base }) {
  const url = new URL(path, at);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') url.searchParams.set(name, value);
  }
  // A header of our own and a JSON body: no other site's form can send either with the session cookie.
  const init = { method, credentials: 'same-origin', headers: { 'Source-Context': 'dashboard' } };
  if (body !== undefined) {
    init.headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  } else if (form) {
    init.body = new URLSearchParams(form);
  }
  return [url, init];
}

/**
 * Runs `work(stop)`, which asks the server for something, and keeps watch over it: the reader may cancel it, and time may
 * run out, after `patience` milliseconds; `stop` is the signal of both. The work resolves to [value, answered], the latter as
 * begin() has it; this resolves to the value, and rejects with an AbortError when `signal` ends it, else with an ApiError.
 */
export async function watched(work, signal, patience = TIMEOUT) {
  const stop = new AbortController();
  const all = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let cancelled = false;
  const late = setTimeout(() => stop.abort(new ApiError(0, '', `The server took longer than ${patience / 1000} seconds to answer.`)), patience);
  const end = begin(() => {
    cancelled = true;
    stop.abort(new ApiError(0, '', 'Cancelled. The server had not answered yet.'));
  });
  const stopped = new Promise((_, reject) => { all.addEventListener('abort', () => reject(all.reason)); });
  try {
    const [value, answered] = await Promise.race([work(all), stopped]);
    end(answered);
    return value;
  } catch (error) {
    end(cancelled || error.name === 'AbortError' ? null : false);
    if (error instanceof ApiError || error.name === 'AbortError') throw error;
    throw new ApiError(0, '', 'The server cannot be reached. Check the connection, then try again.');
  } finally {
    clearTimeout(late);
  }
}

/** Sends once; {status, ok, text}. What is answered without the database, or without any worker, says nothing of the rest. */
const send = (url, init, { signal, patience, alone = false }) => watched(async (stop) => {
  const response = await fetch(url, { ...init, signal: stop });
  const answer = { status: response.status, ok: response.ok, text: await response.text() };
  return [answer, GONE.includes(response.status) ? false : alone ? null : true];
}, signal, patience);

async function call(method, path, options = {}) {
  const [url, init] = prepare(method, path, options);
  let answer = await send(url, init, options);
  if (answer.status === 401 && path !== 'login' && await signInAgain()) answer = await send(url, init, options);
  if (!answer.ok) throw new ApiError(answer.status, ...explain(answer.status, answer.text));
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new ApiError(answer.status, '', 'The answer was not from a Kanso or ZenML server.');
  }
}

export const api = {
  get: (path, query, signal) => call('GET', path, { query, signal }),
  // patience: milliseconds that the server has for what is known to take long
  post: (path, body, { patience } = {}) => call('POST', path, { body, patience }),
  put: (path, body, query, { patience } = {}) => call('PUT', path, { body, query, patience }),
  del: (path, query) => call('DELETE', path, { query }),
  form: (path, form) => call('POST', path, { form }),
  health: (signal) => call('GET', 'health', { at: root, signal, alone: true }),
  version: (signal) => call('GET', 'version.json', { at: root, signal, alone: true }),
};

askWith(() => api.get('info'));
