import { api, root } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { session } from '../session.js';
import { ask, field, reveal, status, time } from '../ui.js';

/** Where the events of a source are to be sent. */
export const webhook = (source) => new URL(`api/v1/webhooks/${source.id}`, root).href;

/** Address and secret, for the settings of the site that sends the events. */
export const showSecret = (source) => reveal({
  title: `Webhook for “${source.name}”`,
  text: 'Paste both into the settings of the repository (GitHub: Settings, Webhooks; content type application/json). The secret is not shown again.',
  shown: [['Address', webhook(source)], ['Secret', source.metadata.configuration.webhook_secret]],
});

async function create() {
  const flavors = await api.get('plugin-flavors', { type: 'event_source', subtype: 'webhook', size: 100 });
  const made = await ask({
    title: 'New event source',
    button: 'Create',
    fields: [
      field({ name: 'name', label: 'Name', required: true, maxlength: 255 }),
      field({ name: 'flavor', label: 'Events of', kind: 'select', options: flavors.items.map((f) => [f.name, words(f.name)]), value: 'github' }),
      field({ name: 'description', label: 'Description', maxlength: 255 }),
    ],
    submit: async (v) => {
      const [me, ws] = await Promise.all([session.me(), session.inWorkspace((path) => api.get(path))]);
      return api.post('event-sources', { ...v, plugin_subtype: 'webhook', configuration: {}, user: me.id, workspace: ws.id });
    },
  });
  if (!made) return;
  await showSecret(made);
  location.hash = to(`/event-sources/${made.id}`);
}

export default (page) => listing(page, {
  title: 'Event sources',
  path: 'event-sources',
  one: 'event source',
  filters: [{ name: 'name', label: 'Name' }],
  actions: h('button', { type: 'button', class: 'primary', onclick: create }, 'New event source'),
  columns: [
    { label: 'Event source', sort: 'name', cell: (e) => h('a', { href: to(`/event-sources/${e.id}`) }, e.name) },
    { label: 'Events of', cell: (e) => words(e.body.flavor) },
    { label: 'Status', cell: (e) => status(e.body.is_active ? 'on' : 'off') },
    { label: 'By', hide: 'phone', cell: (e) => e.body.user?.name },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (e) => time(e.body.created) },
  ],
  nothing: { title: 'No event sources yet', text: 'An event source receives what a site such as GitHub sends when code changes; triggers then run templates.' },
}).start;
