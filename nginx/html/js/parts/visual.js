// An artifact's visualisations. What they hold comes from pipelines, so nothing of it is trusted: text stays text,
// and HTML runs in a sandboxed frame that has neither this page's cookies nor a network.

import { api, root } from '../api.js';
import { h, safeUrl } from '../dom.js';
import { empty, table, toast } from '../ui.js';
import { dataTable } from './data_table.js';

const NOT_AN_IMAGE = 'The picture cannot be shown.';

/** The visualisations of an artifact version, each loaded when it comes into sight. */
export function visuals(version, signal) {
  const list = version.metadata.visualizations ?? [];
  return list.map((item, index) => {
    const place = h('div', { class: 'visual' }, h('p', { class: 'hint', role: 'status' }, 'Loading…'));
    const load = async () => {
      try {
        const { type, value } = await api.get(`artifact_versions/${version.id}/visualize`, { index }, signal);
        place.replaceChildren(fullScreen(place), draw(type, value, `Visualisation ${index + 1}`));
      } catch (error) {
        if (error.name !== 'AbortError') place.replaceChildren(empty({ title: 'This visualisation cannot be read', text: error.message }));
      }
    };
    const watch = new IntersectionObserver((entries) => {
      if (!entries.some((e) => e.isIntersecting)) return;
      watch.disconnect();
      load();
    });
    watch.observe(place);
    return place;
  });
}

/** A button that gives a visualisation the whole screen, and takes it back, as Escape does. */
function fullScreen(place) {
  const node = h('button', { type: 'button', class: 'quiet', onclick: () => (document.fullscreenElement ? document.exitFullscreen()
    : place.requestFullscreen().catch(() => toast('The browser did not allow it.', 'bad'))) }, 'Full screen');
  place.onfullscreenchange = () => { node.textContent = document.fullscreenElement ? 'Leave full screen' : 'Full screen'; };
  return h('p', { class: 'visual-tools', hidden: !document.fullscreenEnabled }, node);
}

function draw(type, value, label) {
  if (type === 'image') return picture(value, label);
  if (type === 'html') return frame(value, label);
  if (type === 'csv') return csv(value);
  if (type === 'markdown') return h('div', { class: 'markdown' }, markdown(value));
  return h('pre', { tabindex: '0' }, value);
}

/** The kind of picture that base64 text holds, by its first bytes. */
function imageKind(text) {
  const kinds = { iVBORw: 'png', '/9j/': 'jpeg', R0lGOD: 'gif', UklGR: 'webp', PHN2Zy: 'svg+xml', PD94bW: 'svg+xml' };
  const found = Object.entries(kinds).find(([start]) => text.startsWith(start));
  return found ? found[1] : 'png';
}

function picture(value, label) {
  const image = h('img', { alt: label, src: `data:image/${imageKind(value)};base64,${value}` });
  image.addEventListener('error', () => image.replaceWith(NOT_AN_IMAGE));
  return image;
}

function frame(html, label) {
  const node = h('iframe', { title: label, sandbox: 'allow-scripts', src: new URL('frame.html', root).href, referrerpolicy: 'no-referrer' });
  const ready = (event) => {
    if (event.source !== node.contentWindow || event.data?.kansoFrame !== 'ready') return;
    removeEventListener('message', ready);
    node.contentWindow.postMessage({ html }, '*');
  };
  addEventListener('message', ready);
  return node;
}

/** Rows of a CSV text; quotes may hold separators and line ends. */
export function parseCsv(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"(?=,|\r?\n|$)|([^,\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted !== undefined ? quoted.replaceAll('""', '"') : plain);
    if (end === '') break;
    if (end !== ',') rows.push([]);
  }
  return rows.filter((row) => row.length > 1 || row[0] !== '');
}

function csv(text) {
  const [head = [], ...rows] = parseCsv(text);
  return dataTable(head, rows);
}

/** Markdown as elements: headings, paragraphs, lists, quotes, code, rules, tables; anything else is text. */
export function markdown(text) {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const out = [];
  const take = (test) => {
    const some = [];
    while (lines.length && test.test(lines[0])) some.push(lines.shift());
    return some;
  };
  while (lines.length) {
    const line = lines[0];
    if (!line.trim()) { lines.shift(); continue; }
    if (/^(```|~~~)/.test(line)) {
      const fence = lines.shift().slice(0, 3);
      const code = [];
      while (lines.length && !lines[0].startsWith(fence)) code.push(lines.shift());
      lines.shift();
      out.push(h('pre', { tabindex: '0' }, code.join('\n')));
    } else if (/^#{1,6}\s/.test(line)) {
      const [, marks, title] = lines.shift().match(/^(#+)\s+(.*?)\s*#*$/);
      out.push(h(`h${Math.min(6, marks.length + 2)}`, null, inline(title)));
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      lines.shift();
      out.push(h('hr'));
    } else if (/^\s*[-*+]\s/.test(line)) {
      out.push(h('ul', null, take(/^\s*[-*+]\s/).map((l) => h('li', null, inline(l.replace(/^\s*[-*+]\s+/, ''))))));
    } else if (/^\s*\d+[.)]\s/.test(line)) {
      out.push(h('ol', null, take(/^\s*\d+[.)]\s/).map((l) => h('li', null, inline(l.replace(/^\s*\d+[.)]\s+/, ''))))));
    } else if (/^>/.test(line)) {
      out.push(h('blockquote', null, inline(take(/^>/).map((l) => l.replace(/^>\s?/, '')).join(' '))));
    } else if (/^\|/.test(line)) {
      out.push(pipes(take(/^\|/)));
    } else {
      out.push(h('p', null, inline([lines.shift(), ...take(/^(?!\s*$|#{1,6}\s|```|~~~|>|\||\s*[-*+]\s|\s*\d+[.)]\s)/)].join(' '))));
    }
  }
  return out;
}

function pipes(lines) {
  const rows = lines.filter((l) => !/^[|\s:-]+$/.test(l)).map((l) => l.replace(/^\||\|\s*$/g, '').split('|').map((c) => c.trim()));
  const [head, ...rest] = rows;
  return table('Table', head.map((label, i) => ({ label: inline(label), cell: (row) => inline(row[i] ?? '') })), rest);
}

export function inline(text) {
  const out = [];
  // An address may hold pairs of brackets and be followed by a title; a picture becomes a link.
  const pattern = /`([^`]+)`|\*\*([^*]+)\*\*|__([^_]+)__|\*([^*\s][^*]*)\*|!?\[([^\]]+)\]\(((?:[^()\s]|\((?:[^()\s]|\([^()\s]*\))*\))+)(?:\s+(?:"[^"]*"|'[^']*'))?\)/g;
  let from = 0;
  for (const m of text.matchAll(pattern)) {
    out.push(text.slice(from, m.index));
    from = m.index + m[0].length;
    const [, code, bold, bolder, slanted, label, address] = m;
    if (code) out.push(h('code', null, code));
    else if (bold ?? bolder) out.push(h('strong', null, bold ?? bolder));
    else if (slanted) out.push(h('em', null, slanted));
    else out.push(safeUrl(address) ? h('a', { href: safeUrl(address), rel: 'noopener noreferrer' }, label) : label);
  }
  out.push(text.slice(from));
  return out;
}
