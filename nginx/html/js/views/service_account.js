// One service account and its API keys.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { listing } from '../listing.js';
import { remove } from '../parts/remove.js';
import { ask, field, muted, reveal, status, time, toast } from '../ui.js';

const showKey = (key) => reveal({
  title: `API key “${key.name}”`,
  text: 'Keep it now: it is not shown again. A client signs in with it as the variable ZENML_STORE_API_KEY.',
  shown: [['Key', key.body.key]],
});

async function create(keys, reload) {
  const key = await ask({
    title: 'New API key',
    button: 'Create',
    fields: [field({ name: 'name', label: 'Name', required: true, maxlength: 255 }),
      field({ name: 'description', label: 'Description', maxlength: 65535 })],
    submit: (v) => api.post(keys, { name: v.name, description: v.description }),
  });
  if (!key) return;
  await reload();
  await showKey(key);
}

async function rotate(keys, key, reload) {
  const fresh = await ask({
    title: `Replace “${key.name}”?`,
    text: 'You get a new key. The old one can be kept working for a while, so that clients can be changed over.',
    button: 'Replace',
    fields: [field({ name: 'minutes', label: 'Minutes the old key stays good', kind: 'number', value: 0, min: 0, required: true })],
    submit: (v) => api.put(`${keys}/${key.id}/rotate`, { retain_period_minutes: v.minutes }),
  });
  if (!fresh) return;
  await reload();
  await showKey(fresh);
}

async function toggle(path, what, thing, after) {
  const active = !thing.body.active;
  try {
    await api.put(path, { active });
    toast(`The ${what} “${thing.name}” is ${active ? 'active' : 'inactive'} now.`);
    await after();
  } catch (error) {
    toast(error.message, 'bad');
  }
}

export default async function serviceAccountView(page) {
  const account = await api.get(`service_accounts/${encodeURIComponent(page.params.id)}`, null, page.signal);
  const path = `service_accounts/${account.id}`;
  const keys = `${path}/api_keys`;
  const reload = () => list.reload();
  const again = () => dispatchEvent(new HashChangeEvent('hashchange'));
  const list = listing(page, {
    title: account.name,
    above: h('a', { href: to('/service-accounts') }, 'Service accounts'),
    path: keys,
    params: { hydrate: true },
    one: 'API key',
    note: [
      account.metadata.description && h('p', null, account.metadata.description),
      h('p', null, status(account.body.active ? 'on' : 'off'), muted(' · created '), time(account.body.created)),
      h('h2', null, 'API keys'),
    ],
    actions: [
      h('button', { type: 'button', class: 'primary', onclick: () => create(keys, reload) }, 'New API key'),
      h('button', { type: 'button', onclick: () => toggle(path, 'service account', account, () => { page.onquery = null; again(); }) }, account.body.active ? 'Deactivate' : 'Activate'),
      remove({ what: 'service account', name: account.name, path, then: '/service-accounts', text: 'Its keys stop working at once.' }),
    ],
    columns: [
      { label: 'Key', sort: 'name', cell: (k) => k.name },
      { label: 'Status', cell: (k) => status(k.body.active ? 'on' : 'off') },
      { label: 'Description', hide: 'narrow', cell: (k) => k.metadata?.description || muted('—') },
      { label: 'Last used', hide: 'phone', cell: (k) => time(k.metadata?.last_login) },
      { label: 'Replaced', hide: 'narrow', cell: (k) => time(k.metadata?.last_rotated) },
      { label: 'Created', sort: 'created', hide: 'narrow', cell: (k) => time(k.body.created) },
      { label: 'Actions', cell: (k) => h('span', { class: 'row-actions' },
        h('button', { type: 'button', class: 'quiet', 'aria-label': `Replace: ${k.name}`, onclick: () => rotate(keys, k, reload) }, 'Replace'),
        h('button', { type: 'button', class: 'quiet', 'aria-label': `${k.body.active ? 'Deactivate' : 'Activate'}: ${k.name}`, onclick: () => toggle(`${keys}/${k.id}`, 'key', k, reload) }, k.body.active ? 'Deactivate' : 'Activate'),
        remove({ what: 'API key', name: k.name, path: `${keys}/${k.id}`, done: reload, text: 'Clients that use it are shut out at once.' })) },
    ],
    nothing: { title: 'No API keys yet', text: 'Make one with the button above; a client then signs in with:', code: 'export ZENML_STORE_API_KEY=…' },
  });
  await list.start;
}
