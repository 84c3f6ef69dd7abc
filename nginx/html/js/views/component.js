// One stack component: its configuration and the stacks that use it.

import { ApiError, api } from '../api.js';
import { h, put, to } from '../dom.js';
import { words } from '../format.js';
import { connection, needs } from '../parts/connect.js';
import { again } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { folded, schemaForm } from '../parts/schema_form.js';
import { anyValue, ask, copyable, empty, facts, field, header, muted, section, table, time, toast } from '../ui.js';

/** The flavor of a component, whole; undefined when it has been deleted. */
async function flavorOf({ body }, signal) {
  const { items: [flavor] } = await api.get('flavors', { name: `equals:${body.flavor}`, type: body.type, hydrate: true, size: 1 }, signal);
  return flavor;
}

/** The body of an update. (The API disconnects a component whose connector is not named again.) */
const update = ({ metadata: { connector, connector_resource_id: id } }, changes) =>
  ({ connector: connector?.id ?? null, connector_resource_id: id ?? null, ...changes });

/** Changes its name and its configuration, in a form made of what its flavor takes. */
async function change(component, page) {
  const { name, metadata: more } = component;
  const flavor = await flavorOf(component);
  const form = schemaForm(flavor?.metadata.config_schema ?? {}, more.configuration);
  const done = await ask({
    title: `Edit component “${name}”`,
    button: 'Save',
    fields: [field({ name: 'name', label: 'Name', value: name, required: true, maxlength: 255 }), folded('Configuration', form.nodes)],
    submit: (v) => api.put(`components/${component.id}`, update(component, { ...(v.name === name ? {} : { name: v.name }), configuration: form.read(v) })),
  });
  if (!done) return;
  toast('The component was saved.');
  again(page);
}

/** What it signs in with, once its flavor has said whether it can. */
async function drawConnection(box, component, page) {
  const wanted = needs(await flavorOf(component, page.signal), component.metadata.configuration);
  if (!wanted) return;
  const save = async (changes, said) => {
    await api.put(`components/${component.id}`, update(component, changes));
    toast(said);
    again(page);
  };
  put(box, connection(component, wanted, save));
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
  const connects = h('div');
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
    connects,
  );
  await drawConnection(connects, component, page).catch((error) => {
    if (!(error instanceof ApiError)) throw error;
    put(connects, muted(error.message));
  });
}
