import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { folded, schemaForm } from '../parts/schema_form.js';
import { session } from '../session.js';
import { ask, field, time, toast } from '../ui.js';

export const TYPES = ['orchestrator', 'artifact_store', 'alerter', 'annotator', 'container_registry', 'data_validator',
  'experiment_tracker', 'feature_store', 'image_builder', 'model_deployer', 'model_registry', 'step_operator'];

/** Asks for a flavor, then for what this flavor takes. */
async function create() {
  const { items } = await api.get('flavors', { size: 1000, sort_by: 'asc:name' });
  const sorted = items.sort((a, b) => a.body.type.localeCompare(b.body.type) || a.name.localeCompare(b.name));
  const flavor = await ask({
    title: 'New component',
    button: 'Next',
    fields: [field({ name: 'flavor', label: 'Flavor', kind: 'select', options: sorted.map((f) => [f.id, `${words(f.body.type)}: ${f.name}`]) })],
    submit: (v) => api.get(`flavors/${v.flavor}`),
  });
  if (!flavor) return;
  const form = schemaForm(flavor.metadata.config_schema ?? {});
  const made = await ask({
    title: `New ${words(flavor.body.type).toLowerCase()}: ${flavor.name}`,
    button: 'Create',
    fields: [field({ name: 'name', label: 'Name', required: true, maxlength: 255 }), folded('Configuration', form.nodes)],
    submit: async (v) => {
      const [me, ws] = await Promise.all([session.me(), session.inWorkspace((path) => api.get(path))]);
      return api.post(`workspaces/${ws.id}/components`, { name: v.name, type: flavor.body.type, flavor: flavor.name,
        configuration: form.read(v), user: me.id, workspace: ws.id });
    },
  });
  if (made) location.hash = to(`/components/${made.id}`);
}

export default (page) => listing(page, {
  title: 'Components',
  path: 'components',
  one: 'component',
  actions: h('button', { type: 'button', onclick: () => create().catch((e) => toast(e.message, 'bad')) }, 'New component'),
  filters: [{ name: 'name', label: 'Name' }, { name: 'type', label: 'Type', options: TYPES.map((t) => [t, words(t)]) },
    { name: 'flavor', label: 'Flavor' }],
  columns: [
    { label: 'Component', sort: 'name', cell: (c) => h('a', { href: to(`/components/${c.id}`) }, c.name) },
    { label: 'Type', sort: 'type', cell: (c) => words(c.body.type) },
    { label: 'Flavor', sort: 'flavor', cell: (c) => c.body.flavor },
    { label: 'Integration', hide: 'narrow', cell: (c) => c.body.integration },
    { label: 'By', hide: 'narrow', cell: (c) => c.body.user?.name ?? 'the server' },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (c) => time(c.body.created) },
  ],
  nothing: {
    title: 'No components',
    text: 'Components are what stacks are made of. Register one with the command line:',
    code: 'zenml orchestrator register my_orchestrator --flavor=local',
  },
}).start;
