// One stack component: its configuration and the stacks that use it.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { again } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { folded, schemaForm } from '../parts/schema_form.js';
import { anyValue, ask, copyable, empty, facts, field, header, section, table, time, toast } from '../ui.js';

/** Changes its name and its configuration, in a form made of what its flavor takes. */
async function change(component, page) {
  const { name, body, metadata: more } = component;
  const { items: [flavor] } = await api.get('flavors', { name: `equals:${body.flavor}`, type: body.type, hydrate: true, size: 1 });
  const form = schemaForm(flavor?.metadata.config_schema ?? {}, more.configuration);
  const done = await ask({
    title: `Edit component “${name}”`,
    button: 'Save',
    fields: [field({ name: 'name', label: 'Name', value: name, required: true, maxlength: 255 }), folded('Configuration', form.nodes)],
    submit: (v) => api.put(`components/${component.id}`, { ...(v.name === name ? {} : { name: v.name }), configuration: form.read(v) }),
  });
  if (!done) return;
  toast('The component was saved.');
  again(page);
}

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
      actions: component.name !== 'default' && [
        h('button', { type: 'button', class: 'quiet', 'aria-label': `Edit component ${component.name}`, onclick: () => change(component, page).catch((e) => toast(e.message, 'bad')) }, 'Edit'),
        remove({ what: 'component', name: component.name, path: `components/${id}`, then: '/components', text: 'A component that a stack uses cannot be deleted.' })],
    }),
    facts([
      ['Flavor', body.flavor],
      ['Integration', body.integration],
      ['By', body.user?.name ?? 'the server'],
      ['Created', time(body.created)],
      ['Connector', more.connector && h('a', { href: to(`/connectors/${more.connector.id}`) }, more.connector.name)],
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
