// First activation: names the server and makes its first administrator.

import { api } from '../api.js';
import { h } from '../dom.js';
import { session } from '../session.js';
import { field, form } from '../ui.js';

export default async function activateServer(page) {
  page.title('Activate this server');
  const info = await session.server();
  if (info.active) {
    page.show(h('section', { class: 'gate' }, h('h1', null, 'This server is active'),
      h('p', null, 'Its first administrator exists already. Ask them for an account if you have none.'),
      h('p', null, h('a', { href: '#/' }, 'Sign in'))));
    return;
  }
  const submit = async (v) => {
    if (v.password !== v.again) throw new Error('The two passwords differ.');
    await api.put('activate', {
      server_name: v.server_name,
      admin_username: v.username,
      admin_password: v.password,
      enable_analytics: false,
      display_announcements: true,
      display_updates: true,
    });
    session.info = null;
    await session.signIn({ grant_type: 'password', username: v.username, password: v.password });
    location.hash = '#/';
    dispatchEvent(new HashChangeEvent('hashchange'));
  };
  page.show(h('section', { class: 'gate' },
    h('img', { src: 'favicon.svg', alt: '', width: 56, height: 56 }),
    h('h1', null, 'Activate this server'),
    h('p', null, 'Nobody can sign in yet. Make the first account; it will be an administrator.'),
    form({
      button: 'Activate',
      submit,
      fields: [
        field({ name: 'server_name', label: 'Name of this server', value: 'default', required: true, maxlength: 255 }),
        field({ name: 'username', label: 'Your user name', required: true, autocomplete: 'username', maxlength: 255 }),
        field({ name: 'password', label: 'Password', kind: 'password', required: true, autocomplete: 'new-password' }),
        field({ name: 'again', label: 'Password once more', kind: 'password', required: true, autocomplete: 'new-password' }),
      ],
    })));
}
