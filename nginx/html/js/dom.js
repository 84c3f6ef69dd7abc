// Building blocks for the document. Data only ever becomes text nodes and attributes, never markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'value') node.value = value;
    else if (name === 'checked') node.checked = true;
    else node.setAttribute(name, value === true ? '' : value);
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child instanceof Node ? child : String(child));
  }
}

/** An HTML element: h('a', {href: '#/'}, 'Home'). Null and false children are skipped. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element, same rules. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Replaces what a node holds. */
export function put(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** The URL if it is plain http(s), else null: data never becomes a javascript: link. */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}

/** A link inside the pages: '/runs/1' and a query object become '#/runs/1?...'. */
export function to(path, query) {
  const used = Object.entries(query ?? {}).filter(([, v]) => v !== null && v !== undefined && v !== '');
  const text = new URLSearchParams(used).toString();
  return '#' + path + (text ? '?' + text : '');
}

let counter = 0;

/** A fresh element id, for labels and descriptions. */
export function newId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** Redraws what is in a box without taking the focus away from the link, button or field in it that the reader stands on. */
export function keepFocus(box, draw) {
  const active = box.contains(document.activeElement) ? document.activeElement : null;
  const key = active?.dataset.key;
  const href = active?.getAttribute('href');
  const text = active?.textContent;
  const { name } = active ?? {};
  draw();
  if (!active) return;
  const again = (key && box.querySelector(`[data-key="${key}"]`)) || (name && box.querySelector(`[name="${name}"]`))
    || [...box.querySelectorAll('a, button')].find((n) => n.getAttribute('href') === href && n.textContent === text);
  (again ?? box.querySelector('a, button'))?.focus({ preventScroll: true });
}
