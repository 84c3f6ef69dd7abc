// One stack component: its configuration and the stacks that use it.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { remove } from '../parts/remove.js';
import { anyValue, copyable, empty, facts, header, section, table, time } from '../ui.js';

export default async function componentView(page) {
  const { id } = page.params;
  const [component, stacks] = await Promise.all([
    api.get(`components/${id}`, null, page.signal),
    api.get('stacks', { component_id: id, size: 100 }, page.signal),
  ]);
  const { body, metadata: more } = component;
  const config = Object.entries(more.configuration);
  const labels = Object.entries(more.labels ?? {});
  page.title(component.name);
  page.show(
    header(component.name, {
      above: h('a', { href: to('/components', { type: body.type }) }, words(body.type)),
      actions: component.name !== 'default' && remove({ what: 'component', name: component.name, path: `components/${id}`, then: '/components', text: 'A component that a stack uses cannot be deleted.' }),
    }),
    facts([
      ['Flavor', body.flavor],
      ['Integration', body.integration],
      ['By', body.user?.name ?? 'the server'],
      ['Created', time(body.created)],
      ['Connector', more.connector?.name],
      ['Connected to', more.connector_resource_id],
      ['Id', copyable(id, 'Id')],
      ['Labels', labels.map(([k, v]) => `${k}: ${v}`).join(', ')],
    ]),
    section('Configuration', config.length ? facts(config.map(([k, v]) => [k, anyValue(v)]))
      : empty({ title: 'Nothing is configured; the flavor’s defaults apply.' })),
    section('Stacks', stacks.items.length ? table('Stacks', [
      { label: 'Stack', cell: (s) => h('a', { href: to(`/stacks/${s.id}`) }, s.name) },
      { label: 'Created', cell: (s) => time(s.body.created) },
    ], stacks.items) : empty({ title: 'No stack uses this component' })),
  );
}
