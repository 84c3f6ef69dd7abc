// Where an artifact version comes from and who read it. The API has no list of readers, so the steps that began after it
// was written are looked through, a page at a time.

import { api } from '../api.js';
import { h, put, to } from '../dom.js';
import { number } from '../format.js';
import { errorPanel, muted, name, section, status, table, time } from '../ui.js';

const PAGE = 100; // steps that are looked through at once

/** A hydrated step with its run. */
async function withRun(id, runs, signal) {
  const step = await api.get(`steps/${id}`, null, signal);
  const run = step.metadata.pipeline_run_id;
  if (!runs.has(run)) runs.set(run, api.get(`runs/${run}`, { hydrate: false }, signal));
  return { step, run: await runs.get(run) };
}

const links = ({ step, run }) => ({
  step: h('a', { href: to(`/runs/${run.id}`, { step: step.id }) }, step.name),
  run: h('a', { href: to(`/runs/${run.id}`) }, name(run.name)),
});

/** A section about a hydrated version that fills itself. */
export function lineage(version, signal) {
  const made = h('p', null, muted('…'));
  const readers = h('div');
  const on = h('button', { type: 'button', hidden: true, onclick: () => look().catch(failed) }, 'Look further');
  const told = h('p', { class: 'hint', role: 'status' }, 'Looking for readers…');
  const runs = new Map(); // by id, as promises
  const found = [];
  let page = 0;
  let seen = 0;

  const failed = (error) => {
    if (error.name === 'AbortError') return;
    told.textContent = '';
    put(readers, errorPanel(error));
  };

  async function maker() {
    const id = version.metadata.producer_step_run_id;
    if (!id) {
      put(made, muted('No step made it: it was saved or registered from outside of a run.'));
      return;
    }
    const { step, run } = links(await withRun(id, runs, signal));
    put(made, 'Made by step ', step, ' of run ', run, '.');
  }

  async function look() {
    page += 1;
    on.disabled = true;
    const answer = await api.get('steps', { created: `gte:${version.body.created.slice(0, 19).replace('T', ' ')}`, sort_by: 'asc:created', page, size: PAGE }, signal);
    seen += answer.items.length;
    const inputs = (step) => Object.entries(step.body.inputs).filter(([, input]) => input.id === version.id).map(([key]) => key);
    const hits = answer.items.filter((step) => inputs(step).length);
    found.push(...await Promise.all(hits.map(async (step) => ({ ...await withRun(step.id, runs, signal), as: inputs(step).join(', ') }))));
    on.disabled = false;
    on.hidden = page >= answer.total_pages;
    told.textContent = on.hidden ? (found.length ? '' : 'No step has read it.')
      : `The first ${number(seen)} of ${number(answer.total)} steps since then were looked through.`;
    put(readers, found.length > 0 && table('Read by', [
      { label: 'Read by step', cell: (x) => links(x).step },
      { label: 'As', cell: (x) => h('code', null, x.as) },
      { label: 'Run', cell: (x) => links(x).run },
      { label: 'Status', hide: 'phone', cell: (x) => status(x.step.body.status) },
      { label: 'When', hide: 'phone', cell: (x) => time(x.step.metadata.start_time ?? x.step.body.created) },
    ], found));
  }

  maker().catch((error) => { if (error.name !== 'AbortError') put(made, muted(error.status === 404 ? 'The step that made it was deleted.' : error.message)); });
  look().catch(failed);
  return section('Lineage', made, readers, told, on);
}
