import { h, to } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { time } from '../ui.js';

export default (page) => listing(page, {
  title: 'Actions',
  path: 'actions',
  one: 'action',
  filters: [{ name: 'name', label: 'Name' }],
  columns: [
    { label: 'Action', sort: 'name', cell: (a) => h('a', { href: to(`/actions/${a.id}`) }, a.name) },
    { label: 'Does', cell: (a) => words(a.body.plugin_subtype) },
    { label: 'By', hide: 'phone', cell: (a) => a.body.user?.name },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (a) => time(a.body.created) },
  ],
  nothing: { title: 'No actions yet', text: 'An action says which template runs in whose name. Each new trigger makes one.' },
}).start;
