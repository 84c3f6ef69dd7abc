import { h, to } from '../dom.js';
import { byTag, listing } from '../listing.js';
import { muted, tags, time } from '../ui.js';

export default (page) => listing(page, {
  title: 'Models',
  path: 'models',
  one: 'model',
  filters: [{ name: 'name', label: 'Name' }, byTag],
  columns: [
    { label: 'Model', sort: 'name', cell: (m) => h('a', { href: to(`/models/${m.id}`) }, m.name) },
    { label: 'Latest version', cell: (m) => (m.body.latest_version_id ? h('a', { href: to(`/model-versions/${m.body.latest_version_id}`) }, m.body.latest_version_name) : muted('none')) },
    { label: 'Tags', hide: 'phone', cell: (m) => tags(m.body.tags) },
    { label: 'By', hide: 'narrow', cell: (m) => m.body.user?.name },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (m) => time(m.body.created) },
  ],
  nothing: {
    title: 'No models yet',
    text: 'A model gathers the versions of what your pipelines train. Give one to a pipeline:',
    code: 'from zenml import Model, pipeline\n\n@pipeline(model=Model(name="my_model"))\ndef training():\n    ...',
  },
}).start;
