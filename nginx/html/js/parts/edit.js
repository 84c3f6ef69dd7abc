// A button that changes what something is called and what is said of it. Only what was changed is sent.

import { api } from '../api.js';
import { h } from '../dom.js';
import { ask, field, toast } from '../ui.js';

const names = (text) => [...new Set(text.split(',').map((t) => t.trim()).filter(Boolean))];

/** A field for tags, given the list that the API answers. */
export const tagsField = (tags) => ({ name: 'tags', label: 'Tags', value: (tags ?? []).map((t) => t.name).join(', '), hint: 'Separated by commas.', tags: true });

/** The body of an update: what differs between fields as they were and values as they are now. */
export function changes(fields, values) {
  const body = {};
  for (const { name, value, tags } of fields) {
    if (values[name] === (value ?? '')) continue;
    if (!tags) {
      body[name] = values[name];
      continue;
    }
    const [before, after] = [names(value), names(values[name])];
    body.add_tags = after.filter((t) => !before.includes(t));
    body.remove_tags = before.filter((t) => !after.includes(t));
  }
  return body;
}

/**
 *   what, name   what is edited, in words; path: its place in the API
 *   fields       see ui.field, with the values of now
 *   extra        what the API wants beside the changes
 *   done()       is called once something was changed
 */
export function edit({ what, name, path, fields, extra, done }) {
  const go = async () => {
    const saved = await ask({
      title: `Edit ${what} “${name}”`,
      button: 'Save',
      fields: fields.map((f) => field(f)),
      submit: async (values) => {
        const body = changes(fields, values);
        if (!Object.keys(body).length) return 'nothing';
        await api.put(path, { ...extra, ...body });
        return 'saved';
      },
    });
    if (saved !== 'saved') return;
    toast(`The ${what} was saved.`);
    await done();
  };
  return h('button', { type: 'button', class: 'quiet', 'aria-label': `Edit ${what} ${name}`, onclick: () => go().catch((e) => toast(e.message, 'bad')) }, 'Edit');
}

/** Draws the page that is shown anew. */
export const again = (page) => {
  page.onquery = null;
  dispatchEvent(new HashChangeEvent('hashchange'));
};
