import { h, to } from '../dom.js';
import { byTag, listing } from '../listing.js';
import { isLive, status, tags, time } from '../ui.js';

export default (page) => listing(page, {
  title: 'Pipelines',
  path: 'pipelines',
  one: 'pipeline',
  filters: [{ name: 'name', label: 'Name' }, byTag],
  columns: [
    { label: 'Pipeline', sort: 'name', cell: (p) => h('a', { href: to(`/pipelines/${p.id}`) }, p.name) },
    { label: 'Latest run', cell: (p) => (p.body.latest_run_id ? h('a', { href: to(`/runs/${p.body.latest_run_id}`) }, status(p.body.latest_run_status)) : status(null)) },
    { label: 'Tags', hide: 'phone', cell: (p) => tags(p.resources?.tags) },
    { label: 'By', hide: 'narrow', cell: (p) => p.body.user?.name },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (p) => time(p.body.created) },
  ],
  nothing: {
    title: 'No pipelines yet',
    text: 'A pipeline appears here when it first runs. The shortest one:',
    code: 'from zenml import pipeline, step\n\n@step\ndef hello() -> str:\n    return "hello"\n\n@pipeline\ndef first():\n    hello()\n\nfirst()',
  },
  live: (p) => isLive(p.body.latest_run_status),
}).start;
