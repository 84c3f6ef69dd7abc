import { api } from '../api.js';
import { h, to } from '../dom.js';
import { listing } from '../listing.js';
import { ask, field, muted, status, time } from '../ui.js';

async function create() {
  const made = await ask({
    title: 'New service account',
    button: 'Create',
    fields: [field({ name: 'name', label: 'Name', required: true, maxlength: 255 }),
      field({ name: 'description', label: 'Description', maxlength: 65535 })],
    submit: (v) => api.post('service_accounts', { name: v.name, description: v.description, active: true }),
  });
  if (made) location.hash = to(`/service-accounts/${made.id}`);
}

export default (page) => listing(page, {
  title: 'Service accounts',
  path: 'service_accounts',
  params: { hydrate: true },
  one: 'service account',
  filters: [{ name: 'name', label: 'Name' }, { name: 'active', label: 'Status', options: [['true', 'Active'], ['false', 'Inactive']] }],
  actions: h('button', { type: 'button', class: 'primary', onclick: create }, 'New service account'),
  columns: [
    { label: 'Service account', sort: 'name', cell: (a) => h('a', { href: to(`/service-accounts/${a.id}`) }, a.name) },
    { label: 'Status', cell: (a) => status(a.body.active ? 'on' : 'off') },
    { label: 'Description', hide: 'phone', cell: (a) => a.metadata?.description || muted('—') },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (a) => time(a.body.created) },
  ],
  nothing: {
    title: 'No service accounts yet',
    text: 'Machines such as CI jobs sign in with the API key of a service account instead of a person’s password. Make one with the button above.',
  },
}).start;
