import { h, to } from '../dom.js';
import { listing } from '../listing.js';
import { time } from '../ui.js';

// (A lean answer tells no more than this; a full one has every step's configuration.)
export default (page) => listing(page, {
  title: 'Deployments',
  path: 'pipeline_deployments',
  one: 'deployment',
  filters: [{ name: 'id', label: 'Id', ask: (id) => ({ id: `startswith:${id.toLowerCase().replaceAll('-', '')}` }) }],
  columns: [
    { label: 'Deployment', cell: (x) => h('a', { href: to(`/deployments/${x.id}`) }, h('code', null, x.id)) },
    { label: 'By', hide: 'phone', cell: (x) => x.body.user?.name },
    { label: 'Created', sort: 'created', cell: (x) => time(x.body.created) },
  ],
  nothing: { title: 'No deployments yet', text: 'Each run of a pipeline is made from one.' },
}).start;
