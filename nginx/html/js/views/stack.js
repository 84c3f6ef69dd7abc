// One stack, its components and its runs.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { again } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { runList } from '../parts/runs.js';
import { copyable, facts, muted, table, time, toast } from '../ui.js';
import { askForStack, parts } from './stacks.js';

/** Changes its name and what it is made of. */
async function change(stack, page) {
  const done = await askForStack({ title: `Edit stack “${stack.name}”`, button: 'Save', stack,
    submit: ({ name, components }) => api.put(`stacks/${stack.id}`, { ...(name === stack.name ? {} : { name }), components }) });
  if (!done) return;
  toast('The stack was saved.');
  again(page);
}

export default async function stackView(page) {
  const stack = await api.get(`stacks/${page.params.id}`, null, page.signal);
  const labels = Object.entries(stack.metadata.labels ?? {});
  await runList(page, {
    title: stack.name,
    above: h('a', { href: to('/stacks') }, 'Stacks'),
    hidden: ['stack'],
    params: { stack_id: stack.id },
    note: [
      facts([
        ['By', stack.body.user?.name ?? 'the server'],
        ['Created', time(stack.body.created)],
        ['Id', copyable(stack.id, 'Id')],
        ['Labels', labels.length > 0 && labels.map(([k, v]) => `${k}: ${v}`).join(', ')],
      ].filter(([, value]) => value)),
      table('Components', [
        { label: 'Component', cell: ([, c]) => h('a', { href: to(`/components/${c.id}`) }, c.name) },
        { label: 'Type', cell: ([type]) => words(type) },
        { label: 'Flavor', cell: ([, c]) => c.body.flavor },
        { label: 'Integration', hide: 'phone', cell: ([, c]) => c.body.integration ?? muted('none') },
      ], parts(stack)),
      h('h2', null, 'Runs on this stack'),
    ],
    actions: stack.name !== 'default' && [
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Edit stack ${stack.name}`, onclick: () => change(stack, page).catch((e) => toast(e.message, 'bad')) }, 'Edit'),
      remove({ what: 'stack', name: stack.name, path: `stacks/${stack.id}`, then: '/stacks', text: 'Its components stay.' })],
    nothing: { title: 'Nothing has run on this stack', text: 'Choose it, then run a pipeline:', code: `zenml stack set ${stack.name}` },
  }).start;
}
