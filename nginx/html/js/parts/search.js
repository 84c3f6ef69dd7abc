// Search over everything, by name or by id: a dialog with a field and what is found under it.

import { api } from '../api.js';
import { h, put, to } from '../dom.js';
import { muted, name, openDialog, status, time } from '../ui.js';

const EACH = 5; // found things of a kind that are shown
const PAUSE = 200; // milliseconds without a key before the server is asked
const ID = /^[0-9a-f]{4,8}(-[0-9a-f-]*)?$|^[0-9a-f]{9,32}$/i; // the start of one

const place = (path) => (x) => to(`/${path}/${x.id}`);
const own = (x) => x.name;

// path: its place in the API; called, href: name and address of one; more: what stands beside; byId: it is found by its id alone.
const KINDS = [
  { path: 'pipelines', title: 'Pipelines', href: place('pipelines'), called: own },
  { path: 'runs', title: 'Runs', href: place('runs'), called: own, more: (x) => status(x.body.status) },
  { path: 'models', title: 'Models', href: place('models'), called: own },
  { path: 'model_versions', title: 'Model versions', href: place('model-versions'), called: (x) => `${x.body.model.name} ${x.name ?? x.body.number}` },
  { path: 'artifacts', title: 'Artifacts', href: place('artifacts'), called: own },
  { path: 'artifact_versions', title: 'Artifact versions', byId: true, href: place('artifact-versions'), called: (x) => `${x.body.artifact.name} ${x.body.version}` },
  { path: 'steps', title: 'Steps', byId: true, query: { hydrate: true }, href: (x) => to(`/runs/${x.metadata.pipeline_run_id}`, { step: x.id }), called: own, more: (x) => status(x.body.status) },
  { path: 'stacks', title: 'Stacks', href: place('stacks'), called: own },
  { path: 'components', title: 'Components', href: place('components'), called: own, more: (x) => muted(x.body.type) },
  { path: 'service_connectors', title: 'Connectors', query: { expand_secrets: false }, href: place('connectors'), called: own, more: (x) => muted(x.body.connector_type.connector_type ?? x.body.connector_type) },
  { path: 'secrets', title: 'Secrets', href: place('secrets'), called: own },
  { path: 'service_accounts', title: 'Service accounts', href: place('service-accounts'), called: own },
  { path: 'run_templates', title: 'Templates', href: place('templates'), called: own },
  { path: 'triggers', title: 'Triggers', href: place('triggers'), called: own },
  { path: 'actions', title: 'Actions', href: place('actions'), called: own },
  { path: 'event-sources', title: 'Event sources', href: place('event-sources'), called: own },
  { path: 'schedules', title: 'Schedules', href: (x) => to('/schedules', { name: x.name }), called: own },
  { path: 'code_repositories', title: 'Code repositories', href: place('code-repositories'), called: own },
  { path: 'flavors', title: 'Flavors', href: place('flavors'), called: own, more: (x) => muted(x.body.type) },
  { path: 'tags', title: 'Tags', href: (x) => to('/tags', { name: x.name }), called: own },
  { path: 'pipeline_builds', title: 'Builds', byId: true, href: place('builds'), called: (x) => x.id },
  { path: 'pipeline_deployments', title: 'Deployments', byId: true, href: place('deployments'), called: (x) => x.id },
  { path: 'users', title: 'Members', href: (x) => to('/members', { name: x.name }), called: own },
];

/** What is found of a kind; what the reader may not see is not found. */
async function find(kind, text, signal) {
  const id = ID.test(text) ? { id: `startswith:${text.toLowerCase().replaceAll('-', '')}` } : {};
  if (kind.byId && !id.id) return { kind, items: [], total: 0 };
  const named = kind.byId ? {} : { name: `contains:${text}` };
  try {
    const found = await api.get(kind.path, { ...named, ...id, ...kind.query, logical_operator: 'or', size: EACH, sort_by: 'desc:updated' }, signal);
    return { kind, ...found };
  } catch (error) {
    if (error.status !== 403) throw error;
    return { kind, items: [], total: 0 };
  }
}

const group = ({ kind, items, total }) => items.length > 0 && h('section', null,
  h('h3', null, kind.title, total > items.length && muted(` ${items.length} of ${total}`)),
  h('ul', null, items.map((x) => h('li', null, h('a', { href: kind.href(x) }, name(kind.called(x))), ' ', kind.more?.(x), ' ', time(x.body.created)))));

let dialog = null;

/** Opens the search, or does nothing when it is open. */
export function search() {
  if (dialog) return;
  let asked = null;
  let timer = 0;
  const found = h('div', { class: 'found' });
  const told = h('p', { class: 'hint', role: 'status' }, 'By name, or by the start of an id.');
  const input = h('input', { type: 'text', role: 'searchbox', 'aria-label': 'Search everything', placeholder: 'Search everything', autocomplete: 'off', spellcheck: 'false', maxlength: 255 });
  const links = () => [...found.querySelectorAll('a')];

  async function look() {
    asked?.abort();
    const text = input.value.trim();
    if (text.length < 2) {
      put(found);
      told.textContent = 'By name, or by the start of an id.';
      return;
    }
    asked = new AbortController();
    told.textContent = 'Searching…';
    try {
      const all = await Promise.all(KINDS.map((kind) => find(kind, text, asked.signal)));
      const total = all.reduce((sum, x) => sum + x.total, 0);
      put(found, all.map(group));
      told.textContent = total ? `${total} found` : 'Nothing is called so.';
    } catch (error) {
      if (error.name !== 'AbortError') told.textContent = error.message;
    }
  }

  /** Arrow keys go through what is found; Enter in the field opens the first. */
  function walk(event) {
    const all = links();
    const at = all.indexOf(document.activeElement);
    if (event.key === 'Enter' && event.target === input) all[0]?.click();
    else if (event.key === 'ArrowDown') (all[at + 1] ?? all[at])?.focus();
    else if (event.key === 'ArrowUp') (at > 0 ? all[at - 1] : input).focus();
    else return;
    event.preventDefault();
  }

  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  dialog = h('dialog', { class: 'search', 'aria-label': 'Search', onkeydown: walk,
    // (To a place that one is at already, the address does not change.)
    onclick: (event) => { if (event.target.closest('a')) dialog.close(); } }, input, told, found);
  openDialog(dialog, () => {
    clearTimeout(timer);
    asked?.abort();
    dialog = null;
  });
  input.focus();
}
