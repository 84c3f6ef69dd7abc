// Where a step lies in the time of its run, as a bar.

import { s } from '../dom.js';
import { date, span } from '../format.js';
import { isLive } from '../ui.js';

const WIDTH = 1000; // of the drawing, whatever its size on the screen
const LEAST = 6;

/** From when to when a run went on, as Dates: its own times, made wider by those of its steps. */
export function spanOf(run, steps) {
  const more = run.metadata ?? {};
  const times = [date(more.start_time ?? run.body.created),
    isLive(run.body.status) ? new Date() : date(more.end_time ?? run.body.updated)];
  for (const { metadata: step } of steps) times.push(date(step?.start_time), date(step?.end_time));
  const all = times.filter(Boolean);
  return { from: new Date(Math.min(...all)), until: new Date(Math.max(...all)) };
}

/** The bar of a hydrated step between the two moments of a span; null when it has not begun. */
export function bar(step, { from, until }) {
  const { start_time: start, end_time: end } = step.metadata ?? {};
  if (!start) return null;
  const whole = Math.max(1, until - from);
  const begun = date(start) - from;
  const ended = (date(end) ?? (isLive(step.body.status) ? until : date(start))) - from;
  const width = Math.max(LEAST, (WIDTH * (ended - begun)) / whole);
  const x = Math.min((WIDTH * begun) / whole, WIDTH - width);
  const words = `From ${span(begun / 1000)} to ${span(ended / 1000)} after the start`;
  return s('svg', { class: `timeline status-${step.body.status}`, viewBox: `0 0 ${WIDTH} 20`, preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
    s('title', null, words),
    s('rect', { class: 'track', x: 0, y: 9.5, width: WIDTH, height: 1 }),
    s('rect', { class: 'bar-of-step', x: Math.round(x), y: 5, width: Math.round(width), height: 10 }));
}
