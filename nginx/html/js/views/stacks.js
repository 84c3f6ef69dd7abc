import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { session } from '../session.js';
import { ask, field, time, toast } from '../ui.js';

const NEEDED = ['orchestrator', 'artifact_store'];

/** Where a type of component stands: what every stack has comes first. */
const place = (type) => (NEEDED.includes(type) ? NEEDED.indexOf(type) : NEEDED.length);

/** A stack's components as [type, component], the two that every stack has first. */
export function parts(stack) {
  return Object.entries(stack.metadata?.components ?? {}).flatMap(([type, list]) => list.map((c) => [type, c]))
    .sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b));
}

/**
 * Asks for a name and, of each type, a component that exists; stack is the one that is changed, if any. Resolves to what
 * submit({name, components}) answered, or undefined.
 */
export async function askForStack({ title, button, stack, submit }) {
  const { items } = await api.get('components', { size: 1000, sort_by: 'asc:name' });
  const now = stack?.metadata.components ?? {};
  const types = [...new Set(items.map((c) => c.body.type))].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
  return ask({
    title,
    button,
    fields: [
      field({ name: 'stack', label: 'Name', value: stack?.name, required: true, maxlength: 255 }),
      types.map((type) => field({
        name: type,
        label: words(type),
        kind: 'select',
        required: NEEDED.includes(type),
        value: now[type]?.[0]?.id,
        options: [...(NEEDED.includes(type) ? [] : [['', 'None']]),
          ...items.filter((c) => c.body.type === type).map((c) => [c.id, `${c.name} (${c.body.flavor})`])],
      })),
    ],
    submit: (v) => submit({ name: v.stack, components: Object.fromEntries(types.filter((type) => v[type]).map((type) => [type, [v[type]]])) }),
  });
}

/** Makes a stack of components that exist. */
async function create(reload) {
  const done = await askForStack({ title: 'New stack', button: 'Create', submit: async (body) => {
    const [me, ws] = await Promise.all([session.me(), session.inWorkspace((path) => api.get(path))]);
    return api.post(`workspaces/${ws.id}/stacks`, { ...body, user: me.id, workspace: ws.id });
  } });
  if (!done) return;
  toast(`The stack “${done.name}” was created.`);
  await reload();
}

export default async function stacksView(page) {
  const list = listing(page, {
    title: 'Stacks',
    path: 'stacks',
    params: { hydrate: true },
    one: 'stack',
    filters: [{ name: 'name', label: 'Name' }],
    actions: h('button', { type: 'button', onclick: () => create(() => list.reload()).catch((e) => toast(e.message, 'bad')) }, 'New stack'),
    columns: [
      { label: 'Stack', sort: 'name', cell: (s) => h('a', { href: to(`/stacks/${s.id}`) }, s.name) },
      { label: 'Components', cell: (s) => h('ul', { class: 'inline' }, parts(s).map(([type, c]) =>
        h('li', { title: words(type) }, h('span', { class: 'muted' }, words(type) + ' '), h('a', { href: to(`/components/${c.id}`) }, c.name)))) },
      { label: 'By', hide: 'narrow', cell: (s) => s.body.user?.name ?? 'the server' },
      { label: 'Created', sort: 'created', hide: 'phone', cell: (s) => time(s.body.created) },
    ],
    nothing: { title: 'No stacks', text: 'A stack says where pipelines run and where their data goes:', code: 'zenml stack register my_stack -o default -a default' },
  });
  await list.start;
}
