// Approving a device: `zenml connect` waits elsewhere until the reader says yes or no here.

import { api } from '../api.js';
import { h } from '../dom.js';
import { date } from '../format.js';
import { facts, field, form, time } from '../ui.js';

const shell = (title, ...nodes) =>
  h('section', { class: 'gate' }, h('img', { src: 'favicon.svg', alt: '', width: 56, height: 56 }), h('h1', null, title), nodes);

const RESULTS = {
  approved: ['Device approved', 'You can close this page. The command line goes on by itself.'],
  refused: ['Device refused', 'It was given no access. The command line has been told.'],
  locked: ['This device is locked', 'The code was wrong too often. Run the command again for a new link.'],
  expired: ['This link has expired', 'It was good for a few minutes only. Run the command again for a new link.'],
  used: ['This link has been used', 'The device was approved before. If that was not you, lock it under Devices.'],
  unknown: ['No such device', 'The code or the device is wrong. Open the link exactly as the command line printed it.'],
  wrong: ['That code is wrong', 'Compare it with what the command line printed, and try again.'],
};

function result(page, name, extra) {
  const [title, text] = RESULTS[name];
  page.title(title);
  page.show(shell(title, h('p', { role: 'status' }, text), extra,
    h('p', null, h('a', { href: '#/devices' }, 'Your devices'), ' · ', h('a', { href: '#/' }, 'Overview'))));
  document.querySelector('.gate h1').focus();
}

/** What stands in the way of approving this device, or null. */
function hurdle(device) {
  const { status, expires } = device.body;
  if (status === 'locked') return 'locked';
  if (status !== 'pending') return 'used';
  if (expires && date(expires) < Date.now()) return 'expired';
  return null;
}

async function look(id, code, signal) {
  try {
    return await api.get(`devices/${encodeURIComponent(id)}`, { user_code: code }, signal);
  } catch (error) {
    if (error.status === 404 || error.status === 422) return null;
    throw error;
  }
}

export default async function deviceVerify(page) {
  page.title('Approve a device');
  const id = page.query.get('device_id');
  const code = page.query.get('user_code');
  if (!id || !code) {
    page.show(shell('Approve a device',
      h('p', null, 'Open the link that the command line printed, or copy its two parts here.'),
      form({
        button: 'Continue',
        submit: (v) => page.go({ device_id: v.device_id.trim(), user_code: v.user_code.trim() }),
        fields: [field({ name: 'device_id', label: 'Device', value: id, required: true }),
          field({ name: 'user_code', label: 'Code', value: code, required: true })],
      })));
    return;
  }
  const device = await look(id, code, page.signal);
  if (!device) { result(page, 'unknown'); return; }
  const known = hurdle(device);
  if (known) { result(page, known); return; }
  ask(page, device, code);
}

function ask(page, device, code, problem) {
  const { body, metadata } = device;
  const place = [metadata?.city, metadata?.region, metadata?.country].filter(Boolean).join(', ');
  page.show(shell('Approve this device?',
    h('p', null, 'A program asks to work on this server in your name. Approve only if you started it.'),
    facts([
      ['Host', body.hostname],
      ['System', body.os],
      ['Client', metadata?.zenml_version && `ZenML ${metadata.zenml_version}`],
      ['Python', metadata?.python_version],
      ['Address', body.ip_address],
      ['Place', place],
      ['Asked', time(body.updated)],
    ]),
    problem && h('p', { class: 'problem', role: 'alert' }, problem),
    form({
      button: 'Approve',
      extra: h('button', { type: 'button', class: 'danger', onclick: () => refuse(page, device, code) }, 'Refuse'),
      submit: (v) => approve(page, device, v),
      fields: [
        field({ name: 'user_code', label: 'Code', value: code, required: true, hint: 'The link has filled it in. It must equal what the command line printed.' }),
        field({ name: 'trusted', label: 'Trust this device', kind: 'checkbox', hint: 'A trusted device stays signed in for longer.' }),
      ],
    })));
}

async function approve(page, device, { user_code: code, trusted }) {
  try {
    await api.put(`devices/${device.id}/verify`, { user_code: code.trim(), trusted_device: trusted });
  } catch (error) {
    if (error.status !== 400 && error.status !== 404) throw error;
    const now = await look(device.id, code, page.signal) ?? await look(device.id, page.query.get('user_code'), page.signal);
    if (!now) { result(page, 'unknown'); return; }
    const found = hurdle(now);
    if (found) result(page, found);
    else ask(page, now, code, RESULTS.wrong.join('. '));
    return;
  }
  result(page, 'approved');
}

/**
 * The API has no refusal. The owner of a device may lock it; a device without an owner locks itself after a
 * few wrong codes, so it is given some. Either way the waiting program learns at once that it may not come in.
 */
async function refuse(page, device, code) {
  if (device.body.user) {
    await api.put(`devices/${device.id}`, { locked: true });
  } else {
    for (let i = 0; i < 10; i += 1) {
      await api.put(`devices/${device.id}/verify`, { user_code: '-' }).catch(() => {});
      const now = await look(device.id, code, page.signal);
      if (!now || now.body.status !== 'pending') break;
    }
  }
  result(page, 'refused');
}
