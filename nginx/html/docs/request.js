// What an operation is asked with: the fields for it, the line of curl, and asking for real with the session of the pages.

/** An element with attributes and children; texts become text nodes. */
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const root = new URL('../', import.meta.url);
const DEPTH = 4; // of objects in an example
const SHOWN = 100000; // characters of an answer

/** A value that fits a schema, with what must be given, for the reader to change. */
function example(doc, schema, depth = 0) {
  if (schema.$ref) return example(doc, doc.components.schemas[schema.$ref.split('/').pop()] ?? {}, depth);
  if (schema.default !== undefined) return schema.default;
  const choice = schema.allOf ?? schema.anyOf;
  if (choice) return example(doc, choice.find((one) => one.type !== 'null') ?? {}, depth);
  if (schema.enum) return schema.enum[0];
  if (schema.type === 'array') return [];
  if (schema.type === 'object') {
    if (depth > DEPTH) return {};
    return Object.fromEntries((schema.required ?? []).map((key) => [key, example(doc, schema.properties?.[key] ?? {}, depth + 1)]));
  }
  return { integer: 0, number: 0, boolean: false, string: '' }[schema.type] ?? null;
}

let fields = 0;

function labelled(text, node, hint) {
  fields += 1;
  node.id = `f${fields}`;
  return h('p', { class: 'field' }, h('label', { for: node.id }, text), node, ...(hint ? [' ', h('span', { class: 'open' }, hint)] : []));
}

/** A word for a shell. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The kind of body that an operation takes, and its schema; null when it takes none. */
const taken = (said) => Object.entries(said.requestBody?.content ?? {})[0] ?? null;

/** What the reader has entered, as {url, method, type, body}. */
function entered(form, path, method, said) {
  let place = path;
  const query = new URLSearchParams();
  for (const { name, in: where } of said.parameters ?? []) {
    const value = form.elements[`${where}.${name}`]?.value ?? '';
    if (where === 'path') place = place.replace(`{${name}}`, value === '' ? `{${name}}` : encodeURIComponent(value));
    else if (value !== '') query.append(name, value);
  }
  const url = new URL(place.slice(1), root);
  url.search = query;
  const body = form.elements.body?.value.trim() ?? '';
  return { url, method: method.toUpperCase(), type: body ? taken(said)[0] : null, body };
}

/** The same for a shell, which has the token in $TOKEN. */
function line({ url, method, type, body }, open) {
  const form = type?.includes('form');
  return ['curl', ...(method === 'GET' ? [] : ['-X', method]), ...(open ? [] : ['-H', '"Authorization: Bearer $TOKEN"']),
    ...(type && !form ? ['-H', quoted(`Content-Type: ${type}`)] : []), ...(body ? ['-d', quoted(body)] : []),
    quoted(url.href.replaceAll('%7B', '{').replaceAll('%7D', '}'))].join(' ');
}

/** Sends it with the session's cookie, and says what came back. */
async function send({ url, method, type, body }, output) {
  const from = performance.now();
  output.replaceChildren(h('p', { class: 'open' }, 'Asking…'));
  const answer = await fetch(url, {
    method, credentials: 'same-origin', body: body || undefined,
    headers: { 'Source-Context': 'dashboard', ...(type ? { 'Content-Type': type } : {}) },
  });
  let text = await answer.text();
  const told = `${answer.status} ${answer.statusText}, ${text.length} characters in ${Math.round(performance.now() - from)} ms`;
  try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it is */ }
  output.replaceChildren(h('p', { class: answer.ok ? 'get' : 'delete' }, told),
    ...(answer.status === 401 ? [h('p', {}, 'You are not signed in. ', h('a', { href: '../#/' }, 'Sign in'), ', then come back.')] : []),
    h('pre', { tabindex: '0', 'aria-label': 'Answer' }, text.length > SHOWN ? `${text.slice(0, SHOWN)}\n… (cut)` : text));
}

function copyButton(text) {
  const button = h('button', { type: 'button' }, 'Copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'The browser did not allow it';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
  return button;
}

/** The part of an operation's box in which it is tried: fields, the line of curl that does the same, the answer. */
export function request(doc, path, method, said) {
  const body = taken(said);
  const names = (said.parameters ?? []).map((p) => [p, h('input', { name: `${p.in}.${p.name}`, autocomplete: 'off', spellcheck: 'false', ...(p.required ? { required: '' } : {}) })]);
  const field = ([p, input]) => labelled(p.required ? `${p.name} *` : p.name, input, p.in === 'path' ? 'in the path' : '');
  const [must, may] = [names.filter(([p]) => p.required), names.filter(([p]) => !p.required)];
  const given = body && h('textarea', { name: 'body', rows: 8, spellcheck: 'false' });
  if (given) {
    const start = example(doc, body[1].schema ?? {});
    given.value = body[0].includes('form') ? String(new URLSearchParams(start ?? {})) : JSON.stringify(start, null, 2);
  }
  const curl = h('pre', { tabindex: '0', 'aria-label': 'The same with curl' });
  const output = h('div', { 'aria-live': 'polite' });
  const button = h('button', { type: 'submit' }, method === 'get' ? 'Try it' : `Send this ${method.toUpperCase()}`);
  const form = h('form', {}, ...must.map(field),
    ...(may.length ? [h('details', {}, h('summary', {}, `${may.length} that need not be given`), ...may.map(field))] : []),
    ...(given ? [labelled('Body', given, body[0])] : []), curl, h('p', { class: 'row' }, button, copyButton(() => curl.textContent)));
  const show = () => { curl.textContent = line(entered(form, path, method, said), !said.security); };
  form.addEventListener('input', show);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await send(entered(form, path, method, said), output);
    } catch {
      output.replaceChildren(h('p', { class: 'delete' }, 'The server cannot be reached.'));
    }
    button.disabled = false;
  });
  show();
  return [h('h3', {}, 'Try it'), form, output];
}

/** How a shell gets its token. */
export const signIn = () => `TOKEN=$(curl -s -d username=NAME -d password=PASSWORD ${quoted(new URL('api/v1/login', root).href)} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`;
