// The sign-in form. It stands in for whatever page was asked for, which follows once the reader is in.

import { h, safeUrl } from '../dom.js';
import { session } from '../session.js';
import { field, form } from '../ui.js';

const shell = (notice, ...nodes) => h('section', { class: 'gate' },
  h('img', { src: 'favicon.svg', alt: '', width: 56, height: 56 }),
  h('h1', null, 'Sign in to Kanso'),
  notice && h('p', { class: 'notice' }, notice),
  nodes);

export async function signIn(page, enter, notice) {
  page.title('Sign in');
  if (session.info?.auth_scheme === 'EXTERNAL') {
    await elsewhere(page, enter, notice);
    return;
  }
  page.show(shell(notice, form({
    button: 'Sign in',
    submit: async ({ username, password }) => {
      await session.signIn({ grant_type: 'password', username, password });
      enter();
    },
    fields: [
      field({ name: 'username', label: 'User name', required: true, autocomplete: 'username' }),
      field({ name: 'password', label: 'Password', kind: 'password', autocomplete: 'current-password' }),
    ],
  })));
  (document.querySelector('dialog .gate input') ?? document.querySelector('.gate input'))?.focus();
}

/** Another service checks who people are: whoever comes back from it is let in, others are sent there. */
async function elsewhere(page, enter, notice) {
  let onward;
  let problem = null;
  try {
    onward = await session.signIn({ grant_type: 'zenml-external' });
    if (!onward) {
      enter();
      return;
    }
  } catch (error) {
    problem = error.message;
  }
  const address = onward && safeUrl(onward) && new URL(onward);
  address?.searchParams.set('redirect_url', location.href);
  page.show(shell(notice,
    h('p', null, 'This server lets another service check who you are.'),
    problem && h('p', { class: 'problem', role: 'alert' }, problem),
    address && h('p', null, h('a', { href: address.href }, 'Go to the sign-in service'))));
}
