// One secret. The API sends values with every secret it is asked for, so it is asked only when the reader asks.

import { api } from '../api.js';
import { h, put, to } from '../dom.js';
import { words } from '../format.js';
import { pairRows } from '../parts/pairs.js';
import { remove } from '../parts/remove.js';
import { ask, copyButton, empty, facts, field, header, missingPanel, section, table, time, toast } from '../ui.js';
import { SCOPES } from './secrets.js';

export default async function secretView(page) {
  const { id } = page.params;
  const draw = async () => {
    const found = await api.get('secrets', { id, hydrate: true, size: 1 }, page.signal);
    const secret = found.items[0];
    if (!secret) {
      page.title('Not found');
      page.show(missingPanel('secret', '/secrets', 'Secrets'));
      return;
    }
    const box = h('div');
    hide(box, id);
    page.title(secret.name);
    page.show(
      header(secret.name, {
        above: h('a', { href: to('/secrets') }, 'Secrets'),
        actions: [h('button', { type: 'button', onclick: () => edit(secret, draw).catch((e) => toast(e.message, 'bad')) }, 'Edit'),
          remove({ what: 'secret', name: secret.name, path: `secrets/${id}`, then: '/secrets', text: 'Whatever reads it will fail.' })],
      }),
      facts([
        ['Scope', words(secret.body.scope)],
        ['By', secret.body.user?.name],
        ['Workspace', secret.metadata?.workspace?.name],
        ['Created', time(secret.body.created)],
        ['Changed', time(secret.body.updated)],
      ]),
      section('Values', box),
    );
  };
  await draw();
}

function hide(box, id) {
  const ask = h('button', { type: 'button', onclick: () => show(box, id, ask) }, 'Show the values');
  put(box, h('p', { class: 'muted' }, 'The values are not loaded until you ask for them.'), ask);
}

async function show(box, id, button) {
  button.disabled = true;
  try {
    const secret = await api.get(`secrets/${id}`);
    const rows = Object.entries(secret.body.values).sort(([a], [b]) => a.localeCompare(b));
    const again = h('button', { type: 'button', onclick: () => { hide(box, id); box.querySelector('button').focus(); } }, 'Hide the values');
    put(box, rows.length ? table('Values', [
      { label: 'Key', cell: ([key]) => h('code', null, key) },
      { label: 'Value', cell: ([key, value]) => h('span', { class: 'copyable' }, h('code', { class: 'secret' }, value), copyButton(value, `Value of ${key}`)) },
    ], rows) : empty({ title: 'This secret holds no values' }), again);
    again.focus();
  } catch (error) {
    button.disabled = false;
    toast(error.message, 'bad');
  }
}

async function edit(secret, draw) {
  const rows = pairRows((await api.get(`secrets/${secret.id}`)).body.values);
  const done = await ask({
    title: `Edit “${secret.name}”`,
    button: 'Save',
    fields: [
      field({ name: 'name', label: 'Name', value: secret.name, required: true, maxlength: 255 }),
      field({ name: 'scope', label: 'Who may use it', kind: 'select', options: SCOPES, value: secret.body.scope }),
      rows.node,
    ],
    submit: (v) => {
      const values = rows.read();
      const body = {};
      if (v.name !== secret.name) body.name = v.name;
      if (v.scope !== secret.body.scope) body.scope = v.scope;
      if (Object.keys(values).length) body.values = values;
      return api.put(`secrets/${secret.id}`, body, { patch_values: true });
    },
  });
  if (!done) return;
  toast('The secret was saved.');
  await draw();
}
