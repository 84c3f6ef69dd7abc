// An invited member arrives with a link that holds their id and a token that works once.

import { api } from '../api.js';
import { h } from '../dom.js';
import { session } from '../session.js';
import { field, form } from '../ui.js';

export default async function activateUser(page) {
  page.title('Activate your account');
  const user = page.query.get('user');
  const token = page.query.get('token');
  if (!user || !token) {
    page.show(h('section', { class: 'gate' }, h('h1', null, 'This link is not complete'),
      h('p', null, 'An invitation link holds who you are and a token. Open it whole, as you were given it, or ask for a new one.')));
    return;
  }
  const submit = async (v) => {
    if (v.password !== v.again) throw new Error('The two passwords differ.');
    const body = { activation_token: token, password: v.password, full_name: v.full_name };
    let made;
    try {
      made = await api.put(`users/${encodeURIComponent(user)}/activate`, body);
    } catch (error) {
      if (error.status === 401) throw new Error('This invitation is not valid. A newer one may have replaced it: ask for a new link.');
      if (error.status === 422) throw new Error('This invitation has been used. Sign in with the password you chose then.');
      if (error.status === 404) throw new Error('This account no longer exists. Ask for a new invitation.');
      throw error;
    }
    await session.signIn({ grant_type: 'password', username: made.name, password: v.password });
    location.hash = '#/';
  };
  page.show(h('section', { class: 'gate' },
    h('img', { src: 'favicon.svg', alt: '', width: 56, height: 56 }),
    h('h1', null, 'Welcome'),
    h('p', null, 'Choose a password to activate your account.'),
    form({
      button: 'Activate my account',
      submit,
      fields: [
        field({ name: 'full_name', label: 'Your name', autocomplete: 'name', maxlength: 255, hint: 'How others see you. May stay empty.' }),
        field({ name: 'password', label: 'Password', kind: 'password', required: true, autocomplete: 'new-password' }),
        field({ name: 'again', label: 'Password once more', kind: 'password', required: true, autocomplete: 'new-password' }),
      ],
    })));
}
