// Many steps that are one step many times, side by side, become one node of a run's graph. Pure: the graph of the server
// comes in, another graph goes out.

import { layersOf } from './layout.js';

const MANY = 12; // more than so many alike of one layer become one
const WORST = ['failed', 'running', 'initializing', 'completed', 'cached'];

/** '118 completed, 2 failed', the worst first. */
export function tally(statuses) {
  const counts = new Map();
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => place(a) - place(b)).map(([status, n]) => `${n} ${status}`).join(', ');
}

const place = (status) => (WORST.indexOf(status) + WORST.length + 1) % (WORST.length + 1);

/**
 * The graph with groups in place of what they stand for: nodes of type 'group' for steps, of type 'artifact' for what such
 * steps write. opened: the ids of groups that are shown as their members.
 */
export function collapse({ nodes, edges }, opened) {
  const layers = layersOf(nodes, edges);
  const alike = new Map();
  for (const node of nodes) {
    if (node.type !== 'step') continue;
    const key = `group_${layers.get(node.id)}_${node.data.entrypoint_name ?? node.data.name}`;
    if (!alike.has(key)) alike.set(key, []);
    alike.get(key).push(node);
  }
  const into = new Map(); // id of a node -> id of what stands for it
  const made = new Map();
  for (const [id, members] of alike) {
    if (members.length <= MANY || opened.has(id)) continue;
    for (const member of members) into.set(member.id, id);
    made.set(id, group(id, members));
  }
  if (!made.size) return { nodes, edges };
  for (const node of nodes) {
    const from = node.type === 'artifact' && into.get(node.data.parent_step_id);
    if (!from) continue;
    const id = `${from}_outputs`;
    into.set(node.id, id);
    if (!made.has(id)) made.set(id, { id, type: 'artifact', many: 0, data: { ...node.data, execution_id: null } });
    made.get(id).many += 1;
  }
  for (const node of made.values()) if (node.many) node.data.name = `outputs × ${node.many}`;
  const pairs = new Map();
  for (const edge of edges) {
    const source = into.get(edge.source) ?? edge.source;
    const target = into.get(edge.target) ?? edge.target;
    if (source !== target) pairs.set(`${source} ${target}`, { source, target });
  }
  return { nodes: [...nodes.filter((n) => !into.has(n.id)), ...made.values()], edges: [...pairs.values()] };
}

function group(id, members) {
  const statuses = members.map((m) => m.data.status);
  const status = WORST.find((s) => statuses.includes(s)) ?? statuses[0];
  const name = members[0].data.entrypoint_name ?? members[0].data.name;
  return { id, type: 'group', members, data: { name: `${name} × ${members.length}`, status, detail: tally(statuses) } };
}
