// Service connectors: the form of what a method of authentication takes, what they reach, and asking the provider.

import { api } from '../api.js';
import { h } from '../dom.js';
import { fromField, plural, toField } from '../format.js';
import { ask, field, status, table } from '../ui.js';
import { folded, schemaForm } from './schema_form.js';

const PATIENCE = 60000; // milliseconds; the server gives a provider 40 s

/** Labels as lines of key=value, and back. */
const labelLines = (labels) => Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`).join('\n');
function labelsOf(text) {
  const lines = text.split('\n').map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(lines.map((line) => {
    const cut = line.indexOf('=');
    if (cut < 1) throw new Error(`The label “${line}” is not of the form key=value.`);
    return [line.slice(0, cut).trim(), line.slice(cut + 1).trim()];
  }));
}

/** What a type is called: without the words that all of their names end with, or as the server that does not know it has it. */
export const typeName = (type) => (type.name ?? type).replace(/ Service Connector$/, '');

/**
 * Asks for what a connector of a type takes.
 *   type, method   the type as the API describes it, and one of its methods
 *   now            the connector that is changed, with its secrets; if any
 *   submit(body)   sends it
 */
export function askForConnector({ title, button, type, method, now, submit }) {
  const form = schemaForm(method.config_schema, now?.metadata.configuration ?? {});
  const { body = {}, metadata: more = {} } = now ?? {};
  const only = body.resource_types?.length === 1 ? body.resource_types[0] : '';
  const expires = method.default_expiration_seconds !== null && method.default_expiration_seconds !== undefined;
  return ask({
    title,
    text: `${typeName(type)}: ${method.name}`,
    button,
    fields: [
      field({ name: 'name', label: 'Name', value: now?.name, required: true, maxlength: 255 }),
      field({ name: 'description', label: 'Description', value: body.description }),
      field({ name: 'resource_type', label: 'For', kind: 'select', value: only, options: [
        ...(type.resource_types.length > 1 ? [['', 'All that it can reach']] : []), ...type.resource_types.map((r) => [r.resource_type, r.name])] }),
      field({ name: 'resource_id', label: 'Only this resource', value: body.resource_id, maxlength: 255, hint: 'By its name or address; all that the credentials open when empty.' }),
      folded('Credentials', form.nodes),
      expires && field({ name: 'expiration_seconds', label: 'Seconds that temporary credentials last', kind: 'number', step: 1, value: more.expiration_seconds,
        min: method.min_expiration_seconds, hint: `${method.default_expiration_seconds} when empty.` }),
      field({ name: 'expires_at', label: 'The credentials end at', kind: 'datetime-local', step: 1, value: toField(body.expires_at), required: Boolean(body.expires_at),
        hint: body.expires_at ? 'It can be another time, but not none.' : 'For those that do, as tokens; never when empty.' }),
      field({ name: 'labels', label: 'Labels', kind: 'textarea', rows: 2, value: labelLines(more.labels), hint: 'One a line, as key=value.' }),
      field({ name: 'verify', label: 'Ask the provider first whether it lets this in', kind: 'checkbox', value: true }),
    ],
    submit: async (v) => {
      const asked = {
        name: v.name, description: v.description, connector_type: type.connector_type, auth_method: method.auth_method,
        resource_types: v.resource_type ? [v.resource_type] : [], resource_id: v.resource_id.trim() || null,
        expiration_seconds: v.expiration_seconds ?? null, ...(v.expires_at && { expires_at: fromField(v.expires_at) }), labels: labelsOf(v.labels), configuration: form.read(v),
      };
      return submit(asked, v.verify);
    },
  });
}

/** Asks the provider about a stored connector: {error, resources}. query: resource_type, resource_id. */
export const askProvider = (id, query) => api.put(`service_connectors/${id}/verify`, undefined, query, { patience: PATIENCE });

/** Why the provider refuses, or undefined. */
export const refusal = ({ error, resources }) => error ?? resources?.find((r) => r.error)?.error ?? undefined;

/** Asks the provider about a connector that is not stored; a refusal is an error. */
export async function verifyFirst(body) {
  const problem = refusal(await api.post('service_connectors/verify', body, { patience: PATIENCE }));
  if (problem) throw new Error(problem);
}

/** What the provider answered: a row for each kind of resources. */
export function reached({ error, resources }, type) {
  const called = (name) => type.resource_types?.find((r) => r.resource_type === name)?.name ?? name;
  const ids = (list) => h('ul', null, list.map((id) => h('li', null, h('code', null, id))));
  const what = ({ resource_ids: list, error: problem }) => {
    if (problem) return h('p', { class: 'long' }, problem);
    if (!list?.length) return 'Nothing';
    return list.length > 8 ? h('details', { class: 'fold' }, h('summary', null, plural(list.length, 'resource')), ids(list)) : ids(list);
  };
  return [
    h('p', { role: 'status' }, status(error ? 'failed' : 'on', error ? 'The provider refuses it' : 'The provider lets it in')),
    error && h('pre', { tabindex: '0' }, error),
    resources?.length > 0 && !(error && !resources.some((r) => r.resource_ids?.length)) && table('Resources', [
      { label: 'Kind', cell: (r) => called(r.resource_type) },
      { label: 'Reached', wide: true, cell: what },
    ], resources),
  ];
}
