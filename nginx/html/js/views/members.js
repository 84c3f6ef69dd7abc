// The people of this server.

import { api, root } from '../api.js';
import { h, to } from '../dom.js';
import { listing } from '../listing.js';
import { remove } from '../parts/remove.js';
import { session } from '../session.js';
import { ask, field, muted, reveal, status, time, toast } from '../ui.js';

/** The link stays behind '#', so that the token in it reaches no server's log. */
const invitation = (user) => root.href + to('/activate-user', { user: user.id, token: user.body.activation_token });

const showLink = (user) => reveal({
  title: `Invitation for ${user.name}`,
  text: 'Give this link to them over a channel you trust. It works once, and it is not shown again.',
  shown: [['Link', invitation(user)]],
});

async function invite(reload) {
  const user = await ask({
    title: 'Add a member',
    button: 'Add',
    fields: [
      field({ name: 'name', label: 'User name', required: true, maxlength: 255 }),
      field({ name: 'is_admin', label: 'Administrator', kind: 'checkbox', hint: 'May manage members and change settings.' }),
    ],
    submit: (v) => api.post('users', { name: v.name, is_admin: v.is_admin }),
  });
  if (!user) return;
  await reload();
  await showLink(user);
}

async function deactivate(user, reload) {
  const gone = await ask({
    title: `Deactivate ${user.name}?`,
    text: 'They are signed out everywhere and need a new invitation, which you get next, to come back.',
    button: 'Deactivate',
    danger: true,
    submit: () => api.put(`users/${user.id}/deactivate`),
  });
  if (!gone) return;
  await reload();
  await showLink(gone);
}

async function admin(user, reload) {
  const wanted = !user.body.is_admin;
  const done = await ask({
    title: wanted ? `Make ${user.name} an administrator?` : `Take ${user.name}’s administrator rights?`,
    button: wanted ? 'Make administrator' : 'Take rights',
    danger: !wanted,
    submit: () => api.put(`users/${user.id}`, { is_admin: wanted }),
  });
  if (!done) return;
  toast('Saved.');
  await reload();
}

export default async function membersView(page) {
  const asked = session.me();
  let me = null;
  let managed = false; // by a service that checks who people are: then nothing is changed here
  const reload = () => list.reload();
  const button = (text, user, action) =>
    h('button', { type: 'button', class: 'quiet', 'aria-label': `${text}: ${user.name}`, onclick: () => action(user, reload) }, text);
  const actions = (user) => {
    if (managed || !me?.body.is_admin || user.id === me.id) return user.id === me?.id ? h('a', { href: to('/account') }, 'Your account') : null;
    return h('span', { class: 'row-actions' },
      button(user.body.is_admin ? 'Remove admin' : 'Make admin', user, admin),
      button(user.body.active ? 'Deactivate' : 'New invitation', user, deactivate),
      remove({ what: 'member', name: user.name, path: `users/${user.id}`, done: reload, text: 'A member who owns pipelines, runs or the like cannot be deleted: deactivate them instead.' }));
  };
  const place = h('span');
  const list = listing(page, {
    title: 'Members',
    path: 'users',
    one: 'member',
    sort: 'asc:name',
    filters: [{ name: 'name', label: 'User name' }],
    fetch: async (query, signal) => {
      const [answer, user, info] = await Promise.all([api.get('users', query, signal), asked, session.server()]);
      me = user;
      managed = info.auth_scheme === 'EXTERNAL';
      if (me.body.is_admin && !managed && !place.firstChild) {
        place.append(h('button', { type: 'button', class: 'primary', onclick: () => invite(reload) }, 'Add a member'));
      }
      return answer;
    },
    actions: place,
    columns: [
      { label: 'User name', sort: 'name', cell: (u) => [u.name, u.id === me?.id && muted(' (you)')] },
      { label: 'Name', hide: 'phone', cell: (u) => u.body.full_name || muted('—') },
      { label: 'Role', hide: 'phone', cell: (u) => (u.body.is_admin ? 'Administrator' : 'Member') },
      { label: 'Status', cell: (u) => status(u.body.active ? 'on' : 'pending', u.body.active ? 'Active' : 'Invited or inactive') },
      { label: 'Joined', sort: 'created', hide: 'narrow', cell: (u) => time(u.body.created) },
      { label: 'Actions', cell: actions },
    ],
  });
  await list.start;
}
