// A run's graph as SVG: steps and artifacts are links, so that it works with the keyboard and in a screen reader.

import { h, put, s } from '../dom.js';
import { byName, tail } from '../format.js';
import { icon } from '../icons.js';
import { layout } from './layout.js';

const STEP = { width: 184, height: 46 };
const ARTIFACT = { width: 148, height: 30 };
const PAD = 16;

const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + '…' : text);

/** Leaves the artifacts out: a step then leads to the steps that read what it wrote. */
function stepsOnly({ nodes, edges }) {
  const steps = nodes.filter((n) => n.type === 'step');
  const known = new Set(steps.map((n) => n.id));
  const out = new Map();
  for (const { source, target } of edges) {
    if (!out.has(source)) out.set(source, []);
    out.get(source).push(target);
  }
  const pairs = new Set();
  for (const { id } of steps) {
    for (const next of out.get(id) ?? []) {
      for (const end of known.has(next) ? [next] : out.get(next) ?? []) pairs.add(`${id} ${end}`);
    }
  }
  return { nodes: steps, edges: [...pairs].map((p) => ({ source: p.split(' ')[0], target: p.split(' ')[1] })) };
}

function curve(points) {
  let d = `M${points[0].map(Math.round)}`;
  for (let i = 1; i < points.length; i += 1) {
    const [x0, y0] = points[i - 1];
    const [x1, y1] = points[i];
    const middle = (y0 + y1) / 2;
    d += `C${[x0, middle, x1, middle, x1, y1].map(Math.round)}`;
  }
  return d;
}

function node(n, at, { href, selected, note }) {
  const { name, status } = n.data;
  const step = n.type === 'step';
  const size = step ? STEP : ARTIFACT;
  const state = step ? status : n.data.is_cached || status === 'cached' ? 'cached' : 'artifact';
  const detail = step ? [status, note].filter(Boolean).join(', ') : tail(n.data.artifact_data_type ?? '');
  const mark = icon(step ? state : 'artifact');
  for (const [key, value] of [['x', step ? 12 : 9], ['y', step ? 15 : 8], ['width', step ? 16 : 14], ['height', step ? 16 : 14]]) mark.setAttribute(key, value);
  return s('a', {
    href: href(n),
    class: `node ${n.type} status-${state}`,
    transform: `translate(${Math.round(at.x + PAD)} ${Math.round(at.y + PAD)})`,
    'aria-label': `${step ? 'Step' : 'Artifact'} ${name} ${detail}`,
    'aria-current': selected(n) ? 'true' : null,
    'data-node': n.id,
  },
  s('title', null, `${name} (${detail})`),
  s('rect', { width: size.width, height: size.height, rx: step ? 6 : 15 }),
  mark,
  s('text', { x: step ? 37 : 29, y: step ? 20 : 19.5, class: 'name' }, cut(name, step ? 20 : 16)),
  ' ', // so that the two texts are read as two words
  step && s('text', { x: 37, y: 36, class: 'note' }, cut(detail, 24)));
}

/**
 * A box with the graph and its controls.
 *   href(node) the address a node leads to; selected(node); note(node) a short text such as a duration
 * Returns {box, draw(graph), mark()}: mark() follows a changed selection without a new layout.
 */
export function graphBox({ href, selected, note }) {
  const canvas = h('div', { class: 'canvas', tabindex: '0', role: 'group', 'aria-label': 'Graph of the run' });
  let zoom = null;
  let whole = null;
  let plan = null;
  let artifacts = true;

  const scale = (factor) => {
    zoom = Math.min(2, Math.max(0.25, zoom * factor));
    resize();
  };
  const fit = () => {
    zoom = Math.min(1, Math.max(0.4, (canvas.clientWidth - 4) / (plan.width + 2 * PAD)));
    resize();
  };
  const resize = () => {
    const svg = canvas.firstElementChild;
    svg.setAttribute('width', Math.round((plan.width + 2 * PAD) * zoom));
    svg.setAttribute('height', Math.round((plan.height + 2 * PAD) * zoom));
  };
  const button = (text, label, onclick) => h('button', { type: 'button', 'aria-label': label, title: label, onclick }, text);
  const toggle = (event) => {
    artifacts = event.target.checked;
    zoom = null;
    render();
  };
  const box = h('div', { class: 'graph' }, h('div', { class: 'tools' },
    h('label', null, h('input', { type: 'checkbox', checked: true, onchange: toggle }), 'Artifacts'),
    h('span', { class: 'zoom' }, button('−', 'Smaller', () => scale(1 / 1.25)), button('Fit', 'Fit the width', fit), button('+', 'Larger', () => scale(1.25)))), canvas);

  function render() {
    const shown = artifacts ? whole : stepsOnly(whole);
    const sorted = [...shown.nodes].sort((a, b) => byName(a.data.name, b.data.name));
    plan = layout(sorted.map((n) => ({ id: n.id, ...(n.type === 'step' ? STEP : ARTIFACT) })), shown.edges);
    const focus = document.activeElement?.dataset?.node;
    put(canvas, s('svg', { viewBox: `0 0 ${Math.round(plan.width + 2 * PAD)} ${Math.round(plan.height + 2 * PAD)}` },
      s('g', { class: 'edges', transform: `translate(${PAD} ${PAD})` },
        plan.edges.map((e) => s('path', { d: curve(e.points) }))),
      // In reading order: from the top, then from the left.
      [...shown.nodes].sort((a, b) => plan.nodes.get(a.id).y - plan.nodes.get(b.id).y || plan.nodes.get(a.id).x - plan.nodes.get(b.id).x)
        .map((n) => node(n, plan.nodes.get(n.id), { href, selected, note: note(n) }))));
    if (zoom === null && canvas.clientWidth) fit();
    else { zoom ??= 1; resize(); }
    if (focus) canvas.querySelector(`[data-node="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }

  return {
    box,
    draw(graph) {
      whole = graph;
      render();
      if (!canvas.clientWidth) requestAnimationFrame(fit);
    },
    mark() {
      for (const link of canvas.querySelectorAll('.node')) {
        const n = whole.nodes.find((x) => x.id === link.dataset.node);
        if (selected(n)) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
        link.setAttribute('href', href(n));
      }
    },
  };
}
