// A row of small marks, one a run, oldest first: how a pipeline has been doing lately.

import { h, to } from '../dom.js';
import { icon } from '../icons.js';

export function strip(runs) {
  if (!runs.length) return h('span', { class: 'muted' }, '—');
  return h('span', { class: 'strip' }, runs.slice(0, 12).reverse().map((run) =>
    h('a', {
      href: to(`/runs/${run.id}`),
      class: `status-${run.body.status}`,
      title: `${run.name}: ${run.body.status}`,
      'aria-label': `${run.name}: ${run.body.status}`,
    }, icon(run.body.status))));
}
