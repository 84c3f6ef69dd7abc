// A small layered layout for directed graphs, top to bottom: layers by longest path, order by barycentres, x by
// least squares. Pure arithmetic: it knows nothing of the document.

const GAP_X = 24;
const GAP_Y = 38;
const BEND = 14; // the width kept free where a long edge passes a layer
const WIDEST = 2600; // a layer that would be wider stands in several rows

/**
 * nodes: [{id, width, height}], edges: [{source, target}]; neither is written to.
 * Returns {width, height, nodes: Map id -> {x, y} (top left), edges: [{source, target, points}]}.
 * Edges to unknown nodes are left out; a cycle does not hang it.
 */
export function layout(nodes, edges) {
  const cells = new Map(nodes.map((n) => [n.id, { ...n, x: 0, layer: 0, up: [], down: [] }]));
  const lines = edges.filter((e) => cells.has(e.source) && cells.has(e.target) && e.source !== e.target)
    .map(({ source, target }) => ({ source, target, bends: [] }));
  const layers = order(route(cells, lines, rank(cells, lines)));
  const rows = layers.flatMap(wrap);
  place(rows);
  return measure(rows, lines, cells);
}

/** The layer of each node, from the top: Map id -> number. Takes what layout() takes. */
export function layersOf(nodes, edges) {
  const cells = new Map(nodes.map(({ id }) => [id, { layer: 0 }]));
  rank(cells, edges.filter((e) => cells.has(e.source) && cells.has(e.target) && e.source !== e.target));
  return new Map([...cells].map(([id, { layer }]) => [id, layer]));
}

/** Gives each cell its layer; returns how many there are. */
function rank(cells, lines) {
  const waiting = new Map([...cells.keys()].map((id) => [id, 0]));
  const next = new Map([...cells.keys()].map((id) => [id, []]));
  for (const { source, target } of lines) {
    waiting.set(target, waiting.get(target) + 1);
    next.get(source).push(target);
  }
  const ready = [...cells.keys()].filter((id) => waiting.get(id) === 0);
  const sequence = [];
  while (ready.length) {
    const id = ready.shift();
    sequence.push(id);
    for (const child of next.get(id)) {
      cells.get(child).layer = Math.max(cells.get(child).layer, cells.get(id).layer + 1);
      waiting.set(child, waiting.get(child) - 1);
      if (waiting.get(child) === 0) ready.push(child);
    }
  }
  // What nothing leads to stands just above what needs it.
  const fed = new Set(lines.map((e) => e.target));
  for (const id of sequence) {
    const below = next.get(id).map((child) => cells.get(child).layer);
    if (!fed.has(id) && below.length) cells.get(id).layer = Math.min(...below) - 1;
  }
  return Math.max(0, ...[...cells.values()].map((c) => c.layer)) + 1;
}

/** Cuts edges that pass a layer into pieces joined by bends; returns the layers. */
function route(cells, lines, count) {
  const layers = Array.from({ length: count }, () => []);
  for (const cell of cells.values()) layers[cell.layer].push(cell);
  const join = (a, b) => { a.down.push(b); b.up.push(a); };
  for (const line of lines) {
    const from = cells.get(line.source);
    const end = cells.get(line.target);
    let last = from;
    for (let layer = from.layer + 1; layer < end.layer; layer += 1) {
      const bend = { bend: true, width: BEND, height: 0, x: 0, layer, up: [], down: [] };
      layers[layer].push(bend);
      line.bends.push(bend);
      join(last, bend);
      last = bend;
    }
    if (end.layer > from.layer) join(last, end);
  }
  return layers;
}

/** Sorts each layer so that few edges cross. */
function order(layers) {
  const number = (layer) => layer.forEach((cell, i) => { cell.at = i; });
  const mean = (cell, side) => (cell[side].length
    ? cell[side].reduce((sum, other) => sum + other.at, 0) / cell[side].length : cell.at);
  const sweep = (list, side) => {
    for (const layer of list) {
      for (const cell of layer) cell.wish = mean(cell, side);
      layer.sort((a, b) => a.wish - b.wish || a.at - b.at);
      number(layer);
    }
  };
  layers.forEach(number);
  let best = null;
  let least = Infinity;
  for (let round = 0; round < 6 && least > 0; round += 1) {
    sweep(layers.slice(1), 'up');
    sweep(layers.slice(0, -1).reverse(), 'down');
    const now = crossings(layers);
    if (now < least) {
      least = now;
      best = layers.map((layer) => [...layer]);
    }
  }
  best ??= layers;
  best.forEach(number);
  return best;
}

function crossings(layers) {
  let count = 0;
  for (const layer of layers) {
    const ends = layer.flatMap((cell) => cell.down.map((other) => [cell.at, other.at]));
    if (ends.length > 400) return 0; // too many to count: one round will do
    for (let i = 0; i < ends.length; i += 1) {
      for (let j = i + 1; j < ends.length; j += 1) {
        if ((ends[i][0] - ends[j][0]) * (ends[i][1] - ends[j][1]) < 0) count += 1;
      }
    }
  }
  return count;
}

/** A layer as rows of about the same width, none wider than WIDEST. */
function wrap(layer) {
  const width = layer.reduce((sum, cell) => sum + cell.width + GAP_X, 0);
  const each = Math.ceil(layer.length / Math.ceil(width / WIDEST));
  return each >= layer.length ? [layer]
    : Array.from({ length: Math.ceil(layer.length / each) }, (_, i) => layer.slice(i * each, (i + 1) * each));
}

/** Gives each cell the x of its middle: near its neighbours', no two cells overlapping. */
function place(layers) {
  for (const layer of layers) {
    let x = 0;
    for (const cell of layer) {
      cell.x = x + cell.width / 2;
      x += cell.width + GAP_X;
    }
    for (const cell of layer) cell.x -= (x - GAP_X) / 2;
  }
  const rounds = layers.flat().length > 400 ? 8 : 40;
  for (let round = 0; round < rounds; round += 1) {
    const both = round > rounds / 2;
    const around = (cell) => (both ? [...cell.up, ...cell.down] : round % 2 ? cell.down : cell.up);
    for (const layer of round % 2 ? [...layers].reverse() : layers) settle(layer, around);
  }
  for (const layer of layers) settle(layer, partner);
}

/** The parent of an only child: the two should stand exactly above each other. */
const partner = (cell) => (cell.up.length === 1 && cell.up[0].down.length === 1 ? cell.up : []);

/** Moves a layer's cells as near to their neighbours' means as their widths allow (isotonic regression). */
function settle(layer, around) {
  const blocks = [];
  let shift = 0;
  layer.forEach((cell, i) => {
    if (i) shift += (layer[i - 1].width + cell.width) / 2 + GAP_X;
    cell.shift = shift;
    const near = around(cell);
    const wish = near.length ? near.reduce((sum, other) => sum + other.x, 0) / near.length : cell.x;
    const weight = cell.bend ? 2 : 1;
    let block = { sum: (wish - shift) * weight, weight, cells: [cell] };
    while (blocks.length && blocks.at(-1).sum / blocks.at(-1).weight > block.sum / block.weight) {
      const before = blocks.pop();
      block = { sum: before.sum + block.sum, weight: before.weight + block.weight, cells: [...before.cells, ...block.cells] };
    }
    blocks.push(block);
  });
  for (const { sum, weight, cells } of blocks) {
    for (const cell of cells) cell.x = sum / weight + cell.shift;
  }
}

function measure(layers, lines, cells) {
  const all = layers.flat();
  const left = Math.min(0, ...all.map((c) => c.x - c.width / 2));
  const right = Math.max(0, ...all.map((c) => c.x + c.width / 2));
  let y = 0;
  for (const layer of layers) {
    const tall = Math.max(0, ...layer.map((c) => c.height));
    for (const cell of layer) cell.y = y + (tall - cell.height) / 2;
    y += tall + GAP_Y;
  }
  const point = (cell, dy) => [cell.x - left, cell.y + dy];
  return {
    width: right - left,
    height: Math.max(0, y - GAP_Y),
    nodes: new Map([...cells].map(([id, c]) => [id, { x: c.x - left - c.width / 2, y: c.y }])),
    edges: lines.map(({ source, target, bends }) => ({
      source,
      target,
      points: [point(cells.get(source), cells.get(source).height), ...bends.map((b) => point(b, 0)),
        point(cells.get(target), 0)],
    })),
  };
}
