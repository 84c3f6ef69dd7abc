import { h, to } from '../dom.js';
import { listing } from '../listing.js';
import { time } from '../ui.js';

// (A lean answer tells no more than this; a full one has every step's configuration.)
export default (page) => listing(page, {
  title: 'Builds',
  path: 'pipeline_builds',
  one: 'build',
  filters: [{ name: 'id', label: 'Id', ask: (id) => ({ id: `startswith:${id.toLowerCase().replaceAll('-', '')}` }) }],
  columns: [
    { label: 'Build', cell: (x) => h('a', { href: to(`/builds/${x.id}`) }, h('code', null, x.id)) },
    { label: 'By', hide: 'phone', cell: (x) => x.body.user?.name },
    { label: 'Created', sort: 'created', cell: (x) => time(x.body.created) },
  ],
  nothing: { title: 'No builds yet', text: 'Pipelines on remote stacks are built into images, which are listed here.' },
}).start;
