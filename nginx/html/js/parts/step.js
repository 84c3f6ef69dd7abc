// What is known of one step of a run.

import { h, keepFocus, put } from '../dom.js';
import { duration } from '../format.js';
import { anyValue, copyable, facts, isLive, jsonBlock, muted, section, status, time } from '../ui.js';
import { logBox, noLogs } from './logs.js';
import { metadata } from './metadata.js';

function links(versions, here) {
  const names = Object.entries(versions ?? {});
  if (!names.length) return null;
  return names.map(([name, version], i) => [i > 0 && ', ', h('a', { href: here({ artifact: version.id }) }, name)]);
}

function head({ body, metadata: more }, here) {
  return facts([
    ['Status', status(body.status)],
    ['Started', time(more.start_time ?? body.created)],
    ['Duration', more.start_time && duration(more.start_time, isLive(body.status) ? null : more.end_time ?? body.updated)],
    ['Reads', links(body.inputs, here)],
    ['Writes', links(body.outputs, here)],
    ['Cached from', more.original_step_run_id && h('code', null, more.original_step_run_id.slice(0, 8))],
  ]);
}

/** The nodes for a hydrated step, and update(step) for when it has gone on. */
export function stepParts(step, here, signal) {
  const more = step.metadata;
  const top = h('div', null, head(step, here));
  const extra = h('div', null, metadata(more.run_metadata) && section('Metadata', metadata(more.run_metadata)));
  let latest = step;
  const parameters = Object.entries(more.config.parameters ?? {});
  const logs = more.logs ? logBox(step.id, step.name, () => isLive(latest.body.status), signal) : null;
  return {
    nodes: [
      top,
      more.docstring && h('p', { class: 'doc' }, more.docstring),
      parameters.length > 0 && section('Parameters', facts(parameters.map(([k, v]) => [k, anyValue(v)]))),
      extra,
      section('Logs', logs ? logs.box : noLogs()),
      more.source_code && h('details', { class: 'fold' }, h('summary', null, 'Code'), h('pre', { tabindex: '0' }, more.source_code)),
      jsonBlock('Configuration', more.config),
      h('p', { class: 'hint' }, 'Step ', copyable(step.id, 'Id')),
    ],
    update(now) {
      latest = now;
      keepFocus(top, () => put(top, head(now, here)));
      put(extra, metadata(now.metadata.run_metadata) && section('Metadata', metadata(now.metadata.run_metadata)));
      logs?.more();
    },
  };
}
