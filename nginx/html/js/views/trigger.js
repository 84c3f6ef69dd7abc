// One trigger: when it fires, what it does, and what came of it.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { fromIso, span, words } from '../format.js';
import { again } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { thingPage } from '../parts/thing.js';
import { ask, empty, field, name, section, status, table, time, toast } from '../ui.js';
import { filterFields, filterOf } from './triggers.js';

const RUNS = 25; // that are shown

async function change(trigger, page) {
  const { name: now, metadata: more } = trigger;
  const done = await ask({
    title: `Edit trigger “${now}”`,
    button: 'Save',
    fields: [field({ name: 'name', label: 'Name', value: now, required: true, maxlength: 255 }),
      field({ name: 'description', label: 'Description', value: more.description, maxlength: 255 }), more.schedule ? [] : filterFields(more.event_filter ?? {})],
    submit: (v) => api.put(`triggers/${trigger.id}`, { ...(v.name === now ? {} : { name: v.name }), description: v.description,
      ...(more.schedule ? {} : { event_filter: filterOf(v) }) }),
  });
  if (!done) return;
  toast('The trigger was saved.');
  again(page);
}

export default async function triggerView(page) {
  const trigger = await api.get(`triggers/${page.params.id}`, null, page.signal);
  const { body, metadata: more, resources: { event_source: source, executions, ...other } } = trigger;
  const action = await api.get(`actions/${other.action.id}`, null, page.signal); // the trigger has only its name
  const template = action.metadata.configuration.template_id;
  const account = action.resources?.service_account;
  // (The API tells no more of an execution than when it was; what it started are runs of the template by this account.)
  const runs = account ? (await api.get('runs', { template_id: template, user_id: account.id, sort_by: 'desc:created', size: RUNS }, page.signal)).items : [];
  const path = `triggers/${trigger.id}`;
  const toggle = async () => {
    await api.put(path, { is_active: !body.is_active });
    again(page);
  };
  const said = (task) => () => task().catch((e) => toast(e.message, 'bad'));
  thingPage(page, trigger, {
    title: trigger.name,
    all: ['/triggers', 'Triggers'],
    actions: [
      h('button', { type: 'button', onclick: said(toggle) }, body.is_active ? 'Deactivate' : 'Activate'),
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Edit trigger ${trigger.name}`, onclick: said(() => change(trigger, page)) }, 'Edit'),
      remove({ what: 'trigger', name: trigger.name, path, then: '/triggers', text: 'A trigger that has fired cannot be deleted: deactivate it instead.' })],
    facts: [
      ['Status', status(body.is_active ? 'on' : 'off')],
      ['Description', more.description],
      ['Event source', source && h('a', { href: to(`/event-sources/${source.id}`) }, source.name)],
      ['Only', Object.entries(more.event_filter ?? {}).filter(([, v]) => v).map(([key, v]) => `${words(key)}: ${v}`).join(', ')],
      ['Schedule', more.schedule && (more.schedule.cron_expression ?? `every ${span(fromIso(more.schedule.interval_second))}`)],
      ['Action', h('a', { href: to(`/actions/${action.id}`) }, action.name)],
      ['Runs template', template && h('a', { href: to(`/templates/${template}`) }, action.resources?.run_template?.name ?? action.name)],
      ['In the name of', account?.name],
    ],
    more: [
      section(executions.total > executions.items.length ? `The last ${executions.items.length} of ${executions.total} executions` : 'Executions',
        executions.items.length ? table('Executions', [{ label: 'When', cell: (x) => time(x.body?.created) }, { label: 'Id', cell: (x) => h('code', null, x.id) }], executions.items)
          : empty({ title: 'It has not fired yet' })),
      runs.length > 0 && section(`Runs of the template in the name of ${account.name}`, table('Runs', [
        { label: 'Run', cell: (r) => h('a', { href: to(`/runs/${r.id}`) }, name(r.name)) },
        { label: 'Outcome', cell: (r) => status(r.body.status) },
        { label: 'Started', cell: (r) => time(r.body.created) },
      ], runs)),
    ],
  });
}
