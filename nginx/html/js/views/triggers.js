import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { session } from '../session.js';
import { ask, field, status, time, toast } from '../ui.js';

const EVENTS = [['', 'Any'], ['push_event', 'Push'], ['tag_event', 'Tag'], ['pull_request_event', 'Pull request']];
const options = (page) => page.items.map((x) => [x.id, x.name]);

/** The filter that a trigger gets: what was left empty lets everything through. */
export const filterFields = (now = {}) => [
  field({ name: 'repo', label: 'Only this repository', value: now.repo, hint: 'As owner/name; any when empty.' }),
  field({ name: 'branch', label: 'Only this branch', value: now.branch }),
  field({ name: 'event_type', label: 'Only these events', kind: 'select', options: EVENTS, value: now.event_type ?? '' }),
];
export const filterOf = (v) => Object.fromEntries(['repo', 'branch', 'event_type'].filter((key) => v[key]).map((key) => [key, v[key]]));

async function create() {
  const all = { size: 1000, sort_by: 'asc:name' };
  const [sources, templates, accounts] = await Promise.all([api.get('event-sources', all), api.get('run_templates', all), api.get('service_accounts', { ...all, active: true })]);
  for (const [found, what] of [[sources, 'an event source'], [templates, 'a template'], [accounts, 'a service account']]) {
    if (!found.items.length) throw new Error(`A trigger needs ${what}, and there is none yet.`);
  }
  const made = await ask({
    title: 'New trigger',
    button: 'Create',
    fields: [
      field({ name: 'name', label: 'Name', required: true, maxlength: 255 }),
      field({ name: 'source', label: 'When this event source', kind: 'select', options: options(sources) }),
      filterFields(),
      field({ name: 'template', label: 'Run this template', kind: 'select', options: options(templates) }),
      field({ name: 'account', label: 'In the name of', kind: 'select', options: options(accounts) }),
    ],
    submit: async (v) => {
      const [me, ws] = await Promise.all([session.me(), session.inWorkspace((path) => api.get(path))]);
      const own = { name: v.name, user: me.id, workspace: ws.id };
      const action = await api.post('actions', { ...own, flavor: 'builtin', plugin_subtype: 'pipeline_run', service_account_id: v.account, configuration: { template_id: v.template } });
      try {
        return await api.post('triggers', { ...own, action_id: action.id, event_source_id: v.source, event_filter: filterOf(v) });
      } catch (error) {
        await api.del(`actions/${action.id}`); // or the next try would find its name taken
        throw error;
      }
    },
  });
  if (made) location.hash = to(`/triggers/${made.id}`);
}

export default (page) => listing(page, {
  title: 'Triggers',
  path: 'triggers',
  one: 'trigger',
  filters: [{ name: 'name', label: 'Name' }, { name: 'is_active', label: 'Status', options: [['true', 'Active'], ['false', 'Inactive']] }],
  actions: h('button', { type: 'button', class: 'primary', onclick: () => create().catch((e) => toast(e.message, 'bad')) }, 'New trigger'),
  columns: [
    { label: 'Trigger', sort: 'name', cell: (t) => h('a', { href: to(`/triggers/${t.id}`) }, t.name) },
    { label: 'Status', cell: (t) => status(t.body.is_active ? 'on' : 'off') },
    { label: 'When', cell: (t) => (t.body.event_source_flavor ? `Events of ${words(t.body.event_source_flavor)}` : 'Schedule') },
    { label: 'By', hide: 'phone', cell: (t) => t.body.user?.name },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (t) => time(t.body.created) },
  ],
  nothing: { title: 'No triggers yet', text: 'A trigger runs a template when an event source says that something has happened.' },
}).start;
