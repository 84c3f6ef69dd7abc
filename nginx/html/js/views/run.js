// One run: its graph, its steps, and the step or artifact the reader points at. Follows the run while it runs.
//
// What is asked for depends on how many steps there are. Up to SMALL everything comes at once. A larger run is drawn from
// a lean answer and one page of its steps; its graph and its configuration, both megabytes, come when asked for.

import { api } from '../api.js';
import { h, keepFocus, put, to } from '../dom.js';
import { duration, plural } from '../format.js';
import { artifactName, artifactParts } from '../parts/artifact.js';
import { edit, tagsField } from '../parts/edit.js';
import { graphBox } from '../parts/graph.js';
import { metadata } from '../parts/metadata.js';
import { remove } from '../parts/remove.js';
import { stepParts } from '../parts/step.js';
import { PAGE, length, stepTable, stepsHere, stepsThere } from '../parts/steps.js';
import { whyBox } from '../parts/why.js';
import { workloadLog } from '../parts/workload_log.js';
import { copyable, errorPanel, facts, header, isLive, jsonBlock, name, section, status, tags, time, toast } from '../ui.js';

const SMALL = 200; // steps, also the size of the one request that brings them

export default async function runView(page) {
  const { id } = page.params;
  const get = (path, query) => api.get(path, query, page.signal);
  const lean = () => get(`runs/${id}`, { hydrate: false });
  const stepsOf = (size) => get('steps', { pipeline_run_id: id, hydrate: true, size, sort_by: 'asc:created' });

  let run;
  let graph = null;
  let steps = new Map(); // by id, hydrated: they have the times
  let said = ''; // what the server answered last, to see whether anything is new
  let told = ''; // the same of what stands under the table
  const head = h('div', { class: 'run-head' });
  const more = h('div');
  const panel = h('aside', { class: 'panel', 'aria-label': 'Details', hidden: true });
  const here = (query) => page.link({ step: null, artifact: null, ...query });

  const target = (node) => (node.type === 'step' ? { step: node.data.execution_id } : { artifact: node.data.execution_id });
  const chosen = (node) => node.data.execution_id && page.query.get(node.type) === node.data.execution_id;
  const box = graphBox({
    href: (node) => here(chosen(node) ? {} : target(node)),
    selected: chosen,
    note: (node) => (node.type === 'step' ? length(steps.get(node.data.execution_id)) : ''),
  });
  const list = stepTable(page, here);
  const why = whyBox(here, page.signal);
  const start = workloadLog(page.signal);

  const drawHead = () => keepFocus(head, () => put(head, heading(run, loadHead)));
  const say = (error) => { if (error.name !== 'AbortError') toast(error.message, 'bad'); };

  /** The run itself again, whole: its tags are in no lean answer. */
  async function loadHead() {
    run = await get(`runs/${id}`);
    drawHead();
  }

  /** Everything of a small run. */
  async function loadAll(first = null) {
    let found;
    [run, graph, found] = await Promise.all([get(`runs/${id}`), get(`runs/${id}/graph`), first ?? stepsOf(SMALL)]);
    steps = new Map(found.items.map((step) => [step.id, step]));
    drawHead();
    box.draw(graph);
    const news = JSON.stringify({ ...run.metadata, steps: null });
    if (news !== told) put(more, details(run)); // else what the reader has unfolded stays so
    told = news;
    await list.draw(stepsHere(steps.values(), graph, run));
  }

  /** A large run again, as far as it is shown. */
  async function loadSome() {
    drawHead();
    await list.draw(stepsThere(run, page.signal));
  }

  async function loadGraph() {
    graph = await get(`runs/${id}/graph`);
    box.draw(graph);
  }

  let found;
  [run, found] = await Promise.all([lean(), stepsOf(PAGE)]);
  const large = found.total > SMALL;
  page.title(run.name);
  if (large) {
    box.offer(`The graph of ${plural(found.total, 'step')} takes a while.`, loadGraph);
    put(more, unfold(async () => details(await get(`runs/${id}`))));
    await loadSome();
  } else {
    const first = run;
    await loadAll(found.total <= found.items.length ? found : null);
    said = JSON.stringify([first, graph]);
  }
  page.show(head, why.box, start.box, h('div', { class: 'split' },
    h('div', null, h('section', { class: 'block', 'aria-label': 'Graph' }, box.box), list.box, more), panel));
  if (graph) box.draw(graph);

  why.draw(run).catch(say);
  start.draw(run).catch(say);
  const detail = panelFor(page, panel, here);
  page.onquery = () => {
    detail.show(); // first: its request is what the reader waits for
    box.mark();
    list.draw().catch(say);
  };
  if (page.query.get('step') || page.query.get('artifact')) detail.show();

  page.every(pace(run), async () => {
    const was = run.body;
    const now = await lean();
    if (!isLive(was.status) && now.body.status === was.status && now.body.updated === was.updated) return pace(run);
    if (large) {
      run = { ...now, metadata: run.metadata };
      await loadSome();
    } else {
      const drawn = await get(`runs/${id}/graph`);
      const news = JSON.stringify([now, drawn]);
      if (news === said) drawHead(); // the duration goes on
      else await loadAll();
      said = news;
    }
    await Promise.all([detail.follow(), why.draw(run), start.draw(run)]);
    return pace(run);
  });
}

const pace = (run) => (isLive(run.body.status) ? 3000 : 15000);

/** What is dear, fetched when it is unfolded. */
function unfold(fetch) {
  const place = h('div');
  const node = h('details', {
    class: 'fold',
    ontoggle: async () => {
      if (!node.open || place.firstChild) return;
      put(place, h('p', { class: 'hint', role: 'status' }, 'Loading…'));
      try { put(place, await fetch()); } catch (error) { if (error.name !== 'AbortError') put(place, errorPanel(error)); }
    },
  }, h('summary', null, 'Metadata and configuration'), place);
  return node;
}

/** What stands over a run's graph; changed() is called when the reader has edited it. */
function heading(run, changed) {
  const { body, resources } = run;
  const more = run.metadata ?? {}; // of a lean answer there is none
  const model = resources?.model_version;
  return [
    header(name(run.name), {
      above: body.pipeline ? h('a', { href: to(`/pipelines/${body.pipeline.id}`) }, body.pipeline.name) : h('a', { href: to('/runs') }, 'Runs'),
      below: status(body.status),
      actions: [resources && edit({ what: 'run', name: run.name, path: `runs/${run.id}`, done: changed, fields: [tagsField(resources.tags)] }),
      remove({ what: 'run', name: run.name, path: `runs/${run.id}`, then: '/runs', text: 'Its steps, logs and links to models go with it. Artifacts stay.' })],
    }),
    facts([
      ['Started', time(more.start_time ?? body.created)],
      ['Duration', duration(more.start_time ?? body.created, isLive(body.status) ? null : more.end_time ?? body.updated)],
      ['Stack', body.stack ? h('a', { href: to(`/stacks/${body.stack.id}`) }, body.stack.name) : null],
      ['Model', model && h('a', { href: to(`/model-versions/${model.id}`) }, `${model.body.model.name} ${model.name ?? model.body.number}`)],
      ['By', body.user?.name],
      ['Schedule', body.schedule?.name],
      ['Code', body.code_reference && h('code', null, body.code_reference.body.commit.slice(0, 12))],
      ['Tags', tags(resources?.tags)],
      ['Id', copyable(run.id, 'Id')],
    ]),
  ];
}

function details(run) {
  const { metadata: more } = run;
  return [
    metadata(more.run_metadata) && section('Metadata', metadata(more.run_metadata)),
    section('Configuration',
      jsonBlock('Pipeline', more.config),
      jsonBlock('Client', more.client_environment),
      jsonBlock('Orchestrator', more.orchestrator_environment)),
  ];
}

const closer = (here) => h('a', { class: 'close', href: here({}), 'aria-label': 'Close details' }, '×');

/** The panel beside the graph; show() follows the address, follow() adds what is new to a running step. */
function panelFor(page, panel, here) {
  let shown = null;
  let current = null;
  let leave = new AbortController();
  page.signal.addEventListener('abort', () => leave.abort());

  async function draw(kind, id, signal) {
    const close = closer(here);
    if (kind === 'step') {
      const step = await api.get(`steps/${id}`, null, signal);
      const parts = stepParts(step, here, signal);
      put(panel, close, h('h2', { tabindex: '-1' }, step.name), parts.nodes);
      return { step, ...parts };
    }
    const version = await api.get(`artifact_versions/${id}`, null, signal);
    put(panel, close, h('h2', { tabindex: '-1' }, artifactName(version)), artifactParts(version, signal),
      h('p', { class: 'more' }, h('a', { href: to(`/artifact-versions/${id}`) }, 'Open as a page')));
    return {};
  }

  /** Where the focus goes when the details are closed: to what leads to them, in the graph or in the list. */
  const leadsTo = (id) => [...document.querySelectorAll('.node, tbody a')].find((a) => a.getAttribute('href')?.includes(id)
    || a.dataset.node?.endsWith(id));

  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || panel.hidden || event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (event.target instanceof HTMLInputElement && event.target.value) return; // it clears the field first
    page.go({ step: null, artifact: null });
  }, { signal: page.signal });

  return {
    async show() {
      const kind = page.query.get('step') ? 'step' : 'artifact';
      const id = page.query.get(kind);
      if (id === shown) return;
      leave.abort();
      leave = new AbortController();
      const { signal } = leave;
      const before = shown;
      shown = id;
      current = null;
      const inside = panel.contains(document.activeElement) || document.activeElement === document.body;
      panel.hidden = !id;
      if (!id) {
        if (inside) leadsTo(before)?.focus();
        return;
      }
      put(panel, h('p', { class: 'hint', role: 'status' }, 'Loading…'));
      try {
        current = await draw(kind, id, signal);
        panel.querySelector('h2').focus({ preventScroll: true });
        if (matchMedia('(max-width: 70rem) and (min-width: 48rem)').matches) panel.scrollIntoView({ block: 'start' });
      } catch (error) {
        if (error.name !== 'AbortError') put(panel, closer(here), errorPanel(error));
      }
    },
    async follow() {
      if (!current?.step || !isLive(current.step.body.status)) return;
      const { signal } = leave;
      current.step = await api.get(`steps/${current.step.id}`, null, signal);
      current.update(current.step);
    },
  };
}
