import { h } from '../dom.js';
import { span } from '../format.js';
import { listing } from '../listing.js';
import { remove } from '../parts/remove.js';
import { muted, status, time } from '../ui.js';

/** When it fires, in words. */
const when = ({ body }) => (body.cron_expression ? h('code', null, body.cron_expression)
  : body.interval_second ? `every ${span(body.interval_second)}` : body.run_once_start_time ? ['once, ', time(body.run_once_start_time)] : muted('—'));

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
      { label: 'Actions', cell: (s) => remove({ what: 'schedule', name: s.name, path: `schedules/${s.id}`, done: () => list.reload(), text: 'Its runs stay.' }) },
    ],
    nothing: { title: 'No schedules yet', text: 'A pipeline gets one from its code:', code: 'from zenml.config.schedule import Schedule\n\nmy_pipeline.with_options(schedule=Schedule(cron_expression="0 5 * * *"))()' },
  });
  await list.start;
}
