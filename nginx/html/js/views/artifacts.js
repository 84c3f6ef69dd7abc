import { h, to } from '../dom.js';
import { byTag, listing } from '../listing.js';
import { muted, tags, time } from '../ui.js';

export default (page) => listing(page, {
  title: 'Artifacts',
  path: 'artifacts',
  one: 'artifact',
  filters: [{ name: 'name', label: 'Name' }, byTag,
    { name: 'has_custom_name', label: 'Named by', options: [['true', 'A person'], ['false', 'The step']] }],
  columns: [
    { label: 'Artifact', sort: 'name', cell: (a) => h('a', { href: to(`/artifacts/${a.id}`) }, a.name) },
    { label: 'Latest version', cell: (a) => (a.body.latest_version_id ? h('a', { href: to(`/artifact-versions/${a.body.latest_version_id}`) }, a.body.latest_version_name) : muted('none')) },
    { label: 'Tags', hide: 'phone', cell: (a) => tags(a.body.tags) },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (a) => time(a.body.created) },
  ],
  nothing: {
    title: 'No artifacts yet',
    text: 'What the steps of a pipeline return is kept as artifacts. They appear here when a pipeline has run.',
  },
}).start;
