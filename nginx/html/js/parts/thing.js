// The page of a thing that is mostly looked at.

import { h, to } from '../dom.js';
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
