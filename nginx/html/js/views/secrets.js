// Secrets by name. Values are fetched only when somebody asks for them.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { pairRows } from '../parts/pairs.js';
import { session } from '../session.js';
import { ask, field, time, toast } from '../ui.js';

export const SCOPES = [['workspace', 'Everybody in the workspace'], ['user', 'Only you']];

async function create(reload) {
  const rows = pairRows();
  const made = await ask({
    title: 'New secret',
    button: 'Create',
    fields: [
      field({ name: 'name', label: 'Name', required: true, maxlength: 255 }),
      field({ name: 'scope', label: 'Who may use it', kind: 'select', options: SCOPES, value: 'workspace' }),
      rows.node,
    ],
    submit: async (v) => {
      const values = rows.read();
      const [me, ws] = await Promise.all([session.me(), session.inWorkspace((path) => api.get(path))]);
      return api.post(`workspaces/${ws.id}/secrets`, { name: v.name, scope: v.scope, values, user: me.id, workspace: ws.id });
    },
  });
  if (!made) return;
  toast(`The secret “${made.name}” was created.`);
  await reload();
}

export default async function secretsView(page) {
  const list = listing(page, {
    title: 'Secrets',
    path: 'secrets',
    one: 'secret',
    filters: [{ name: 'name', label: 'Name' }, { name: 'scope', label: 'Scope', options: [['workspace', 'Workspace'], ['user', 'User']] }],
    actions: h('button', { type: 'button', class: 'primary', onclick: () => create(() => list.reload()) }, 'New secret'),
    columns: [
      { label: 'Secret', sort: 'name', cell: (s) => h('a', { href: to(`/secrets/${s.id}`) }, s.name) },
      { label: 'Scope', sort: 'scope', cell: (s) => words(s.body.scope) },
      { label: 'By', hide: 'phone', cell: (s) => s.body.user?.name },
      { label: 'Changed', sort: 'updated', hide: 'narrow', cell: (s) => time(s.body.updated) },
      { label: 'Created', sort: 'created', hide: 'phone', cell: (s) => time(s.body.created) },
    ],
    nothing: {
      title: 'No secrets yet',
      text: 'Keep passwords and keys here, so that pipelines can read them by name. Make one with the button above, or:',
      code: 'zenml secret create my_secret --token=…',
    },
  });
  await list.start;
}
