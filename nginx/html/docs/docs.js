// The OpenAPI document as a page: operations by group, then components. Everything is made from ../openapi.json;
// texts become text nodes, never markup.

import { h, request, signIn } from './request.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

function reference(schema) {
  const name = schema.$ref.split('/').pop();
  return h('a', { href: `#${name}` }, name);
}

function joined(parts, between) {
  return parts.flatMap((part, i) => (i ? [between, ...part] : part));
}

// A schema as a list of nodes and texts, such as: text up to 255, or null.
function shape(schema) {
  if (schema.$ref) return [reference(schema)];
  if (schema.allOf) return [...joined(schema.allOf.map(shape), ' and '), ...limits(schema)];
  if (schema.anyOf) return [...joined(schema.anyOf.map(shape), ' or '), ...limits(schema)];
  if (schema.enum) return [schema.enum.join(', ')];
  if (schema.type === 'array') return ['list of ', ...shape(schema.items ?? {}), ...limits(schema)];
  if (typeof schema.additionalProperties === 'object')
    return ['map of ', ...shape(schema.additionalProperties), ...limits(schema)];
  return [schema.format ?? schema.type ?? 'anything', ...limits(schema)];
}

function limits(schema) {
  const said = [];
  if ('maxLength' in schema) said.push(`at most ${schema.maxLength} characters`);
  if ('minimum' in schema) said.push(`from ${schema.minimum}`);
  if ('exclusiveMinimum' in schema) said.push(`above ${schema.exclusiveMinimum}`);
  if ('maximum' in schema) said.push(`up to ${schema.maximum}`);
  if ('default' in schema) said.push(`default ${JSON.stringify(schema.default)}`);
  return said.length ? [` (${said.join(', ')})`] : [];
}

function table(heads, rows) {
  return h('table', {},
    h('thead', {}, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col' }, head)))),
    h('tbody', {}, ...rows.map((cells) => h('tr', {}, ...cells.map((cell) => h('td', {}, ...[cell].flat()))))));
}

function content(part) {
  return joined(Object.entries(part.content ?? {}).map(([kind, value]) => [
    ...(kind === 'application/json' ? [] : [`${kind}: `]), ...shape(value.schema ?? {}),
  ]), '; ');
}

// Boxes are filled when they are first opened: all of them at once would be some thousand tables.
function box(id, find, summary, fill) {
  const node = h('details', { id, 'data-find': find.toLowerCase() }, h('summary', {}, ...summary));
  node.addEventListener('toggle', () => { if (node.open && node.children.length === 1) node.append(...fill()); });
  return node;
}

function details(doc, path, method, said) {
  const parts = [h('p', {}, h('a', { href: `#${said.operationId}` }, 'Address of this operation'))];
  if (said.parameters?.length) {
    parts.push(h('h3', {}, 'Parameters'), table(['Name', 'In', 'Value'], said.parameters.map((p) => [
      h('code', {}, p.required ? `${p.name} *` : p.name), p.in, shape(p.schema)])));
  }
  if (said.requestBody)
    parts.push(h('h3', {}, said.requestBody.required ? 'Body *' : 'Body'), h('p', {}, ...content(said.requestBody)));
  parts.push(h('h3', {}, 'Answers'), table(['Status', 'Meaning', 'Body'],
    Object.entries(said.responses).map(([status, answer]) => [status, answer.description, content(answer)])));
  return [...parts, ...request(doc, path, method, said)];
}

function operation(doc, path, method, said) {
  return box(said.operationId, `${method} ${path} ${said.summary}`,
    [h('span', { class: `method ${method}` }, method.toUpperCase()), ' ', h('code', {}, path),
      ...(said.security ? [] : [h('span', { class: 'open' }, ' open')]), h('span', { class: 'about' }, said.summary)],
    () => details(doc, path, method, said));
}

function component(name, schema) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {});
  return box(name, name, [h('code', {}, name)], () => [fields.length
    ? table(['Member', 'Value'], fields.map(([field, value]) => [
      h('code', {}, required.has(field) ? `${field} *` : field), shape(value)]))
    : h('p', {}, ...shape(schema))]);
}

function draw(doc) {
  const groups = new Map();
  let count = 0;
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const method of METHODS.filter((m) => methods[m])) {
      const group = methods[method].tags?.[0] ?? 'others';
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(operation(doc, path, method, methods[method]));
      count += 1;
    }
  }
  const schemas = Object.entries(doc.components.schemas).sort(([a], [b]) => a.localeCompare(b));
  const sections = [...groups].map(([name, operations]) =>
    h('section', {}, h('h2', {}, name.replaceAll('_', ' ')), ...operations));
  sections.push(h('section', {}, h('h2', {}, 'Components'), ...schemas.map(([name, schema]) => component(name, schema))));
  document.getElementById('operations').replaceChildren(...sections);
  document.getElementById('about').textContent =
    `${count} operations, ${schemas.length} components; answers as ZenML ${doc.info.version} does. * must be given.`;
  document.getElementById('token').textContent = signIn();
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll('section')) {
    let any = false;
    for (const item of section.querySelectorAll('details')) {
      item.hidden = !words.every((word) => item.dataset.find.includes(word));
      any ||= !item.hidden;
    }
    section.hidden = !any;
  }
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName !== 'DETAILS') return;
  document.getElementById('find').value = '';
  find('');
  target.open = true;
  target.scrollIntoView();
}

try {
  const answer = await fetch('../openapi.json');
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  draw(await answer.json());
  document.getElementById('find').addEventListener('input', (event) => find(event.target.value));
  addEventListener('hashchange', openTarget);
  openTarget();
} catch (error) {
  document.getElementById('about').textContent = `The document could not be read: ${error.message}`;
}
