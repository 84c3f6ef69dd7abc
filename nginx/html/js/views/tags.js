import { api } from '../api.js';
import { h } from '../dom.js';
import { number, words } from '../format.js';
import { listing } from '../listing.js';
import { edit } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { ask, field, tags, time } from '../ui.js';

const COLORS = ['grey', 'purple', 'red', 'green', 'yellow', 'orange', 'lime', 'teal', 'turquoise', 'magenta', 'blue'].map((c) => [c, words(c)]);

async function create(reload) {
  const made = await ask({
    title: 'New tag',
    button: 'Create',
    fields: [field({ name: 'name', label: 'Name', required: true, maxlength: 255 }), field({ name: 'color', label: 'Colour', kind: 'select', options: COLORS })],
    submit: (v) => api.post('tags', v),
  });
  if (made) await reload();
}

export default async function tagsView(page) {
  const reload = () => list.reload();
  const list = listing(page, {
    title: 'Tags',
    path: 'tags',
    one: 'tag',
    filters: [{ name: 'name', label: 'Name' }, { name: 'color', label: 'Colour', options: COLORS }],
    actions: h('button', { type: 'button', onclick: () => create(reload) }, 'New tag'),
    columns: [
      { label: 'Tag', sort: 'name', cell: (t) => tags([t]) },
      { label: 'Used', num: true, cell: (t) => number(t.body.tagged_count) },
      { label: 'Created', sort: 'created', hide: 'phone', cell: (t) => time(t.body.created) },
      { label: 'Actions', cell: (t) => h('span', { class: 'row-actions' },
        edit({ what: 'tag', name: t.name, path: `tags/${t.id}`, done: reload, fields: [
          { name: 'name', label: 'Name', value: t.name, required: true, maxlength: 255 }, { name: 'color', label: 'Colour', kind: 'select', options: COLORS, value: t.body.color }] }),
        remove({ what: 'tag', name: t.name, path: `tags/${t.id}`, done: reload, text: 'It is taken from everything that has it.' })) },
    ],
    nothing: { title: 'No tags yet', text: 'Runs, pipelines, models and artifacts can have tags; make one with the button above, or with the first use.' },
  });
  await list.start;
}
