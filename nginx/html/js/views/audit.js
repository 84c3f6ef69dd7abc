// The audit log, for administrators: who did what to which object, from where, and what came of it.

import { h } from '../dom.js';
import { dayStart, words } from '../format.js';
import { listing } from '../listing.js';
import { muted, name, status, time } from '../ui.js';

const OUTCOMES = { done: 'on', refused: 'off', failed: 'failed' };
const EFFECTS = ['created', 'updated', 'deleted'];
const ACTORS = { event_source: 'an event source', server: 'the server', operator: 'an operator' };

/** The operation without what all of them have. */
const operation = (text) => text.replace('/api/v1', '');

function who({ body }) {
  if (!body.actor) return muted('unknown');
  const text = body.user_name ?? (body.user_id ? `account ${body.user_id}` : ACTORS[body.actor] ?? body.actor);
  const by = body.credential && (body.credential === 'trigger' ? 'for a trigger' : `by\u00a0${words(body.credential).toLowerCase()}`);
  return [body.actor === 'operator' ? `kansoctl: ${text}` : text, by && h('br'), by && muted(by)].filter(Boolean);
}

function what({ body }) {
  const more = [body.effect && words(body.effect), body.fields && `fields: ${body.fields}`, body.times > 1 && `${body.times} times`].filter(Boolean);
  return [name(operation(body.operation)), more.length > 0 && h('br'), more.length > 0 && muted(more.join('; '))].filter(Boolean);
}

function object(page, { body }) {
  if (!body.object_type && !body.object_name && !body.object_id) return muted('—');
  const text = body.object_name ?? body.object_id ?? '';
  const label = body.object_type ? words(body.object_type) : 'Object';
  return [label, ' ', body.object_id ? h('a', { href: page.link({ object: body.object_id, page: null }) }, name(text)) : name(text)];
}

export default (page) => listing(page, {
  title: 'Audit log',
  path: 'kanso/audit',
  one: 'entry',
  many: 'entries',
  filters: [
    { name: 'user_name', label: 'Who' },
    { name: 'object_name', label: 'Name of the object' },
    { name: 'operation', label: 'Operation' },
    { name: 'outcome', label: 'Outcome', options: Object.keys(OUTCOMES).map((k) => [k, words(k)]) },
    { name: 'effect', label: 'Effect', more: true, options: EFFECTS.map((k) => [k, words(k)]) },
    { name: 'object', label: 'Id of the object', more: true, ask: (id) => ({ object_id: id }) },
    { name: 'address', label: 'Address', more: true },
    { name: 'request_id', label: 'Id of the request', more: true, op: 'equals' },
    { name: 'from', label: 'From day', kind: 'date', more: true, ask: (day) => ({ created: `gte:${dayStart(day)}` }) },
    { name: 'until', label: 'Until day', kind: 'date', more: true, ask: (day) => ({ updated: `lt:${dayStart(day, 1)}` }) },
  ],
  columns: [
    { label: 'When', sort: 'created', cell: (e) => time(e.body.created) },
    { label: 'Who', sort: 'user_name', cell: who },
    { label: 'What', wide: true, cell: what },
    { label: 'Object', cell: (e) => object(page, e) },
    { label: 'Outcome', cell: (e) => status(OUTCOMES[e.body.outcome] ?? 'unknown', e.body.outcome === 'done' ? 'Done' : `${words(e.body.outcome)} (${e.body.status})`) },
    { label: 'From', hide: 'narrow', cell: (e) => e.body.address ?? muted('—') },
  ],
  note: h('p', { class: 'muted' }, 'Who did what, from where, and what came of it. Names and ids are recorded, values are not.'),
  nothing: { title: 'Nothing is recorded yet', text: 'Entries are written while the server runs with KANSO_AUDIT=on.' },
}).start;
