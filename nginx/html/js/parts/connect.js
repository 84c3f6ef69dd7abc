// How a component signs in through a service connector: choosing one that reaches what its flavor needs, leaving it.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { ask, empty, field, section, toast } from '../ui.js';
import { askProvider, refusal } from './connector.js';

/** What the flavor of a component needs of a connector: {type, kind, id}; null when it takes none. type '' is any. */
export function needs(flavor, configuration) {
  const { connector_type: type, connector_resource_type: kind, connector_resource_id_attr: attribute } = flavor?.metadata ?? {};
  return kind ? { type: type ?? '', kind, id: configuration[attribute] ?? '' } : null;
}

/** Which resource of those that a connector reaches: the only one, or the one that the reader chooses; undefined when none. */
export async function choose(ids, component) {
  if (ids.length <= 1) return ids[0];
  return ask({
    title: `Connect “${component.name}”`,
    button: 'Connect',
    fields: [field({ name: 'id', label: 'Resource', kind: 'select', options: ids.map((id) => [id, id]) })],
    submit: (v) => v.id,
  });
}

/**
 * Asks for a connector, and the provider whether it reaches what the component needs. Resolves to
 * {connector, connector_resource_id}, undefined when the reader changed their mind.
 */
export async function askForConnection(component, wanted) {
  const { items } = await api.get('service_connectors', { connector_type: wanted.type, resource_type: wanted.kind, expand_secrets: false, size: 1000, sort_by: 'asc:name' });
  if (!items.length) {
    throw new Error(`No connector reaches what this component needs (${wanted.kind}${wanted.type && `, by ${wanted.type}`}). Make one on the page of connectors.`);
  }
  const { connector: now, connector_resource_id: nowId } = component.metadata;
  const found = await ask({
    title: `Connect “${component.name}”`,
    button: 'Connect',
    fields: [
      field({ name: 'connector', label: 'Connector', kind: 'select', value: now?.id, options: items.map((c) => [c.id, c.name]) }),
      field({ name: 'id', label: 'Resource', value: nowId ?? wanted.id, maxlength: 255, hint: 'By its name or address. When empty, the provider says which there are.' }),
      field({ name: 'verify', label: 'Ask the provider first whether it lets this in', kind: 'checkbox', value: true }),
    ],
    submit: async (v) => {
      const id = v.id.trim() || null;
      if (!v.verify) return { connector: v.connector, ids: id ? [id] : [] };
      const answer = await askProvider(v.connector, { resource_type: wanted.kind, resource_id: id });
      const problem = refusal(answer);
      if (problem) throw new Error(problem);
      const ids = (answer.resources ?? []).filter((r) => r.resource_type === wanted.kind).flatMap((r) => r.resource_ids ?? []);
      if (!ids.length) throw new Error('The provider lets the connector in, but shows it no such resource.');
      return { connector: v.connector, ids };
    },
  });
  if (!found) return undefined;
  const id = await choose(found.ids, component);
  return id === undefined && found.ids.length > 1 ? undefined : { connector: found.connector, connector_resource_id: id ?? null };
}

/** What is said of it on the page of a component, with buttons that call change(connection, what is said of it then). */
export function connection(component, wanted, change) {
  const { connector, connector_resource_id: id } = component.metadata;
  const button = (text, label, onclick) => h('button', { type: 'button', class: 'quiet', 'aria-label': `${label} ${component.name}`, onclick: () => onclick().catch((e) => toast(e.message, 'bad')) }, text);
  const connect = async () => {
    const made = await askForConnection(component, wanted);
    if (made) await change(made, 'The component is connected.');
  };
  const disconnect = () => ask({
    title: `Disconnect “${component.name}”?`,
    text: 'It then uses the credentials of where it runs. The connector stays.',
    button: 'Disconnect',
    danger: true,
    submit: () => change({ connector: null, connector_resource_id: null }, 'The component is no longer connected.'),
  });
  return section('Service connector',
    connector ? h('p', null, 'Signs in through ', h('a', { href: to(`/connectors/${connector.id}`) }, connector.name), id && [' to ', h('code', null, id)], '.')
      : empty({ title: 'Not connected', text: 'It uses the credentials of where it runs.' }),
    h('p', { class: 'inline' }, connector ? [button('Change', 'Change connector of', connect), ' ', button('Disconnect', 'Disconnect', disconnect)] : button('Connect', 'Connect', connect)));
}
