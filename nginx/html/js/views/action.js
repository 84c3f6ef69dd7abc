// One action: which template it runs in whose name, and the triggers that do it.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { again } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { thingPage } from '../parts/thing.js';
import { ask, empty, field, section, status, table, toast } from '../ui.js';

const all = { size: 1000, sort_by: 'asc:name' };
const options = (page) => page.items.map((x) => [x.id, x.name]);

async function change(action, page) {
  const { metadata: more, resources } = action;
  const [templates, accounts] = await Promise.all([api.get('run_templates', all), api.get('service_accounts', all)]);
  const template = more.configuration.template_id;
  const account = resources.service_account?.id;
  const saved = await ask({
    title: `Edit action “${action.name}”`,
    button: 'Save',
    fields: [
      field({ name: 'name', label: 'Name', value: action.name, required: true, maxlength: 255 }),
      field({ name: 'description', label: 'Description', value: more.description, maxlength: 255 }),
      field({ name: 'template', label: 'Run this template', kind: 'select', options: options(templates), value: template }),
      field({ name: 'account', label: 'In the name of', kind: 'select', options: options(accounts), value: account }),
      field({ name: 'window', label: 'Minutes its runs may sign in', kind: 'number', min: 0, step: 1, value: more.auth_window, hint: '0: without an end.' }),
    ],
    submit: async (v) => {
      const body = {
        ...(v.name !== action.name && { name: v.name }),
        ...(v.description !== more.description && { description: v.description }),
        ...(v.template !== template && { configuration: { ...more.configuration, template_id: v.template } }),
        ...(v.account !== account && { service_account_id: v.account }),
        ...(v.window !== null && v.window !== more.auth_window && { auth_window: v.window }),
      };
      if (Object.keys(body).length) await api.put(`actions/${action.id}`, body);
    },
  });
  if (!saved) return;
  toast('The action was saved.');
  again(page);
}

export default async function actionView(page) {
  const { id } = page.params;
  const [action, triggers] = await Promise.all([api.get(`actions/${id}`, null, page.signal),
    api.get('triggers', { action_id: id, size: 100, sort_by: 'asc:name' }, page.signal)]);
  const { metadata: more, resources } = action;
  const template = more.configuration.template_id;
  const account = resources.service_account;
  thingPage(page, action, {
    title: action.name,
    all: ['/actions', 'Actions'],
    actions: [
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Edit action ${action.name}`, onclick: () => change(action, page).catch((e) => toast(e.message, 'bad')) }, 'Edit'),
      remove({ what: 'action', name: action.name, path: `actions/${id}`, then: '/actions', text: 'An action that a trigger does cannot be deleted.' })],
    facts: [
      ['Description', more.description],
      ['Runs template', template && h('a', { href: to(`/templates/${template}`) }, resources.run_template?.name ?? template)],
      ['In the name of', account && h('a', { href: to(`/service-accounts/${account.id}`) }, account.name)],
      ['Its runs may sign in', more.auth_window ? `for ${more.auth_window} min` : 'without an end'],
    ],
    more: section('Triggers', triggers.items.length ? table('Triggers', [
      { label: 'Trigger', cell: (t) => h('a', { href: to(`/triggers/${t.id}`) }, t.name) },
      { label: 'Status', cell: (t) => status(t.body.is_active ? 'on' : 'off') },
    ], triggers.items) : empty({ title: 'No trigger does this' })),
    blocks: [['Configuration', more.configuration]],
  });
}
