// A form made of a JSON Schema, as flavors and templates have them.

import { h } from '../dom.js';
import { words } from '../format.js';
import { field } from '../ui.js';

/** A property without the null that may stand for it, and without references. */
export function plain(property, schema, depth = 0) {
  const { $ref: ref } = property;
  const found = ref ? { ...schema.$defs?.[ref.split('/').pop()], ...property, $ref: undefined } : property;
  const some = (found.anyOf ?? found.allOf ?? []).filter((x) => x.type !== 'null');
  if (some.length !== 1 || depth > 5) return found;
  return { ...plain(some[0], schema, depth + 1), ...found, anyOf: undefined, allOf: undefined };
}

/** A property that says nothing of its type has that of its value. */
function typed(property, value) {
  const kind = typeof (value ?? property.default);
  if (property.type || property.enum || property.anyOf || property.allOf || !['string', 'number', 'boolean'].includes(kind)) return property;
  return { ...property, type: kind };
}

const isNull = (value) => value === undefined || value === null;

/** How a value of a property is entered: the field's kind, its text from a value, the value from its text. */
function entry(property, nullable) {
  const number = { kind: 'number', text: (v) => v, value: (t) => t };
  if (property.enum) {
    return { kind: 'select', options: [...(nullable ? [['', 'None']] : []), ...property.enum.map((v) => [JSON.stringify(v), String(v)])],
      text: (v) => (isNull(v) ? '' : JSON.stringify(v)), value: (t) => (t ? JSON.parse(t) : null) };
  }
  switch (property.type) {
    case 'boolean':
      return nullable ? { kind: 'select', options: [['', 'Not set'], ['true', 'Yes'], ['false', 'No']], text: (v) => (isNull(v) ? '' : String(v)), value: (t) => (t ? t === 'true' : null) }
        : { kind: 'checkbox', text: Boolean, value: Boolean };
    case 'integer': return { ...number, step: 1 };
    case 'number': return { ...number, step: 'any' };
    case 'string': return { kind: property.sensitive ? 'password' : property.format === 'password' ? 'masked' : 'text', text: (v) => (typeof v === 'object' && v ? JSON.stringify(v, null, 2) : v ?? ''), value: (t) => (t === '' && nullable ? null : t) };
    default:
      return { kind: 'textarea', json: true, text: (v) => (isNull(v) ? '' : JSON.stringify(v, null, 2)), value: (t) => (t.trim() ? JSON.parse(t) : null) };
  }
}

/**
 * Fields for the properties of a schema, with values that are set now. Returns {nodes, read(values)}: read() takes what ui.values()
 * found in the form and answers an object of what was set before or differs from its default. prefix: before the names of fields.
 */
export function schemaForm(schema, now = {}, prefix = 'schema.') {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([key, raw]) => {
    const property = typed(plain(raw, schema), now[key]);
    const nullable = !required.has(key) && isNull(property.default);
    return { key, property, must: required.has(key) && !(key in now), ...entry(property, nullable) };
  });
  const hint = ({ property, json }) => [property.description, json && 'JSON.'].filter(Boolean).join(' ') || null;
  return {
    nodes: fields.map((f) => field({ name: prefix + f.key, label: f.property.title ?? words(f.key), kind: f.kind, options: f.options, step: f.step,
      required: f.must && f.kind !== 'checkbox', hint: hint(f), value: f.text(f.key in now ? now[f.key] : f.property.default),
      autocomplete: f.kind === 'password' ? 'new-password' : 'off' })),
    read(values) {
      const out = {};
      for (const { key, property, value } of fields) {
        let found;
        try {
          found = value(values[prefix + key]);
        } catch {
          throw new Error(`“${property.title ?? words(key)}” is not JSON.`);
        }
        if (key in now || (!isNull(found) && JSON.stringify(found) !== JSON.stringify(property.default))) out[key] = found;
      }
      return out;
    },
  };
}

/** The same behind a fold, when there are many. */
export const folded = (title, nodes) => nodes.length > 0 && (nodes.length > 12
  ? h('details', { class: 'fold' }, h('summary', null, title), h('div', { class: 'form' }, nodes)) : nodes);
