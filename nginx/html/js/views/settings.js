// What the server is called and does, what it runs as, and whether it is well.

import { api } from '../api.js';
import { h, put, safeUrl } from '../dom.js';
import { words } from '../format.js';
import { forgetWho } from '../parts/who.js';
import { session } from '../session.js';
import { command, connectLine, copyable, facts, field, form, header, section, status, time, toast } from '../ui.js';

const FLAGS = [['enable_analytics', 'Let clients send usage statistics', 'Kanso itself sends none, whatever is chosen here.'], ['display_announcements', 'Show announcements'],
  ['display_updates', 'Show updates']];

const SCHEMES = {
  NO_AUTH: 'Not asked for',
  HTTP_BASIC: 'HTTP basic',
  OAUTH2_PASSWORD_BEARER: 'User name and password',
  EXTERNAL: 'By another service',
};

/** Answers and their time, asked anew whenever the page is open for a while. */
async function health(box, signal) {
  const from = performance.now();
  try {
    await api.health(signal);
    put(box, status('on', 'Healthy'), h('span', { class: 'muted' }, ` · answered in ${Math.max(1, Math.round(performance.now() - from))} ms`));
  } catch (error) {
    if (error.name !== 'AbortError') put(box, status('failed', 'Not healthy'), h('span', { class: 'muted' }, ` · ${error.message}`));
  }
}

function settingsForm(settings, admin) {
  const { body } = settings;
  if (!admin) {
    return facts([['Name', body.server_name], ['Logo', body.logo_url],
      ...FLAGS.map(([key, label]) => [label, body[key] ? 'Yes' : 'No'])]);
  }
  return form({
    button: 'Save',
    fields: [
      field({ name: 'server_name', label: 'Name of this server', value: body.server_name, required: true, maxlength: 255 }),
      field({ name: 'logo_url', label: 'Address of a logo', value: body.logo_url, hint: 'Shown by ZenML’s dashboard. May stay empty.' }),
      FLAGS.map(([name, label, hint]) => field({ name, label, hint, kind: 'checkbox', value: body[name] })),
    ],
    submit: async (v) => {
      await api.put('settings', { ...v, logo_url: v.logo_url || null });
      forgetWho();
      toast('The settings were saved.');
    },
  });
}

export default async function settingsView(page) {
  page.title('Settings');
  // A server that belongs to a control plane has no settings of its own.
  const own = api.get('settings', { hydrate: true }, page.signal).catch((error) => {
    if (error.status === 404) return null;
    throw error;
  });
  const [settings, me, info] = await Promise.all([own, session.me(), api.get('info', null, page.signal)]);
  const well = h('span', null, '…');
  page.show(
    header('Settings'),
    settings && section('This server', settingsForm(settings, me.body.is_admin)),
    section('About', facts([
      ['Health', well],
      ['Version', `ZenML API ${info.version}`],
      ['Server id', copyable(info.id, 'Server id')],
      ['Deployed as', words(info.deployment_type)],
      ['Database', info.database_type],
      ['Secrets store', info.secrets_store_type],
      ['Sign-in', SCHEMES[info.auth_scheme] ?? info.auth_scheme],
      ['Server address', link(info.server_url)],
      ['Dashboard address', link(info.dashboard_url)],
      ['Last activity', time(info.last_user_activity)],
      ...Object.entries(info.metadata ?? {}).map(([k, v]) => [k, v]),
    ])),
    section('Connect a client', command(connectLine())),
  );
  await health(well, page.signal);
  page.every(15000, () => health(well, page.signal));
}

const link = (text) => (safeUrl(text) ? h('a', { href: safeUrl(text), rel: 'noopener noreferrer' }, text) : text);
