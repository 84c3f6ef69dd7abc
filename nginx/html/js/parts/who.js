// Which server this is, who is signed in, in which workspace: asked once a session, shown under the navigation.

import { ApiError, api } from '../api.js';
import { h, put, to } from '../dom.js';
import { session } from '../session.js';

let asked = null;

/** Everything that is shown; what the server does not tell is null. */
function ask() {
  const perhaps = (promise) => promise.catch((error) => {
    if (error instanceof ApiError || error.name === 'AbortError') return null;
    throw error;
  });
  return Promise.all([api.get('settings'), session.me(), api.get('workspaces', { size: 100, sort_by: 'asc:name' }), api.version()].map(perhaps));
}

/** Asks anew: somebody else may be signed in now, or the server has another name. */
export function forgetWho(box) {
  asked = null;
  if (box) put(box);
}

/** Fills a box; changed() is called when the reader chooses another workspace. */
export async function who(box, changed) {
  asked ??= ask();
  const [settings, me, workspaces, version] = await asked;
  if (!me) asked = null;
  const many = workspaces && workspaces.total > 1;
  put(box,
    h('p', null, h('strong', { title: location.host }, settings?.body.server_name ?? location.host)),
    me && h('p', null, 'Signed in as ', h('a', { href: to('/account') }, me.name)),
    many && h('label', { class: 'theme' }, h('span', null, 'Workspace'),
      h('select', { onchange: (event) => { session.choose(event.target.value); changed(); } }, workspaces.items.map((w) =>
        h('option', { value: w.name, selected: w.name === session.workspace() }, w.name)))),
    h('p', null, version && `Kanso ${version.kanso} · `, h('a', { href: 'docs/' }, 'The API')));
}
