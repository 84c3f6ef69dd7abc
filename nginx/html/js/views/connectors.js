import { api } from '../api.js';
import { h, to } from '../dom.js';
import { listing } from '../listing.js';
import { askForConnector, typeName, verifyFirst } from '../parts/connector.js';
import { session } from '../session.js';
import { ask, field, muted, time, toast } from '../ui.js';

/** Asks for a type and a method of it, then for what that takes. */
async function create() {
  const types = await api.get('service_connector_types');
  const choices = types.flatMap((type) => type.auth_methods.map((method) => ({ type, method })));
  const chosen = await ask({
    title: 'New connector',
    button: 'Next',
    fields: [field({ name: 'choice', label: 'Type', kind: 'select', options: choices.map(({ type, method }, i) => [i, `${typeName(type)}: ${method.name}`]) })],
    submit: (v) => choices[v.choice],
  });
  if (!chosen) return;
  const made = await askForConnector({
    ...chosen,
    title: 'New connector',
    button: 'Create',
    submit: async (asked, verify) => {
      const [me, ws] = await Promise.all([session.me(), session.inWorkspace((path) => api.get(path))]);
      const body = { ...asked, user: me.id, workspace: ws.id };
      if (verify) await verifyFirst(body);
      return api.post(`workspaces/${ws.id}/service_connectors`, body);
    },
  });
  if (made) location.hash = to(`/connectors/${made.id}`);
}

function reach({ body }) {
  if (body.resource_types.length !== 1) return muted('all');
  const kind = body.connector_type.resource_types?.find((r) => r.resource_type === body.resource_types[0])?.name ?? body.resource_types[0];
  return body.resource_id ? [kind, ' ', h('code', null, body.resource_id)] : kind;
}

export default (page) => listing(page, {
  title: 'Connectors',
  path: 'service_connectors',
  params: { expand_secrets: false },
  one: 'connector',
  actions: h('button', { type: 'button', onclick: () => create().catch((e) => toast(e.message, 'bad')) }, 'New connector'),
  filters: [{ name: 'name', label: 'Name' },
    { name: 'connector_type', label: 'Type', options: [['aws', 'AWS'], ['gcp', 'GCP'], ['azure', 'Azure'], ['kubernetes', 'Kubernetes'], ['docker', 'Docker'], ['hyperai', 'HyperAI']] }],
  columns: [
    { label: 'Connector', sort: 'name', cell: (c) => h('a', { href: to(`/connectors/${c.id}`) }, c.name) },
    { label: 'Type', sort: 'connector_type', cell: (c) => typeName(c.body.connector_type) },
    { label: 'Signs in by', sort: 'auth_method', hide: 'phone', cell: (c) => h('code', null, c.body.auth_method) },
    { label: 'For', hide: 'narrow', long: true, cell: reach },
    { label: 'By', hide: 'narrow', cell: (c) => c.body.user?.name },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (c) => time(c.body.created) },
  ],
  nothing: {
    title: 'No connectors yet',
    text: 'A connector keeps the credentials for a cloud, a cluster or a registry, and hands them to the components that use it. Make one here, or with the command line:',
    code: 'zenml service-connector register my_connector --type docker -i',
  },
}).start;
