// One service connector: how it signs in, what it reaches, which components use it.

import { api } from '../api.js';
import { h, put, to } from '../dom.js';
import { words } from '../format.js';
import { askForConnector, askProvider, reached, typeName, verifyFirst } from '../parts/connector.js';
import { again } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { thingPage } from '../parts/thing.js';
import { anyValue, empty, facts, field, muted, section, table, time, toast } from '../ui.js';

/** Changes it in the form that its type has; its secrets come only now. */
async function change({ id, body: { connector_type: type } }, method, page) {
  const now = await api.get(`service_connectors/${id}`);
  const saved = await askForConnector({
    title: `Edit connector “${now.name}”`, button: 'Save', type, method, now,
    submit: async (asked, verify) => {
      const { name, connector_type: kind, auth_method: how, ...rest } = asked;
      if (verify) await verifyFirst({ ...asked, user: now.body.user?.id, workspace: now.metadata.workspace.id });
      // (What is not said of the resource and of the duration would be taken away.)
      await api.put(`service_connectors/${id}`, { ...rest, ...(name !== now.name && { name }) });
    },
  });
  if (!saved) return;
  toast('The connector was saved.');
  again(page);
}

/** A section that asks the provider when the reader wants to know. */
function resources(connector, type, signal) {
  const box = h('div', { 'aria-live': 'polite' });
  const select = type.resource_types?.length > 1 && field({ name: 'kind', label: 'Kind', kind: 'select',
    options: [['', 'All'], ...type.resource_types.filter((r) => connector.body.resource_types.includes(r.resource_type)).map((r) => [r.resource_type, r.name])] });
  const button = h('button', { type: 'button', onclick: () => look().catch((e) => { if (e.name !== 'AbortError') put(box, empty({ title: e.message })); }) }, 'Verify');
  async function look() {
    button.disabled = true;
    put(box, muted('The provider is asked…'));
    try {
      const answer = await askProvider(connector.id, { resource_type: select ? select.querySelector('select').value : null });
      if (!signal.aborted) put(box, reached(answer, type));
    } finally {
      button.disabled = false;
    }
  }
  return section('What it reaches', h('p', { class: 'muted' }, 'Asks the provider with the credentials of the connector.'),
    h('div', { class: 'filters' }, select), h('p', null, button), box);
}

export default async function connectorView(page) {
  const { id } = page.params;
  const [connector, components] = await Promise.all([
    api.get(`service_connectors/${id}`, { expand_secrets: false }, page.signal),
    api.get('components', { connector_id: id, size: 100, sort_by: 'asc:name' }, page.signal),
  ]);
  const { body, metadata: more } = connector;
  const type = typeof body.connector_type === 'string' ? { name: body.connector_type } : body.connector_type;
  const method = type.auth_methods?.find((m) => m.auth_method === body.auth_method);
  const plain = Object.entries(more.configuration ?? {});
  const labels = Object.entries(more.labels ?? {});
  thingPage(page, connector, {
    title: connector.name,
    all: ['/connectors', 'Connectors'],
    actions: [
      method && h('button', { type: 'button', class: 'quiet', 'aria-label': `Edit connector ${connector.name}`, onclick: () => change(connector, method, page).catch((e) => toast(e.message, 'bad')) }, 'Edit'),
      remove({ what: 'connector', name: connector.name, path: `service_connectors/${id}`, then: '/connectors', text: 'A connector that components use cannot be deleted. Its credentials go with it.' })],
    facts: [
      ['Description', body.description],
      ['Type', typeName(type)],
      ['Signs in by', method?.name ?? body.auth_method],
      ['For', body.resource_types.map((r) => type.resource_types?.find((x) => x.resource_type === r)?.name ?? r).join(', ')],
      ['Only', body.resource_id && h('code', null, body.resource_id)],
      ['The credentials end', body.expires_at && time(body.expires_at)],
      ['Temporary credentials last', more.expiration_seconds && `${more.expiration_seconds} s`],
      ['Labels', labels.map(([k, v]) => `${k}: ${v}`).join(', ')],
    ],
    more: [
      section('Configuration', plain.length > 0 && facts(plain.map(([key, value]) => [words(key), anyValue(value)])),
        more.secret_id && h('p', { class: 'muted' }, 'Its credentials are kept in ', h('a', { href: to(`/secrets/${more.secret_id}`) }, 'a secret'), '.')),
      resources(connector, type, page.signal),
      section('Components', components.items.length ? table('Components', [
        { label: 'Component', cell: (c) => h('a', { href: to(`/components/${c.id}`) }, c.name) },
        { label: 'Type', cell: (c) => words(c.body.type) },
        { label: 'Flavor', cell: (c) => c.body.flavor },
      ], components.items) : empty({ title: 'No component uses this connector', text: 'The page of a component connects it.' })),
    ],
  });
}
