import { h, to } from '../dom.js';
import { byTag, listing } from '../listing.js';
import { runTemplate } from '../parts/template_run.js';
import { isLive, muted, status, time, toast } from '../ui.js';

export default (page) => listing(page, {
  title: 'Templates',
  path: 'run_templates',
  one: 'template',
  filters: [{ name: 'name', label: 'Name' }, byTag],
  columns: [
    { label: 'Template', sort: 'name', cell: (t) => h('a', { href: to(`/templates/${t.id}`) }, t.name) },
    { label: 'Latest run', cell: (t) => (t.body.latest_run_id ? h('a', { href: to(`/runs/${t.body.latest_run_id}`) }, status(t.body.latest_run_status)) : status(null)) },
    { label: 'By', hide: 'phone', cell: (t) => t.body.user?.name },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (t) => time(t.body.created) },
    { label: 'Actions', cell: (t) => (t.body.runnable ? h('button', { type: 'button', class: 'quiet', 'aria-label': `Run ${t.name}`,
      onclick: () => runTemplate(t.id).catch((e) => toast(e.message, 'bad')) }, 'Run') : muted('cannot run')) },
  ],
  live: (t) => isLive(t.body.latest_run_status),
  nothing: {
    title: 'No templates yet',
    text: 'A template is a pipeline that ran once on a stack of remote components, to be run again from here:',
    code: 'from zenml.client import Client\n\nClient().create_run_template(name="nightly", deployment_id="<id of a deployment>")',
  },
}).start;
