// A delete button that asks first.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { ask, toast } from '../ui.js';

/**
 *   what, name   what is deleted, in words; path: its place in the API
 *   text         what else goes, what stays
 *   then         the address to go to afterwards, or done() to call
 */
export function remove({ what, name, path, text, then, done, label = 'Delete' }) {
  const go = () => ask({
    title: `Delete ${what} “${name}”?`,
    text: [text, 'This cannot be undone.'].filter(Boolean).join(' '),
    button: 'Delete',
    danger: true,
    submit: async () => {
      await api.del(path);
      toast(`The ${what} was deleted.`);
      if (then) location.hash = to(then);
      else done();
    },
  });
  return h('button', { type: 'button', class: 'danger quiet', 'aria-label': `${label} ${what} ${name}`, onclick: go }, label);
}
