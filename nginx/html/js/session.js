// Who is signed in, to which server, in which workspace.

import { api } from './api.js';

// The session cookie cannot be read by scripts (HttpOnly). This remembers only that one was given, so that a
// visitor who never signed in is not greeted by a refused request.
const HINT = 'kanso.session';
const WORKSPACE = 'kanso.workspace';

export const store = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch { /* storage may be switched off: the pages work without */ }
  },
};

export const session = {
  info: null,
  user: null,
  /** 'open' once the server is known to ask for no sign-in on these pages. */
  door: null,

  /** Server facts; asked once. */
  async server() {
    this.info ??= api.get('info').catch((error) => { this.info = null; throw error; });
    return this.info;
  },

  /** The signed-in user; asked once a session. */
  async me() {
    this.user ??= api.get('current-user').catch((error) => { this.user = null; throw error; });
    return this.user;
  },

  /** Whether a request with the session is worth trying. */
  likely() { return store.get(HINT) !== null; },

  /** Whether the server lets anybody in, or lets the browser ask for the password. */
  async open() {
    const { auth_scheme: scheme } = await this.server();
    return scheme === 'NO_AUTH' || scheme === 'HTTP_BASIC';
  },

  /** Signs in; returns an address to continue at when somebody else checks who you are. */
  async signIn(form) {
    const answer = await api.form('login', form);
    if (answer.authorization_url) return answer.authorization_url;
    this.forget();
    store.set(HINT, '1');
    return null;
  },

  forget() {
    this.user = null;
    store.set(HINT, null);
  },

  async signOut() {
    this.forget();
    await api.get('logout');
  },

  workspace() { return store.get(WORKSPACE) ?? 'default'; },
  choose(name) { store.set(WORKSPACE, name); },

  /** A workspace's path in the API; when the remembered one is gone, the first there is. */
  async inWorkspace(use) {
    try {
      return await use(`workspaces/${encodeURIComponent(this.workspace())}`);
    } catch (error) {
      if (error.status !== 404) throw error;
      const page = await api.get('workspaces', { size: 1 });
      if (!page.items.length || page.items[0].name === this.workspace()) throw error;
      this.choose(page.items[0].name);
      return use(`workspaces/${encodeURIComponent(this.workspace())}`);
    }
  },
};
