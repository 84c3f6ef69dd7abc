// A list of numbers as a small line.

import { s } from '../dom.js';
import { value } from '../format.js';

const SIZE = { width: 120, height: 24 };

/** Points of numbers in a box of a size, from the left, the largest at the top: '0,24 60,0 120,12'. */
export function polyline(numbers, { width, height }) {
  const low = Math.min(...numbers);
  const range = Math.max(...numbers) - low || 1;
  const step = width / Math.max(1, numbers.length - 1);
  return numbers.map((y, i) => `${(i * step).toFixed(1)},${(height - ((y - low) / range) * height).toFixed(1)}`).join(' ');
}

export function sparkline(numbers) {
  const words = `From ${value(numbers[0])} to ${value(numbers.at(-1))}; least ${value(Math.min(...numbers))}, most ${value(Math.max(...numbers))}`;
  return s('svg', { class: 'sparkline', viewBox: `-2 -2 ${SIZE.width + 4} ${SIZE.height + 4}`, width: SIZE.width, height: SIZE.height, role: 'img', 'aria-label': words },
    s('title', null, words), s('polyline', { points: polyline(numbers, SIZE) }));
}
