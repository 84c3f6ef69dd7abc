// The reader's own account.

import { api } from '../api.js';
import { session } from '../session.js';
import { h } from '../dom.js';
import { facts, field, form, header, section, time, toast } from '../ui.js';

export default async function accountView(page) {
  page.title('Your account');
  const [me, info] = await Promise.all([session.me(), session.server()]);
  const managed = info.auth_scheme === 'EXTERNAL';
  page.show(
    header('Your account'),
    facts([
      ['User name', me.name],
      ['Role', me.body.is_admin ? 'Administrator' : 'Member'],
      ['E-mail', me.metadata?.email],
      ['Joined', time(me.body.created)],
    ]),
    managed ? h('p', { class: 'muted' }, 'Your account is kept by the service that signs you in.') : [
      section('Name', form({
        button: 'Save',
        fields: field({ name: 'full_name', label: 'Your name', value: me.body.full_name, autocomplete: 'name', maxlength: 255 }),
        submit: async (v) => {
          session.user = await api.put('current-user', { full_name: v.full_name });
          toast('Saved.');
        },
      })),
      section('Password', form({
        button: 'Change the password',
        fields: [
          field({ name: 'old_password', label: 'Current password', kind: 'password', autocomplete: 'current-password' }),
          field({ name: 'password', label: 'New password', kind: 'password', required: true, autocomplete: 'new-password' }),
          field({ name: 'again', label: 'New password once more', kind: 'password', required: true, autocomplete: 'new-password' }),
        ],
        submit: async (v) => {
          if (v.password !== v.again) throw new Error('The two new passwords differ.');
          await api.put('current-user', { password: v.password, old_password: v.old_password });
          toast('The password was changed.');
        },
      })),
    ],
  );
}
