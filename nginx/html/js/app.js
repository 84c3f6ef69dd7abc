// The shell: navigation, the gate for those who are not signed in, and which address shows which view.

import { ApiError, onSessionOver } from './api.js';
import { h, put } from './dom.js';
import { here, start } from './router.js';
import { forgetWho, who } from './parts/who.js';
import { session, store } from './session.js';
import { errorPanel, missingPanel, toast } from './ui.js';

const view = (name) => () => import(`./views/${name}.js`);

const routes = [
  { path: '/', load: view('overview') },
  { path: '/pipelines', load: view('pipelines') },
  { path: '/pipelines/:id', load: view('pipeline') },
  { path: '/pipelines/:pipeline/runs/:id', load: view('run') },
  { path: '/runs', load: view('runs') },
  { path: '/runs/:id', load: view('run') },
  { path: '/runs/:id/:tab', load: view('run') },
  { path: '/compare', load: view('compare') },
  { path: '/models', load: view('models') },
  { path: '/models/:id', load: view('model') },
  { path: '/model-versions/:id', load: view('model_version') },
  { path: '/artifacts', load: view('artifacts') },
  { path: '/artifacts/:id', load: view('artifact') },
  { path: '/artifact-versions/:id', load: view('artifact_version') },
  { path: '/stacks', load: view('stacks') },
  { path: '/stacks/:id', load: view('stack') },
  { path: '/stacks/:id/:tab', load: view('stack') },
  { path: '/components', load: view('components') },
  { path: '/components/:id', load: view('component') },
  { path: '/components/:type/:id/:tab', load: view('component') },
  { path: '/flavors', load: view('flavors') },
  { path: '/flavors/:id', load: view('flavor') },
  { path: '/code-repositories', load: view('code_repositories') },
  { path: '/code-repositories/:id', load: view('code_repository') },
  { path: '/schedules', load: view('schedules') },
  { path: '/templates', load: view('templates') },
  { path: '/templates/:id', load: view('template') },
  { path: '/event-sources', load: view('event_sources') },
  { path: '/event-sources/:id', load: view('event_source') },
  { path: '/triggers', load: view('triggers') },
  { path: '/triggers/:id', load: view('trigger') },
  { path: '/actions', load: view('actions') },
  { path: '/actions/:id', load: view('action') },
  { path: '/tags', load: view('tags') },
  { path: '/builds', load: view('builds') },
  { path: '/builds/:id', load: view('build') },
  { path: '/deployments', load: view('deployments') },
  { path: '/deployments/:id', load: view('deployment') },
  { path: '/connectors', load: view('connectors') },
  { path: '/connectors/:id', load: view('connector') },
  { path: '/secrets', load: view('secrets') },
  { path: '/secrets/:id', load: view('secret') },
  { path: '/members', load: view('members') },
  { path: '/service-accounts', load: view('service_accounts') },
  { path: '/service-accounts/:id', load: view('service_account') },
  { path: '/devices', load: view('devices') },
  { path: '/devices/verify', load: view('device_verify') },
  { path: '/audit', load: view('audit') },
  { path: '/settings', load: view('settings') },
  { path: '/account', load: view('account') },
  { path: '/activate-server', load: view('activate_server') },
  { path: '/activate-user', load: view('activate_user') },
  { path: '/login', load: view('overview') },
];

const NAV = [
  ['Work', [['/', 'Overview'], ['/pipelines', 'Pipelines'], ['/runs', 'Runs'], ['/models', 'Models'],
    ['/artifacts', 'Artifacts'], ['/tags', 'Tags']]],
  ['Automation', [['/templates', 'Templates'], ['/schedules', 'Schedules'], ['/triggers', 'Triggers'], ['/actions', 'Actions'], ['/event-sources', 'Event sources']]],
  ['Infrastructure', [['/stacks', 'Stacks'], ['/components', 'Components'], ['/flavors', 'Flavors'],
    ['/connectors', 'Connectors'], ['/code-repositories', 'Code repositories'], ['/builds', 'Builds'], ['/deployments', 'Deployments'], ['/secrets', 'Secrets']]],
  ['Access', [['/members', 'Members'], ['/service-accounts', 'Service accounts'], ['/devices', 'Devices'],
    ['/audit', 'Audit log', 'administrators']]],
  ['Server', [['/settings', 'Settings'], ['/account', 'Your account']]],
];
const BELONGS = { 'model-versions': 'models', 'artifact-versions': 'artifacts', compare: 'runs' };
// What an address names, and where all of them are.
const KINDS = {
  runs: ['run', '/runs', 'Runs'],
  compare: ['run', '/runs', 'Runs'],
  pipelines: ['pipeline', '/pipelines', 'Pipelines'],
  models: ['model', '/models', 'Models'],
  'model-versions': ['version of a model', '/models', 'Models'],
  artifacts: ['artifact', '/artifacts', 'Artifacts'],
  'artifact-versions': ['version of an artifact', '/artifacts', 'Artifacts'],
  stacks: ['stack', '/stacks', 'Stacks'],
  components: ['component', '/components', 'Components'],
  connectors: ['connector', '/connectors', 'Connectors'],
  secrets: ['secret', '/secrets', 'Secrets'],
  templates: ['template', '/templates', 'Templates'],
  'event-sources': ['event source', '/event-sources', 'Event sources'],
  triggers: ['trigger', '/triggers', 'Triggers'],
  actions: ['action', '/actions', 'Actions'],
  flavors: ['flavor', '/flavors', 'Flavors'],
  'code-repositories': ['code repository', '/code-repositories', 'Code repositories'],
  builds: ['build', '/builds', 'Builds'],
  deployments: ['deployment', '/deployments', 'Deployments'],
  'service-accounts': ['service account', '/service-accounts', 'Service accounts'],
};
const PUBLIC = ['/activate-server', '/activate-user'];

const main = document.getElementById('main');
const bar = document.getElementById('bar');
const nav = document.getElementById('nav');
const menu = document.getElementById('menu');
const identity = h('div', { class: 'who' }); // kept while the navigation is drawn anew
let redraw = () => {};
let administrator = false; // whether the reader is known to be one

/** The view to show instead of the one asked for: activation of a fresh server, or the sign-in form. */
async function before(path) {
  if (PUBLIC.includes(path) || session.likely()) return null;
  const info = await session.server();
  if (!info.active) return (await import('./views/activate_server.js')).default;
  if (!(await session.open())) return gate();
  session.door = 'open';
  drawNav(path);
  return null;
}

async function gate(notice) {
  administrator = false;
  bar.hidden = true;
  forgetWho(identity);
  const { signIn } = await import('./views/sign_in.js');
  return (page) => signIn(page, () => redraw(), notice);
}

let entering = null; // the dialog that asks to sign in again, while it does

/** Lays the sign-in over the page when a session is over; whatever was asked for then goes on. */
onSessionOver(() => {
  if (!session.likely()) return false;
  entering ??= enterAgain().finally(() => { entering = null; });
  return entering;
});

async function enterAgain() {
  const info = await session.server().catch(() => null);
  if (info && !info.active) return false;
  const { signIn } = await import('./views/sign_in.js');
  const entered = await new Promise((resolve) => {
    let done = false;
    const dialog = h('dialog', { class: 'entry', 'aria-label': 'Sign in', onclose: () => { dialog.remove(); resolve(done); } });
    document.body.append(dialog);
    signIn({ title() {}, show: (...nodes) => { put(dialog, nodes); if (!dialog.open) dialog.showModal(); } },
      () => { done = true; dialog.close(); }, 'Your session has ended. Sign in again to go on.');
  });
  forgetWho(identity); // it may be somebody else
  if (entered) {
    drawWho();
  } else {
    session.forget();
    redraw();
  }
  return entered;
}

async function failed(error, page, again) {
  if (error instanceof ApiError && error.status === 401) {
    session.forget();
    const info = await session.server().catch(() => null);
    if (info && !info.active) { again(); return; }
    const form = await gate();
    form(page);
    return;
  }
  const kind = KINDS[page.path.split('/')[1]];
  if (kind && (error.status === 404 || error.status === 422)) {
    page.title('Not found');
    page.show(missingPanel(...kind));
    return;
  }
  page.title('Something went wrong');
  page.show(errorPanel(error, again));
}

function drawNav(path) {
  bar.hidden = PUBLIC.includes(path) || !(session.likely() || session.door === 'open');
  const top = path.split('/')[1] ?? '';
  const section = '/' + (BELONGS[top] ?? top);
  put(nav, NAV.map(([label, links]) => h('div', { class: 'group' },
    h('h2', null, label),
    h('ul', null, links.map(([href, text, whom]) => h('li', { 'data-whom': whom, hidden: whom && !administrator },
      h('a', { href: '#' + href, 'aria-current': href === section ? 'page' : null }, text)))))),
  h('div', { class: 'foot' }, identity, themePicker(),
    session.door !== 'open' && h('button', { type: 'button', class: 'plain', onclick: signOut }, 'Sign out')));
}

/** Who and where, once somebody is signed in and the page stands, which does without. */
function drawWho() {
  if (!bar.hidden) who(identity, () => redraw()).then(showAdministration).catch(reportError);
}

/** What only administrators can open, others do not see. */
async function showAdministration() {
  administrator = (await session.me()).body.is_admin;
  for (const item of nav.querySelectorAll('[data-whom=administrators]')) item.hidden = !administrator;
}

async function signOut() {
  try {
    await session.signOut();
    forgetWho(identity);
    location.hash = '#/';
    redraw();
  } catch (error) {
    toast(error.message, 'bad');
  }
}

function themePicker() {
  const now = document.documentElement.dataset.theme ?? 'auto';
  const pick = (event) => {
    const theme = event.target.value;
    store.set('kanso.theme', theme === 'auto' ? null : theme);
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  return h('label', { class: 'theme' }, h('span', null, 'Theme'),
    h('select', { onchange: pick }, [['auto', 'As the system'], ['light', 'Light'], ['dark', 'Dark']]
      .map(([value, text]) => h('option', { value, selected: value === now }, text))));
}

function closeMenu() {
  bar.classList.remove('open');
  menu.setAttribute('aria-expanded', 'false');
}

menu.addEventListener('click', () => {
  const open = bar.classList.toggle('open');
  menu.setAttribute('aria-expanded', String(open));
});
const search = () => import('./parts/search.js').then((m) => m.search());
document.getElementById('search').addEventListener('click', search);
addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, select, textarea, [contenteditable]');
  const wanted = (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey)
    || (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey));
  if (!wanted || bar.hidden || document.querySelector('dialog[open]')) return;
  event.preventDefault();
  search();
});
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && bar.classList.contains('open')) {
    closeMenu();
    menu.focus();
  }
});
// The skip link must not change the address, which is what decides the view.
document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

redraw = start({
  main,
  routes,
  before,
  failed,
  after: () => {
    closeMenu();
    drawNav(here().path);
  },
  drawn: drawWho,
});
