// The devices that work in the reader's name.

import { api } from '../api.js';
import { h } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { remove } from '../parts/remove.js';
import { connectLine, muted, status, time, toast } from '../ui.js';

const SIGNS = { active: 'on', pending: 'pending', verified: 'pending', locked: 'locked' };
const name = (d) => d.body.hostname || d.body.ip_address || 'unnamed';

async function lock(device, reload) {
  const locked = device.body.status !== 'locked';
  try {
    await api.put(`devices/${device.id}`, { locked });
    toast(`The device “${name(device)}” is ${locked ? 'locked' : 'unlocked'} now.`);
    await reload();
  } catch (error) {
    toast(error.message, 'bad');
  }
}

export default async function devicesView(page) {
  const reload = () => list.reload();
  const list = listing(page, {
    title: 'Devices',
    path: 'devices',
    params: { hydrate: true },
    one: 'device',
    note: h('p', { class: 'muted' }, 'Command lines that you have let in. A locked device is refused at once.'),
    filters: [{ name: 'status', label: 'Status', options: Object.keys(SIGNS).map((k) => [k, words(k)]) }],
    columns: [
      { label: 'Host', cell: name },
      { label: 'Status', sort: 'status', cell: (d) => status(SIGNS[d.body.status] ?? 'unknown', words(d.body.status)) },
      { label: 'Trusted', hide: 'phone', cell: (d) => (d.body.trusted_device ? 'Yes' : 'No') },
      { label: 'System', hide: 'narrow', cell: (d) => [d.body.os, d.metadata?.zenml_version && `ZenML ${d.metadata.zenml_version}`].filter(Boolean).join(', ') || muted('—') },
      { label: 'Address', hide: 'narrow', cell: (d) => d.body.ip_address || muted('—') },
      { label: 'Expires', hide: 'narrow', sort: 'expires', cell: (d) => (d.body.expires ? time(d.body.expires) : muted('never')) },
      { label: 'Last used', hide: 'phone', sort: 'last_login', cell: (d) => time(d.metadata?.last_login) },
      { label: 'Actions', cell: (d) => h('span', { class: 'row-actions' },
        h('button', { type: 'button', class: 'quiet', 'aria-label': `${d.body.status === 'locked' ? 'Unlock' : 'Lock'}: ${name(d)}`, onclick: () => lock(d, reload) }, d.body.status === 'locked' ? 'Unlock' : 'Lock'),
        remove({ what: 'device', name: name(d), path: `devices/${d.id}`, done: reload, text: 'It has to be approved anew.' })) },
    ],
    nothing: {
      title: 'No devices yet',
      text: 'A device appears here when you approve a command line that connects without a password:',
      code: connectLine(),
    },
  });
  await list.start;
}
