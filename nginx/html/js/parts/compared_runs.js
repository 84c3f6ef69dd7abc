// What is compared of runs: what they were given, what came out, how long it took, with which code and where.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { duration } from '../format.js';
import { isLive, muted, section, status, time } from '../ui.js';
import { any, measured, plain, row, rowsOf } from './comparison.js';
import { diff } from './diff.js';
import { numbers } from './metadata.js';
import { length } from './steps.js';

const STEPS = 200; // of each run

/** A run and its steps by name. */
async function load(id, signal) {
  const [run, steps] = await Promise.all([
    api.get(`runs/${id}`, null, signal),
    api.get('steps', { pipeline_run_id: id, hydrate: true, size: STEPS, sort_by: 'asc:created' }, signal),
  ]);
  return { run, steps: new Map(steps.items.map((step) => [step.name, step])), total: steps.total };
}

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

/** The numbers of the metadata, those of steps with their step, as the table names them. */
const measures = ({ run, steps }) => Object.assign(numbers(run.metadata.run_metadata), ...[...steps].map(([step, { metadata }]) =>
  Object.fromEntries(Object.entries(numbers(metadata.run_metadata)).map(([key, value]) => [`${step} › ${key}`, value]))));

export const runs = {
  one: 'run',
  all: ['/runs', 'Runs'],
  load,
  named: ({ run }) => [run.name, to(`/runs/${run.id}`)],
  groups,
  numbers: measures,
  note: (list) => list.some(({ steps, total }) => steps.size < total) && muted(`Of each run the first ${STEPS} steps.`),
  more: codes,
};
