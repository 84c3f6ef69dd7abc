import { h, to } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { time } from '../ui.js';
import { TYPES } from './components.js';

export default (page) => listing(page, {
  title: 'Flavors',
  path: 'flavors',
  one: 'flavor',
  sort: 'asc:name',
  filters: [{ name: 'name', label: 'Name' }, { name: 'type', label: 'Type', options: TYPES.map((t) => [t, words(t)]) }, { name: 'integration', label: 'Integration' }],
  columns: [
    { label: 'Flavor', sort: 'name', cell: (f) => h('a', { href: to(`/flavors/${f.id}`) }, f.name) },
    { label: 'Type', sort: 'type', cell: (f) => words(f.body.type) },
    { label: 'Integration', sort: 'integration', hide: 'phone', cell: (f) => f.body.integration },
    { label: 'By', hide: 'narrow', cell: (f) => f.body.user?.name ?? 'ZenML' },
    { label: 'Created', sort: 'created', hide: 'narrow', cell: (f) => time(f.body.created) },
  ],
}).start;
