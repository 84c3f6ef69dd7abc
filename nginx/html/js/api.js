// The one door to the server: JSON in, JSON out, errors as ApiError with a sentence for people.

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

async function call(method, path, { query, body, form, signal, at = base } = {}) {
  const url = new URL(path, at);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') url.searchParams.set(name, value);
  }
  // A header of our own and a JSON body: no other site's form can send either with the session cookie.
  const init = { method, signal, credentials: 'same-origin', headers: { 'Source-Context': 'dashboard' } };
  if (body !== undefined) {
    init.headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  } else if (form) {
    init.body = new URLSearchParams(form);
  }
  let response;
  let text;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, '', 'The server cannot be reached. Check the connection, then try again.');
  }
  if (!response.ok) throw new ApiError(response.status, ...explain(response.status, text));
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(response.status, '', 'The answer was not from a Kanso or ZenML server.');
  }
}

export const api = {
  get: (path, query, signal) => call('GET', path, { query, signal }),
  post: (path, body) => call('POST', path, { body }),
  put: (path, body, query) => call('PUT', path, { body, query }),
  del: (path, query) => call('DELETE', path, { query }),
  form: (path, form) => call('POST', path, { form }),
  health: (signal) => call('GET', 'health', { at: root, signal }),
};
