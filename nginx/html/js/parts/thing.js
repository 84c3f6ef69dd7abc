// The page of a thing that is mostly looked at, and the list of things that have no names.

import { h, to } from '../dom.js';
import { listing } from '../listing.js';
import { copyable, facts, header, jsonBlock, section, time } from '../ui.js';

/**
 *   title; all: [address, heading] of the list of such things
 *   facts     see ui.facts; who made it, when, and its id follow
 *   blocks    [[heading, value], ...] of what is shown folded, as JSON
 */
export function thingPage(page, thing, { title, all, actions, facts: pairs, blocks = [], more }) {
  const { body } = thing;
  const shown = blocks.map(([heading, value]) => jsonBlock(heading, value)).filter(Boolean);
  page.title(title);
  page.show(
    header(title, { above: h('a', { href: to(all[0]) }, all[1]), actions }),
    facts([...pairs, ['By', body.user?.name ?? 'the server'], ['Created', time(body.created)], ['Id', copyable(thing.id, 'Id')]]),
    more,
    shown.length > 0 && section('Details', shown),
  );
}

/**
 * A list of things that only have an id: `path` is theirs in the API, `place` that of their pages. A lean answer tells no more of
 * them, and a full one would have every step's configuration.
 */
export const idList = (page, { title, path, place, one, nothing }) => listing(page, {
  title,
  path,
  one,
  filters: [{ name: 'id', label: 'Id', ask: (id) => ({ id: `startswith:${id.toLowerCase().replaceAll('-', '')}` }) }],
  columns: [
    { label: title.replace(/s$/, ''), cell: (x) => h('a', { href: to(`/${place}/${x.id}`) }, h('code', null, x.id)) },
    { label: 'By', hide: 'phone', cell: (x) => x.body.user?.name },
    { label: 'Created', sort: 'created', cell: (x) => time(x.body.created) },
  ],
  nothing,
}).start;
