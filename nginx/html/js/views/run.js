// One run: its graph, its steps, and the step or artifact the reader points at. Follows the run while it runs.

import { api } from '../api.js';
import { h, keepFocus, put, to } from '../dom.js';
import { byName, duration, plural } from '../format.js';
import { artifactName, artifactParts } from '../parts/artifact.js';
import { graphBox } from '../parts/graph.js';
import { layersOf } from '../parts/layout.js';
import { remove } from '../parts/remove.js';
import { stepParts } from '../parts/step.js';
import { errorPanel, facts, header, isLive, jsonBlock, metadata, muted, name, section, status, table, tags, time } from '../ui.js';

export default async function runView(page) {
  const { id } = page.params;
  let run;
  let graph;
  let said = ''; // what the server answered last, to see whether anything is new
  let steps = new Map(); // by id, hydrated: they have the times
  const head = h('div', { class: 'run-head' });
  const list = h('div');
  const more = h('div');
  const panel = h('aside', { class: 'panel', 'aria-label': 'Details', hidden: true });
  const here = (query) => to(`/runs/${id}`, query);

  const target = (node) => (node.type === 'step' ? { step: node.data.execution_id } : { artifact: node.data.execution_id });
  const chosen = (node) => page.query.get(node.type) === node.data.execution_id;
  const box = graphBox({
    href: (node) => here(chosen(node) ? {} : target(node)),
    selected: chosen,
    note: (node) => (node.type === 'step' ? length(steps.get(node.data.execution_id)) : ''),
  });

  const load = async () => {
    [run, graph] = await Promise.all([api.get(`runs/${id}`, null, page.signal), api.get(`runs/${id}/graph`, null, page.signal)]);
    said = JSON.stringify([run, graph]);
  };

  /** Whether a run that had ended is not as it was: one small request. */
  const changed = async () => {
    const { body } = await api.get(`runs/${id}`, { hydrate: false }, page.signal);
    return body.status !== run.body.status || body.updated !== run.body.updated;
  };

  /** Times of the steps: a request of its own, after the page stands. */
  const loadSteps = async () => {
    const found = await api.get('steps', { pipeline_run_id: id, hydrate: true, size: 200, sort_by: 'asc:created' }, page.signal);
    steps = new Map(found.items.map((step) => [step.id, step]));
    draw();
  };

  function draw() {
    keepFocus(head, () => put(head, heading(run)));
    box.draw(graph);
    drawTable();
    put(more, details(run));
  }

  function drawTable() {
    keepFocus(list, () => put(list, stepTable(run, graph, steps, page.query.get('step'), here)));
  }

  await load();
  page.title(run.name);
  draw();
  page.show(head, h('div', { class: 'split' },
    h('div', null, h('section', { class: 'block', 'aria-label': 'Graph' }, box.box), list, more), panel));
  box.draw(graph);

  const detail = panelFor(page, panel, here);
  page.onquery = () => {
    box.mark();
    drawTable();
    detail.show();
  };
  if (page.query.get('step') || page.query.get('artifact')) detail.show();
  loadSteps().catch(() => {});

  page.every(isLive(run.body.status) ? 3000 : 15000, async () => {
    if (!isLive(run.body.status) && !(await changed())) return 15000;
    const before = said;
    await load();
    if (before !== said) await loadSteps();
    else keepFocus(head, () => put(head, heading(run))); // the duration goes on
    await detail.follow();
    return isLive(run.body.status) ? 3000 : 15000;
  });
}

const length = (step) => (step?.metadata?.start_time ? duration(step.metadata.start_time, step.metadata.end_time) : '');

function heading(run) {
  const { body, metadata: more, resources } = run;
  const model = resources?.model_version;
  return [
    header(name(run.name), {
      above: body.pipeline ? h('a', { href: to(`/pipelines/${body.pipeline.id}`) }, body.pipeline.name) : h('a', { href: to('/runs') }, 'Runs'),
      below: status(body.status),
      actions: remove({ what: 'run', name: run.name, path: `runs/${run.id}`, then: '/runs', text: 'Its steps, logs and links to models go with it. Artifacts stay.' }),
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
    ]),
  ];
}

/** Steps as the graph has them from the top; of one layer by name. */
function inOrder(steps, graph) {
  const layers = layersOf(graph.nodes, graph.edges);
  const layer = (step) => layers.get(`step_${step.id}`) ?? Infinity; // begun after the graph was answered
  return steps.sort((a, b) => layer(a) - layer(b) || byName(a.name, b.name));
}

function stepTable(run, graph, times, selected, here) {
  const steps = inOrder(Object.values(run.metadata.steps).map((step) => times.get(step.id) ?? step), graph);
  if (!steps.length) return section('Steps', muted('No step has started yet.'));
  return section(plural(steps.length, 'step'), table('Steps', [
    { label: 'Step', cell: (x) => h('a', { href: here({ step: x.id }), 'aria-current': x.id === selected ? 'true' : null }, x.name) },
    { label: 'Status', cell: (x) => status(x.body.status) },
    { label: 'Started', hide: 'phone', cell: (x) => time(x.metadata?.start_time ?? x.body.created) },
    { label: 'Duration', num: true, cell: length },
    { label: 'Outputs', hide: 'narrow', cell: (x) => Object.entries(x.body.outputs).map(([name, version], i) =>
      [i > 0 && ', ', h('a', { href: here({ artifact: version.id }) }, name)]) },
  ], steps));
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
        if (matchMedia('(max-width: 70rem)').matches) panel.scrollIntoView({ block: 'start' });
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
