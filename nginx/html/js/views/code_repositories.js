import { h, to } from '../dom.js';
import { tail } from '../format.js';
import { listing } from '../listing.js';
import { time } from '../ui.js';

export default (page) => listing(page, {
  title: 'Code repositories',
  path: 'code_repositories',
  one: 'code repository',
  many: 'code repositories',
  filters: [{ name: 'name', label: 'Name' }],
  columns: [
    { label: 'Repository', sort: 'name', cell: (r) => h('a', { href: to(`/code-repositories/${r.id}`) }, r.name) },
    { label: 'Kind', cell: (r) => h('code', null, tail(r.body.source.attribute ?? r.body.source.module)) },
    { label: 'By', hide: 'phone', cell: (r) => r.body.user?.name },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (r) => time(r.body.created) },
  ],
  nothing: {
    title: 'No code repositories yet',
    text: 'With one, runs know the commit they were started from:',
    code: 'zenml code-repository register my_code --type=github --owner=OWNER --repository=REPOSITORY --token=…',
  },
}).start;
