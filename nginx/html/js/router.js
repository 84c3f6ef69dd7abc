// Addresses: everything after '#'. '#/runs/<id>?step=<id>' has the path '/runs/<id>' and the query 'step'.
// A view is a function of one Page; the router makes the page, runs the view and shows its errors.

import { ApiError, watched } from './api.js';
import { h, put, to } from './dom.js';

/** Path and query of the present address. */
export function here() {
  const text = location.hash.slice(1) || '/';
  const cut = text.indexOf('?');
  const path = cut < 0 ? text : text.slice(0, cut);
  return {
    path: path.length > 1 ? path.replace(/\/+$/, '') || '/' : '/',
    query: new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1)),
  };
}

function match(pattern, path) {
  const want = pattern.split('/');
  const have = path.split('/');
  if (want.length !== have.length) return null;
  const params = {};
  for (let i = 0; i < want.length; i += 1) {
    if (want[i].startsWith(':')) {
      try { params[want[i].slice(1)] = decodeURIComponent(have[i]); } catch { return null; }
    } else if (want[i] !== have[i]) return null;
  }
  return params;
}

/** What a view gets: where it is, where to draw, and what ends when the reader leaves. */
export class Page {
  #leave = new AbortController();
  #main;

  constructor(main, path, params, query) {
    this.#main = main;
    this.path = path;
    this.params = params;
    this.query = query;
    /** Set by a view that can follow a change of the query without being drawn anew. */
    this.onquery = null;
  }

  get signal() { return this.#leave.signal; }
  leave() { this.#leave.abort(); }

  /** Names the page in the window and in the history. */
  title(text) { document.title = text ? `${text} · Kanso` : 'Kanso'; }

  /** Draws; a reader who has left meanwhile sees nothing of it. */
  show(...nodes) {
    if (this.signal.aborted) return;
    put(this.#main, nodes);
    this.#main.removeAttribute('aria-busy');
  }

  /** The address of this page with some of its query changed; null removes. */
  link(patch) {
    const query = Object.fromEntries(this.query);
    return to(this.path, { ...query, ...patch });
  }

  go(patch, { replace = false } = {}) {
    const address = this.link(patch);
    if (address === to(this.path, Object.fromEntries(this.query))) return;
    if (replace) {
      history.replaceState(history.state, '', address);
      dispatchEvent(new HashChangeEvent('hashchange'));
    } else location.hash = address;
  }

  /**
   * Repeats a task while the page is open and in sight. The task may return the milliseconds until its next
   * turn, or false when there is nothing more to do. An error of the server is forgiven; any other ends the repeating
   * and reaches the console.
   */
  every(ms, task) {
    let timer = 0;
    let running = false;
    const tick = async () => {
      clearTimeout(timer);
      if (document.hidden || running || this.signal.aborted) return;
      running = true;
      let more = true;
      try {
        more = await task();
      } catch (error) {
        // What the server or the network did may be over by the next round. Anything else is a fault of these pages.
        if (!(error instanceof ApiError) && error.name !== 'AbortError') {
          reportError(error);
          more = false;
        }
      }
      running = false;
      if (typeof more === 'number') ms = more;
      if (more === false) {
        document.removeEventListener('visibilitychange', tick);
        removeEventListener('serverback', tick);
      } else if (!this.signal.aborted) timer = setTimeout(tick, ms);
    };
    timer = setTimeout(tick, ms);
    document.addEventListener('visibilitychange', tick, { signal: this.signal });
    addEventListener('serverback', tick, { signal: this.signal });
    this.signal.addEventListener('abort', () => clearTimeout(timer));
  }
}

/**
 * Starts following the address.
 *   routes: [{path, load}], load() resolving to a module whose default export is the view
 *   before(path): a view to show instead, or null
 *   failed(error, page, again): shows an error; after(path): called when the way leads somewhere else; drawn(): when a view stands
 */
export function start({ main, routes, before, failed, after, drawn }) {
  let current = null;
  let first = true;
  const places = placeKeeper();

  async function draw(top = 0) {
    const { path, query } = here();
    current?.leave();
    let route = null;
    let params = null;
    for (route of routes) {
      params = match(route.path, path);
      if (params) break;
    }
    const page = new Page(main, path, params ?? {}, query);
    current = page;
    main.setAttribute('aria-busy', 'true');
    after(path);
    try {
      let view = await before(path);
      if (!view && !params) view = missing;
      view ??= await watched(async () => [(await route.load()).default, null], page.signal);
      if (page.signal.aborted) return;
      await view(page);
      if (!page.signal.aborted) drawn();
    } catch (error) {
      if (page.signal.aborted || error.name === 'AbortError') return;
      failed(error, page, () => draw());
    }
    if (!first && !page.signal.aborted) {
      scrollTo(0, top);
      focusHeading(main);
    }
    first = false;
  }

  addEventListener('hashchange', () => {
    const top = places.change();
    const { path, query } = here();
    if (current?.onquery && current.path === path) {
      current.query = query;
      current.onquery();
    } else draw(top);
  });
  draw();
  return () => draw();
}

/** Remembers how far down each place in the history was read; change() says where to stand in the one just entered. */
function placeKeeper() {
  history.scrollRestoration = 'manual';
  const tops = new Map();
  const mark = () => {
    const key = history.state?.place ?? crypto.getRandomValues(new Uint32Array(2)).join('-');
    history.replaceState({ place: key }, '');
    return key;
  };
  let now = mark();
  return {
    change() {
      tops.set(now, scrollY);
      now = mark();
      return tops.get(now) ?? 0;
    },
  };
}

function focusHeading(main) {
  if (main.contains(document.activeElement) && document.activeElement !== main) return;
  const heading = main.querySelector('h1') ?? main;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function missing(page) {
  page.title('Not found');
  page.show(h('section', { class: 'empty' },
    h('h1', null, 'There is no such page'),
    h('p', null, 'The address may be old or mistyped.'),
    h('p', null, h('a', { href: '#/' }, 'Go to the overview'))));
}
