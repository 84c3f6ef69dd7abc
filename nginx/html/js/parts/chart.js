// Charts of values over a sequence of things: SVG to look at, a place that arrow keys walk through, a table behind.

import { h, put, s } from '../dom.js';
import { value as words } from '../format.js';
import { field, status, table } from '../ui.js';

const HEIGHT = 150;
const PAD = { left: 4, right: 4, top: 8, bottom: 6 };

/** Where points lie: x and y of each, and the width of its share. */
function scale(points, width, fromZero) {
  const ys = points.map((p) => p.y);
  const low = fromZero ? 0 : Math.min(...ys);
  const range = Math.max(...ys) - low || 1;
  const share = (width - PAD.left - PAD.right) / points.length;
  const inner = HEIGHT - PAD.top - PAD.bottom;
  return points.map((p, i) => ({ x: PAD.left + share * (i + 0.5), y: PAD.top + inner * (1 - (p.y - low) / range), share }));
}

function line(places) {
  return [s('polyline', { class: 'chart-line', points: places.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ') }),
    places.map(({ x, y }) => s('circle', { class: 'chart-point', cx: x.toFixed(1), cy: y.toFixed(1), r: 3.5 }))];
}

function bars(places, points) {
  return places.map(({ x, y, share }, i) => {
    const width = Math.min(40, Math.max(1, share * 0.8));
    return s('rect', { class: `chart-bar status-${points[i].status}`, x: (x - width / 2).toFixed(1), y: Math.min(y, HEIGHT - PAD.bottom - 2).toFixed(1),
      width: width.toFixed(1), height: Math.max(2, HEIGHT - PAD.bottom - y).toFixed(1) });
  });
}

/**
 * A chart as a figure.
 *   title, value     what is drawn; what the numbers are called, as head of the table
 *   points           [{y, text, name, href, status?}] from the left; text is y in words
 *   kind             'line', or 'bar' from zero, whose bars have the colour of a status
 */
export function chart({ title, value, points, kind = 'line' }) {
  const width = Math.max(260, Math.min(900, document.getElementById('main').clientWidth - 76));
  const places = scale(points, width, kind === 'bar');
  const marker = s('line', { class: 'chart-marker', y1: 0, y2: HEIGHT, visibility: 'hidden' });
  const told = h('p', { class: 'chart-told', role: 'status' });
  const highest = points.reduce((best, p) => (p.y > best.y ? p : best));
  const lowest = points.reduce((best, p) => (p.y < best.y ? p : best));
  let at = points.length - 1;

  const tell = () => {
    const point = points[at];
    for (const end of ['x1', 'x2']) marker.setAttribute(end, places[at].x.toFixed(1));
    marker.setAttribute('visibility', 'visible');
    put(told, h('a', { href: point.href }, point.name), point.status && [' ', status(point.status)], `: ${point.text}`);
  };
  const walk = (event) => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: points.length - 1 }[event.key];
    if (event.key === 'Enter') location.hash = points[at].href;
    if (to === undefined) return;
    event.preventDefault();
    at = Math.min(points.length - 1, Math.max(0, to));
    tell();
  };
  const point = (event) => {
    const box = drawing.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    at = places.reduce((best, p, i) => (Math.abs(p.x - x) < Math.abs(places[best].x - x) ? i : best), 0);
    tell();
  };
  const drawing = s('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img',
    'aria-label': `${title}. ${points.length} values, from ${lowest.text} to ${highest.text}.` },
  kind === 'bar' ? bars(places, points) : line(places), marker);
  const columns = [{ label: 'Name', cell: (p) => h('a', { href: p.href }, p.name) },
    points[0].status && { label: 'Status', cell: (p) => status(p.status) },
    { label: value, num: true, cell: (p) => p.text }].filter(Boolean);
  return h('figure', { class: 'chart' },
    h('figcaption', null, title),
    h('div', { class: 'chart-frame' },
      h('p', { class: 'chart-scale', 'aria-hidden': 'true' }, h('span', null, highest.text), h('span', null, kind === 'bar' ? '0' : lowest.text)),
      h('div', { class: 'chart-field', tabindex: '0', role: 'group', 'aria-label': `${title}: arrow keys go from one to the next`,
        onfocus: tell, onkeydown: walk, onpointermove: point, onclick: (event) => { point(event); location.hash = points[at].href; } }, drawing)),
    told,
    h('details', { class: 'fold' }, h('summary', null, 'As a table'), table(title, columns, points)));
}

/**
 * The chart of one key of several, with a field to choose which; the choice stands in the address of the page.
 *   things   [{name, href, values: {key: number}}] from the left; those without the key have no point
 *   keys     of at least one thing
 *   order    what the title says of the order
 */
export function keyChart(page, { things, keys, order }) {
  const key = keys.includes(page.query.get('chart')) ? page.query.get('chart') : keys[0];
  const points = things.filter(({ values }) => key in values)
    .map(({ name, href, values }) => ({ y: values[key], text: words(values[key]), name: String(name), href }));
  return [
    field({ name: 'chart', label: 'Chart of', kind: 'select', value: key, options: keys.map((k) => [k, k]),
      onchange: (event) => page.go({ chart: event.target.value }, { replace: true }) }),
    chart({ title: `${key}, ${order}`, value: key, points })];
}
