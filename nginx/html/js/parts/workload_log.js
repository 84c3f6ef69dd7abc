// How the start of a run from a template goes: what the workload manager and the workload write.

import { api } from '../api.js';
import { h, put } from '../dom.js';
import { isLive, section } from '../ui.js';
import { readable } from './logs.js';

/** {box, draw(run)}: hidden but for runs of templates; draw() is called again while the run goes on. */
export function workloadLog(signal) {
  const box = h('div', { hidden: true });
  const pre = h('pre', { class: 'logs', tabindex: '0', role: 'region', 'aria-label': 'Log of the workload' });
  let done = false;
  return {
    box,
    async draw(run) {
      if (done || !run.metadata?.template_id || !run.body.deployment_id) return;
      done = !isLive(run.body.status);
      let text;
      try {
        text = await api.get(`pipeline_deployments/${run.body.deployment_id}/logs`, null, signal);
      } catch (error) {
        if (error.status !== 404) throw error;
        done = true; // this server runs no templates now
        return;
      }
      if (box.hidden) put(box, section('Start of the run', pre));
      box.hidden = false;
      const shown = readable(text) || 'Nothing has been written yet.';
      if (pre.textContent === shown) return;
      pre.textContent = shown;
      pre.scrollTop = pre.scrollHeight;
    },
  };
}
