// Runs beside each other: what they were given, what came out, how long it took, with which code and where.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { duration, plural } from '../format.js';
import { diff } from '../parts/diff.js';
import { metadataValue } from '../parts/metadata.js';
import { length } from '../parts/steps.js';
import { anyValue, empty, header, isLive, muted, name, section, status, table, time } from '../ui.js';

const MOST = 8; // runs side by side
const STEPS = 200; // of each run

/** A run and its steps by name. */
async function load(id, signal) {
  const [run, steps] = await Promise.all([
    api.get(`runs/${id}`, null, signal),
    api.get('steps', { pipeline_run_id: id, hydrate: true, size: STEPS, sort_by: 'asc:created' }, signal),
  ]);
  return { run, steps: new Map(steps.items.map((step) => [step.name, step])), total: steps.total };
}

export default async function compareView(page) {
  const ids = [...new Set((page.query.get('ids') ?? '').split(',').filter(Boolean))];
  const back = h('a', { href: to('/runs') }, 'Runs');
  page.title('Compare runs');
  if (ids.length < 2) {
    page.show(header('Compare runs', { above: back }), empty({ title: 'Nothing to compare', text: 'Tick two or more runs in a list of runs, then choose Compare.' }));
    return;
  }
  const runs = await Promise.all(ids.slice(0, MOST).map((id) => load(id, page.signal)));
  const cut = runs.some(({ steps, total }) => steps.size < total);
  const draw = () => {
    const only = Boolean(page.query.get('only'));
    page.show(
      header(`Compare ${plural(runs.length, 'run')}`, { above: back, below: [
        ids.length > MOST && muted(`The first ${MOST} of ${ids.length}.`),
        cut && muted(`Of each run the first ${STEPS} steps.`),
        h('label', { class: 'metrics' }, h('input', { type: 'checkbox', checked: only, onchange: () => page.go({ only: only ? null : 1 }, { replace: true }) }), 'Only what differs'),
      ] }),
      groups(runs).map(([title, rows]) => part(title, rows, runs, only)),
      codes(runs));
  };
  draw();
  page.onquery = () => {
    draw();
    document.querySelector('main input')?.focus();
  };
}

/** A row: what it is called, and of each run a text to compare and what is shown. Without any value there is no row. */
function row(label, cells) {
  const texts = cells.map(([text]) => text);
  if (texts.every((text) => text === undefined)) return [];
  return [{ label, shown: cells.map(([, node]) => node), differs: new Set(texts).size > 1 }];
}

const text = (value) => (value === undefined ? undefined : JSON.stringify(value));
const plain = (value) => [text(value ?? undefined), value ?? null];

/** Rows for all keys that any of several maps has. */
function rowsOf(maps, label, cell) {
  const keys = [...new Set(maps.flatMap((map) => Object.keys(map ?? {})))].sort((a, b) => a.localeCompare(b));
  return keys.flatMap((key) => row(label(key), maps.map((map) => (map && key in map ? cell(map[key]) : [undefined, null]))));
}

const any = (value) => [text(value), anyValue(value)];
const measured = (entry) => [text(entry.body?.value), metadataValue(entry)];

/** [[title, rows], ...] of everything that is compared. */
function groups(runs) {
  const all = (cell) => runs.map(({ run }) => cell(run));
  const names = [...new Set(runs.flatMap(({ steps }) => [...steps.keys()]))];
  const ofSteps = (get, cell) => names.flatMap((step) =>
    rowsOf(runs.map(({ steps }) => steps.has(step) && get(steps.get(step))), (key) => `${step} › ${key}`, cell));
  const perStep = (cell) => names.flatMap((step) => row(step, runs.map(({ steps }) => (steps.has(step) ? cell(steps.get(step)) : [undefined, null]))));
  return [
    ['Run', [
      ...row('Status', all((r) => [r.body.status, status(r.body.status)])),
      ...row('Pipeline', all((r) => plain(r.body.pipeline?.name))),
      ...row('Stack', all((r) => plain(r.body.stack?.name))),
      ...row('Model', all((r) => plain(r.resources?.model_version && `${r.resources.model_version.body.model.name} ${r.resources.model_version.name ?? r.resources.model_version.body.number}`))),
      ...row('By', all((r) => plain(r.body.user?.name))),
      { label: 'Started', shown: all((r) => time(r.metadata.start_time ?? r.body.created)) }, // which differs always
    ]],
    ['Parameters', [...rowsOf(all((r) => r.metadata.config.parameters), (key) => key, any), ...ofSteps((s) => s.metadata.config.parameters, any)]],
    ['Metadata', [...rowsOf(all((r) => r.metadata.run_metadata), (key) => key, measured), ...ofSteps((s) => s.metadata.run_metadata, measured)]],
    ['Durations', [
      ...row('The whole run', all((r) => plain(duration(r.metadata.start_time ?? r.body.created, isLive(r.body.status) ? null : r.metadata.end_time ?? r.body.updated)))),
      ...perStep((s) => plain(length(s) || null)),
    ]],
    ['Code', [
      ...row('Commit', all((r) => plain(r.body.code_reference?.body.commit))),
      ...perStep((s) => [s.metadata.code_hash ?? undefined, s.metadata.code_hash && h('code', null, s.metadata.code_hash.slice(0, 12))]),
    ]],
    ['Environment', [
      ...rowsOf(all((r) => r.metadata.client_environment), (key) => `Client › ${key}`, any),
      ...rowsOf(all((r) => r.metadata.orchestrator_environment), (key) => `Orchestrator › ${key}`, any),
    ]],
  ];
}

function part(title, rows, runs, only) {
  const shown = rows.filter((r) => !only || r.differs);
  if (!rows.length || (only && !shown.length)) return null;
  const differ = rows.filter((r) => r.differs).length;
  const node = table(title, [
    { label: title, cell: (r) => [r.label, r.differs && h('span', { class: 'mark' }, ' differs')] },
    ...runs.map(({ run }, i) => ({ label: h('a', { href: to(`/runs/${run.id}`) }, name(run.name)), cell: (r) => r.shown[i] ?? muted('—') })),
  ], shown);
  node.querySelectorAll('tbody tr').forEach((tr, i) => { if (shown[i].differs) tr.classList.add('differs'); });
  const block = section(title, h('p', { class: 'muted' }, differ ? `${plural(differ, 'difference')} in ${plural(rows.length, 'row')}` : 'No difference'), node);
  block.classList.add('compared');
  return block;
}

/** The code of steps that differs from the first run's, line by line. */
function codes(runs) {
  const [first, ...others] = runs;
  const found = [...first.steps].flatMap(([step, { metadata: { source_code: before } }]) => others.flatMap(({ run, steps }) => {
    const after = steps.get(step)?.metadata.source_code;
    return before && after && before !== after ? [{ step, run, before, after }] : [];
  }));
  return found.length > 0 && section('Changed code', found.map(({ step, run, before, after }) =>
    h('details', { class: 'fold' }, h('summary', null, `${step}: from ${first.run.name} to ${run.name}`),
      h('pre', { class: 'diff', tabindex: '0' }, diff(before, after).map(([sign, line]) =>
        (sign === ' ' ? `  ${line}\n` : h(sign === '+' ? 'ins' : 'del', null, `${sign} ${line}`)))))));
}
