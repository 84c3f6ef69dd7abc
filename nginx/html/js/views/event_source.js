// One event source: where events are sent to, its secret anew, its triggers.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { again, edit } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { thingPage } from '../parts/thing.js';
import { ask, copyable, empty, section, status, table, toast } from '../ui.js';
import { showSecret, webhook } from './event_sources.js';

export default async function eventSourceView(page) {
  const { id } = page.params;
  const [source, triggers] = await Promise.all([api.get(`event-sources/${id}`, null, page.signal),
    api.get('triggers', { event_source_id: id, size: 100, sort_by: 'asc:name' }, page.signal)]);
  const path = `event-sources/${id}`;
  const active = source.body.is_active;
  const toggle = async () => {
    await api.put(path, { is_active: !active });
    again(page);
  };
  const rotate = async () => {
    const fresh = await ask({ title: `New secret for “${source.name}”?`, text: 'The old one stops working at once.', button: 'Make a new secret',
      submit: () => api.put(path, { configuration: { rotate_secret: true } }) });
    if (fresh) await showSecret(fresh);
  };
  const said = (action) => () => action().catch((e) => toast(e.message, 'bad'));
  thingPage(page, source, {
    title: source.name,
    all: ['/event-sources', 'Event sources'],
    actions: [
      h('button', { type: 'button', onclick: said(toggle) }, active ? 'Deactivate' : 'Activate'),
      h('button', { type: 'button', onclick: said(rotate) }, 'New secret'),
      edit({ what: 'event source', name: source.name, path, done: () => again(page), fields: [
        { name: 'name', label: 'Name', value: source.name, required: true, maxlength: 255 },
        { name: 'description', label: 'Description', value: source.metadata.description, maxlength: 255 }] }),
      remove({ what: 'event source', name: source.name, path, then: '/event-sources', text: 'A source that triggers use cannot be deleted.' })],
    facts: [['Status', status(active ? 'on' : 'off')], ['Events of', words(source.body.flavor)], ['Description', source.metadata.description],
      ['Webhook', copyable(webhook(source), 'Address'), true]],
    more: section('Triggers', triggers.items.length ? table('Triggers', [
      { label: 'Trigger', cell: (t) => h('a', { href: to(`/triggers/${t.id}`) }, t.name) },
      { label: 'Status', cell: (t) => status(t.body.is_active ? 'on' : 'off') },
    ], triggers.items) : empty({ title: 'No trigger waits for these events', text: 'Make one under Triggers.' })),
  });
}
