// How the runs of a pipeline went lately: how long each took, and how many succeeded.

import { api } from '../api.js';
import { h, put, to } from '../dom.js';
import { number, seconds, span } from '../format.js';
import { isLive } from '../ui.js';

const RUNS = 50;
const GOOD = ['completed', 'cached'];

/** Draws it into a box, once there are two runs that have ended. */
export async function history(box, pipeline, signal) {
  const [{ items }, { chart }] = await Promise.all([
    api.get('runs', { pipeline_id: pipeline, sort_by: 'desc:created', size: RUNS }, signal), import('./chart.js')]);
  const ended = items.filter((run) => !isLive(run.body.status)).reverse();
  if (ended.length < 2) return;
  const good = ended.filter((run) => GOOD.includes(run.body.status));
  // (Of a lean list: from when a run was made until it last changed.)
  const points = ended.map((run) => {
    const y = seconds(run.body.created, run.body.updated);
    return { y, text: span(y), name: run.name, href: to(`/runs/${run.id}`), status: run.body.status };
  });
  const sorted = points.map((p) => p.y).sort((a, b) => a - b);
  put(box,
    h('p', null, `${number(good.length)} of the last ${number(ended.length)} runs succeeded; the median took ${span(sorted[Math.floor(sorted.length / 2)])}.`),
    chart({ title: 'Duration of the last runs', value: 'Duration', points, kind: 'bar' }));
}
