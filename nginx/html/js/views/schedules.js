import { api } from '../api.js';
import { h } from '../dom.js';
import { fromField, fromIso, span, toField } from '../format.js';
import { listing } from '../listing.js';
import { remove } from '../parts/remove.js';
import { ask, field, muted, status, time, toast } from '../ui.js';

/** When it fires, in words. */
const when = ({ body }) => (body.cron_expression ? h('code', null, body.cron_expression)
  : fromIso(body.interval_second) ? `every ${span(fromIso(body.interval_second))}` : body.run_once_start_time ? ['once, ', time(body.run_once_start_time)] : muted('—'));

/** What of a schedule can be changed: name, label, kind, its text in the form, what is sent of that. (The API ignores null.) */
const moment = { kind: 'datetime-local', step: 1, shown: toField, read: fromField };
const FIELDS = [
  { name: 'active', label: 'Active', kind: 'checkbox', shown: Boolean, read: Boolean },
  { name: 'cron_expression', label: 'Cron expression', shown: (v) => v ?? '', read: (v) => v.trim() },
  { name: 'interval_second', label: 'Seconds between runs', kind: 'number', min: 1, step: 'any', hint: 'From the start on, when there is no cron expression.', shown: (v) => fromIso(v) || '', read: (v) => v || 0 },
  { name: 'start_time', label: 'From', ...moment },
  { name: 'end_time', label: 'Until', ...moment },
  { name: 'catchup', label: 'Make up for runs that were missed', kind: 'checkbox', shown: Boolean, read: Boolean },
];

async function change(schedule, done) {
  const { body } = schedule;
  const saved = await ask({
    title: `Edit schedule “${schedule.name}”`,
    text: 'The orchestrator is not told: a schedule that it has already been given goes on there as it was.',
    button: 'Save',
    fields: [field({ name: 'name', label: 'Name', value: schedule.name, required: true }),
      FIELDS.map(({ shown, ...f }) => field({ ...f, value: shown(body[f.name]) }))],
    submit: async (v) => {
      const changed = FIELDS.map((f) => [f.name, f.read(v[f.name]), f.read(f.shown(body[f.name]))]).filter(([, now, before]) => now !== before);
      if (v.name !== schedule.name) changed.push(['name', v.name]);
      if (!v.cron_expression.trim() && !(v.start_time && v.interval_second) && !body.run_once_start_time) {
        throw new Error('It needs a cron expression, or a start and the seconds between runs.');
      }
      if (changed.some(([, now]) => now === null)) throw new Error('A start or an end that is set can be moved, but not taken away.');
      if (changed.length) await api.put(`schedules/${schedule.id}`, Object.fromEntries(changed.map(([key, now]) => [key, now])));
    },
  });
  if (!saved) return;
  toast('The schedule was saved.');
  await done();
}

export default async function schedulesView(page) {
  const list = listing(page, {
    title: 'Schedules',
    path: 'schedules',
    one: 'schedule',
    note: h('p', { class: 'muted' }, 'A schedule belongs to the orchestrator that runs it. Deleting it here does not stop the orchestrator.'),
    filters: [{ name: 'name', label: 'Name' }, { name: 'active', label: 'Status', options: [['true', 'Active'], ['false', 'Inactive']] }],
    columns: [
      { label: 'Schedule', sort: 'name', cell: (s) => s.name },
      { label: 'Status', cell: (s) => status(s.body.active ? 'on' : 'off') },
      { label: 'When', cell: when },
      { label: 'From', hide: 'narrow', cell: (s) => time(s.body.start_time) },
      { label: 'Until', hide: 'narrow', cell: (s) => time(s.body.end_time) },
      { label: 'By', hide: 'narrow', cell: (s) => s.body.user?.name },
      { label: 'Created', sort: 'created', hide: 'phone', cell: (s) => time(s.body.created) },
      { label: 'Actions', cell: (s) => h('div', { class: 'row-actions' }, h('button', { type: 'button', class: 'quiet', 'aria-label': `Edit schedule ${s.name}`, onclick: () => change(s, list.reload).catch((e) => toast(e.message, 'bad')) }, 'Edit'), remove({ what: 'schedule', name: s.name, path: `schedules/${s.id}`, done: () => list.reload(), text: 'Its runs stay.' })) },
    ],
    nothing: { title: 'No schedules yet', text: 'A pipeline gets one from its code:', code: 'from zenml.config.schedule import Schedule\n\nmy_pipeline.with_options(schedule=Schedule(cron_expression="0 5 * * *"))()' },
  });
  await list.start;
}
