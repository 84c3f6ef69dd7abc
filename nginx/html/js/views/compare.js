// Runs, or versions of models or artifacts, beside each other. `of` says which; without it they are runs.

import { h, keepFocus, to } from '../dom.js';
import { plural } from '../format.js';
import { keyChart } from '../parts/chart.js';
import { comparison } from '../parts/comparison.js';
import { empty, header, muted, section } from '../ui.js';

const MOST = 8; // side by side
const KINDS = {
  runs: () => import('../parts/compared_runs.js').then((m) => m.runs),
  'model-versions': () => import('../parts/compared_versions.js').then((m) => m.modelVersions),
  'artifact-versions': () => import('../parts/compared_versions.js').then((m) => m.artifactVersions),
};

/** A line of one number over the things, for which at least two must have it; else null. */
function lines(page, kind, things) {
  const shown = things.map((thing) => {
    const [name, href] = kind.named(thing);
    return { name, href, values: kind.numbers(thing) };
  });
  const keys = [...new Set(shown.flatMap(({ values }) => Object.keys(values)))].sort((a, b) => a.localeCompare(b))
    .filter((key) => shown.filter(({ values }) => key in values).length > 1);
  return keys.length > 0 && section('Chart', h('div', { class: 'chart-box' }, keyChart(page, { things: shown, keys, order: 'in the order of the columns' })));
}

export default async function compareView(page) {
  const kind = await (KINDS[page.query.get('of')] ?? KINDS.runs)();
  const ids = [...new Set((page.query.get('ids') ?? '').split(',').filter(Boolean))];
  page.title(`Compare ${kind.one}s`);
  if (ids.length < 2) {
    page.show(header(`Compare ${kind.one}s`, { above: h('a', { href: to(kind.all[0]) }, kind.all[1]) }),
      empty({ title: 'Nothing to compare', text: `Tick two or more ${kind.one}s in a list of them, then choose Compare.` }));
    return;
  }
  const things = await Promise.all(ids.slice(0, MOST).map((id) => kind.load(id, page.signal)));
  const heads = things.map(kind.named);
  const [list, title] = kind.of?.(things[0]) ?? kind.all;
  const draw = () => {
    const only = Boolean(page.query.get('only'));
    page.show(
      header(`Compare ${plural(things.length, kind.one)}`, { above: h('a', { href: to(list) }, title), below: [
        ids.length > MOST && muted(`The first ${MOST} of ${ids.length}.`),
        kind.note?.(things),
        h('label', { class: 'metrics' }, h('input', { type: 'checkbox', name: 'only', checked: only, onchange: () => page.go({ only: only ? null : 1 }, { replace: true }) }), 'Only what differs'),
      ] }),
      kind.groups(things).map(([title, rows]) => [comparison(title, rows, heads, only), title === 'Metadata' && lines(page, kind, things)]),
      kind.more?.(things));
  };
  draw();
  page.onquery = () => keepFocus(document.getElementById('main'), draw);
}
