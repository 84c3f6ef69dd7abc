// One flavor: what it is and which configuration its components take.

import { api } from '../api.js';
import { h, safeUrl } from '../dom.js';
import { words } from '../format.js';
import { remove } from '../parts/remove.js';
import { thingPage } from '../parts/thing.js';
import { muted, section, table } from '../ui.js';

const kind = (p) => p.type ?? (p.anyOf ?? []).map((x) => x.type ?? x.$ref?.split('/').pop()).filter((t) => t && t !== 'null').join(' or ');
const link = (url) => safeUrl(url) && h('a', { href: safeUrl(url), rel: 'noopener noreferrer' }, url);

export default async function flavorView(page) {
  const flavor = await api.get(`flavors/${page.params.id}`, null, page.signal);
  const { body, metadata: more } = flavor;
  const { properties = {}, required = [] } = more.config_schema ?? {};
  thingPage(page, flavor, {
    title: flavor.name,
    all: ['/flavors', 'Flavors'],
    actions: more.is_custom && remove({ what: 'flavor', name: flavor.name, path: `flavors/${flavor.id}`, then: '/flavors' }),
    facts: [['Type', words(body.type)], ['Integration', body.integration], ['Connector', more.connector_type], ['Resource', more.connector_resource_type],
      ['Source', h('code', null, more.source), true], ['Documentation', link(more.docs_url), true]],
    more: section('Configuration', table('Configuration', [
      { label: 'Key', cell: ([key]) => h('code', null, required.includes(key) ? `${key} *` : key) },
      { label: 'Type', cell: ([, p]) => kind(p) },
      { label: 'Default', hide: 'phone', cell: ([key, p]) => (p.default === undefined || p.default === null ? muted(required.includes(key) ? 'must be given' : 'none') : h('code', null, JSON.stringify(p.default))) },
    ], Object.entries(properties))),
  });
}
