// A run's graph as SVG: steps and artifacts are links, so that it works with the keyboard and in a screen reader.

import { h, put, s } from '../dom.js';
import { byName, middle, number, tail } from '../format.js';
import { icon } from '../icons.js';
import { collapse } from './collapse.js';
import { layout } from './layout.js';

const STEP = { width: 184, height: 46 };
const ARTIFACT = { width: 148, height: 30 };
const PAD = 16;
const MOST = 300; // nodes that are drawn without being asked for

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

function node(n, at, { href, selected, note, open }) {
  const { name, status } = n.data;
  const step = n.type !== 'artifact';
  const size = step ? STEP : ARTIFACT;
  const state = step ? status : n.data.is_cached || status === 'cached' ? 'cached' : 'artifact';
  const detail = n.type === 'group' ? n.data.detail : step ? [status, note].filter(Boolean).join(', ') : tail(n.data.artifact_data_type ?? '');
  const mark = icon(step ? state : 'artifact');
  for (const [key, value] of [['x', step ? 12 : 9], ['y', step ? 15 : 8], ['width', step ? 16 : 14], ['height', step ? 16 : 14]]) mark.setAttribute(key, value);
  const what = { step: 'Step', group: 'Steps', artifact: 'Artifact' }[n.type];
  const acts = n.type === 'group' ? { role: 'button', tabindex: 0, onclick: open, onkeydown: (e) => { if (e.key === 'Enter' || e.key === ' ') open(e); } }
    : n.data.execution_id ? { href: href(n) } : {};
  return s(n.data.execution_id ? 'a' : 'g', {
    ...acts,
    class: `node ${n.type === 'group' ? 'step group' : n.type} status-${state}`,
    transform: `translate(${Math.round(at.x + PAD)} ${Math.round(at.y + PAD)})`,
    'aria-label': acts.role || acts.href ? `${what} ${name} ${detail}` : null,
    'aria-current': selected(n) ? 'true' : null,
    'data-node': n.id,
  },
  s('title', null, `${name} (${detail})`),
  s('rect', { width: size.width, height: size.height, rx: step ? 6 : 15 }),
  mark,
  s('text', { x: step ? 37 : 29, y: step ? 20 : 19.5, class: 'name' }, middle(name, step ? 20 : 16)),
  ' ', // so that the two texts are read as two words
  step && s('text', { x: 37, y: 36, class: 'note' }, middle(detail, 26)));
}

/**
 * A box with the graph and its controls.
 *   href(node) the address a node leads to; selected(node); note(node) a short text such as a duration
 * Returns {box, draw(graph), mark(), offer(text, load)}: mark() follows a changed selection without a new layout, offer()
 * stands in for a graph until the reader asks for it.
 */
export function graphBox({ href, selected, note }) {
  const canvas = h('div', { class: 'canvas', tabindex: '0', role: 'group', 'aria-label': 'Graph of the run' });
  let zoom = null;
  let whole = null;
  let plan = null;
  let shown = null;
  let artifacts = true;
  let wanted = false; // the reader has asked for a graph however large
  const opened = new Set(); // groups that are shown as their members

  const scale = (factor) => {
    zoom = Math.min(2, Math.max(0.25, zoom * factor));
    resize();
  };
  const fit = () => {
    if (!plan) return;
    zoom = Math.min(1, Math.max(0.4, (canvas.clientWidth - 4) / (plan.width + 2 * PAD)));
    resize();
  };
  const resize = () => {
    const svg = canvas.querySelector('svg');
    if (!svg || !plan) return;
    svg.setAttribute('width', Math.round((plan.width + 2 * PAD) * zoom));
    svg.setAttribute('height', Math.round((plan.height + 2 * PAD) * zoom));
  };
  const button = (text, label, onclick) => h('button', { type: 'button', 'aria-label': label, title: label, onclick }, text);
  const toggle = (event) => {
    artifacts = event.target.checked;
    zoom = null;
    render();
  };
  const regroup = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => { opened.clear(); render(); } }, 'Collapse');
  const box = h('div', { class: 'graph' }, h('div', { class: 'tools' },
    h('label', null, h('input', { type: 'checkbox', checked: true, onchange: toggle }), 'Artifacts'), regroup,
    h('span', { class: 'zoom' }, button('−', 'Smaller', () => scale(1 / 1.25)), button('Fit', 'Fit the width', fit), button('+', 'Larger', () => scale(1.25)))), canvas);

  function render() {
    shown = collapse(artifacts ? whole : stepsOnly(whole), opened);
    regroup.hidden = !opened.size;
    if (shown.nodes.length > MOST && !wanted) {
      put(canvas, question(`The graph has ${number(shown.nodes.length)} nodes.`, () => { wanted = true; render(); }));
      plan = null;
      return;
    }
    const fresh = !plan;
    const sorted = [...shown.nodes].sort((a, b) => byName(a.data.name, b.data.name));
    plan = layout(sorted.map((n) => ({ id: n.id, ...(n.type === 'artifact' ? ARTIFACT : STEP) })), shown.edges);
    const focus = document.activeElement?.dataset?.node;
    const { scrollLeft, scrollTop } = canvas;
    put(canvas, s('svg', { viewBox: `0 0 ${Math.round(plan.width + 2 * PAD)} ${Math.round(plan.height + 2 * PAD)}` },
      s('g', { class: 'edges', transform: `translate(${PAD} ${PAD})` },
        plan.edges.map((e) => s('path', { d: curve(e.points) }))),
      // In reading order: from the top, then from the left.
      [...shown.nodes].sort((a, b) => plan.nodes.get(a.id).y - plan.nodes.get(b.id).y || plan.nodes.get(a.id).x - plan.nodes.get(b.id).x)
        .map((n) => node(n, plan.nodes.get(n.id), { href, selected, note: note(n), open: (event) => expand(event, n.id) }))));
    if (zoom === null && canvas.clientWidth) fit();
    else { zoom ??= 1; resize(); }
    if (fresh) begin();
    else canvas.scrollTo(scrollLeft, scrollTop);
    if (focus) canvas.querySelector(`[data-node="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }

  const question = (text, onclick) => h('p', { class: 'ask' }, text, ' ', h('button', { type: 'button', onclick }, 'Draw the graph'));

  function expand(event, id) {
    event.preventDefault();
    opened.add(id);
    render();
    canvas.focus({ preventScroll: true });
  }

  /** Where reading starts, when not all is in sight: at what failed, else at the first node. */
  function begin() {
    const places = shown.nodes.map((n) => [n, plan.nodes.get(n.id)]);
    const [, at] = places.find(([n]) => n.type !== 'artifact' && n.data.status === 'failed')
      ?? places.reduce((best, x) => (!best || x[1].y < best[1].y ? x : best), null) ?? [];
    if (!at) return;
    canvas.scrollLeft = (at.x + PAD + STEP.width / 2) * zoom - canvas.clientWidth / 2;
    canvas.scrollTop = (at.y + PAD) * zoom - canvas.clientHeight / 3;
  }

  // Ctrl and the wheel (or two fingers) change the size around the pointer; dragging what is empty moves the graph.
  canvas.addEventListener('wheel', (event) => {
    if (!event.ctrlKey || !plan) return;
    event.preventDefault();
    const frame = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    const before = zoom;
    scale(event.deltaY < 0 ? 1.1 : 1 / 1.1);
    canvas.scrollLeft = (canvas.scrollLeft + x) * (zoom / before) - x;
    canvas.scrollTop = (canvas.scrollTop + y) * (zoom / before) - y;
  }, { passive: false });
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || event.pointerType === 'touch' || event.target.closest('.node, button')) return;
    const from = { x: event.clientX + canvas.scrollLeft, y: event.clientY + canvas.scrollTop };
    const move = (e) => canvas.scrollTo(from.x - e.clientX, from.y - e.clientY);
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add('dragged');
    canvas.addEventListener('pointermove', move);
    canvas.addEventListener('lostpointercapture', () => {
      canvas.classList.remove('dragged');
      canvas.removeEventListener('pointermove', move);
    }, { once: true });
  });

  return {
    box,
    draw(graph) {
      whole = graph;
      render();
      if (!canvas.clientWidth) requestAnimationFrame(() => { fit(); if (plan) begin(); });
    },
    mark() {
      const nodes = new Map(shown?.nodes.map((n) => [n.id, n]));
      for (const link of canvas.querySelectorAll('a.node')) {
        const n = nodes.get(link.dataset.node);
        if (selected(n)) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
        link.setAttribute('href', href(n));
      }
    },
    offer(text, load) {
      put(canvas, question(text, async (event) => {
        event.target.disabled = true;
        wanted = true;
        try {
          await load();
        } catch (error) {
          if (error.name !== 'AbortError') put(canvas, h('p', { class: 'problem', role: 'alert' }, error.message));
        }
      }));
    },
  };
}
