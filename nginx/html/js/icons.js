// Small line icons on a 16 x 16 grid. Statuses differ in shape, so that colour is never the only sign.

import { s } from './dom.js';

const PATHS = {
  completed: ['M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z', 'M5 8.2l2.1 2.1L11 6.2'],
  failed: ['M5.2 1.8h5.6l3.4 3.4v5.6l-3.4 3.4H5.2l-3.4-3.4V5.2z', 'M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4'],
  running: ['M14.5 8A6.5 6.5 0 1 1 8 1.5'],
  initializing: ['M8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2M3.4 3.4l1.4 1.4M11.2 11.2l1.4 1.4M3.4 12.6l1.4-1.4M11.2 4.8l1.4-1.4'],
  cached: ['M8 1.8L14.2 8L8 14.2L1.8 8z', 'M8 5.2L10.8 8L8 10.8L5.2 8z'],
  on: ['M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z', 'M5 8.2l2.1 2.1L11 6.2'],
  off: ['M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z', 'M4.8 8h6.4'],
  pending: ['M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z', 'M8 4.6V8l2.4 1.6'],
  locked: ['M3.5 7.2h9v6.8h-9z', 'M5.4 7.2V4.6a2.6 2.6 0 0 1 5.2 0v2.6'],
  unknown: ['M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z'],
  artifact: ['M2.5 4.8L8 2l5.5 2.8v6.4L8 14l-5.5-2.8z', 'M2.5 4.8L8 7.6l5.5-2.8M8 7.6V14'],
  copy: ['M5.5 5.5h8v8h-8z', 'M10.5 5.5v-3h-8v8h3'],
  up: ['M4 10l4-4l4 4'],
  down: ['M4 6l4 4l4-4'],
};

/** An icon, hidden from screen readers: words stand beside it. */
export function icon(name) {
  const node = s('svg', { class: `icon icon-${name}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' });
  for (const d of PATHS[name] ?? PATHS.unknown) node.append(s('path', { d }));
  return node;
}
