// Why a run failed: which step did, the end of its log, and where to read on.

import { api } from '../api.js';
import { h, put } from '../dom.js';
import { duration, number } from '../format.js';
import { readable } from './logs.js';

const BYTES = 1 << 13; // of the log's end
const LINES = 40;

/** The last lines of a step's log. */
async function lastLines(step, signal) {
  const text = await api.get(`steps/${step.id}/logs`, { offset: -BYTES, length: BYTES }, signal);
  // (The first character may be what a cut has left of one.)
  return readable(text).replace(/^\ufffd+/, '').trimEnd().split('\n').slice(-LINES).join('\n');
}

/**
 * A box that stays hidden until draw(run) is given a run that has failed; here(query) is the address of the details of a step.
 */
export function whyBox(here, signal) {
  const box = h('section', { class: 'why', 'aria-label': 'Why it failed', hidden: true });
  let drawn = false;

  async function fill(run) {
    const { items: [step], total } = await api.get('steps', {
      pipeline_run_id: run.id, status: 'failed', sort_by: 'asc:created', size: 1, hydrate: true }, signal);
    if (!step) {
      put(box, h('h2', null, 'The run failed, but none of its steps did'),
        h('p', null, 'It may have been stopped, or the orchestrator could not start a step. What it wrote stands where the pipeline was started.'));
      return;
    }
    const more = step.metadata;
    const link = h('a', { href: here({ step: step.id }) }, more.logs ? 'The whole log' : 'The step');
    const place = h('pre', { tabindex: '0', role: 'region', 'aria-label': `The last lines of ${step.name}`, hidden: true });
    put(box, h('h2', null, `“${step.name}” failed`),
      h('p', { class: 'muted' }, [
        more.start_time && more.end_time && `after ${duration(more.start_time, more.end_time)}`,
        total > 1 && `the first of ${number(total)} failed steps`,
        !more.logs && 'it keeps no logs'].filter(Boolean).join(', ')),
      place, h('p', null, link));
    if (!more.logs) return;
    try {
      place.textContent = await lastLines(step, signal) || 'Nothing was logged.';
    } catch (error) {
      if (error.name === 'AbortError') return;
      place.textContent = `The log cannot be read: ${error.message}`;
    }
    place.hidden = false;
    place.scrollTop = place.scrollHeight;
  }

  return {
    box,
    async draw(run) {
      const failed = run.body.status === 'failed';
      box.hidden = !failed;
      if (!failed || drawn) return;
      drawn = true;
      await fill(run);
    },
  };
}
