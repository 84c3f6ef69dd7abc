// One template: run it, and its runs.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { again, edit, tagsField } from '../parts/edit.js';
import { remove } from '../parts/remove.js';
import { runList } from '../parts/runs.js';
import { runTemplate } from '../parts/template_run.js';
import { copyable, facts, jsonBlock, tags, time, toast } from '../ui.js';

export default async function templateView(page) {
  const template = await api.get(`run_templates/${page.params.id}`, null, page.signal);
  const { body, metadata: more, resources } = template;
  const path = `run_templates/${template.id}`;
  await runList(page, {
    title: template.name,
    above: h('a', { href: to('/templates') }, 'Templates'),
    params: { template_id: template.id },
    note: [
      more.description && h('p', null, more.description),
      facts([
        ['Pipeline', resources.pipeline && h('a', { href: to(`/pipelines/${resources.pipeline.id}`) }, resources.pipeline.name)],
        ['Made from', resources.source_deployment && h('a', { href: to(`/deployments/${resources.source_deployment.id}`) }, 'a deployment')],
        ['Build', resources.build && h('a', { href: to(`/builds/${resources.build.id}`) }, resources.build.id.slice(0, 8))],
        ['By', body.user?.name], ['Created', time(body.created)], ['Tags', tags(resources.tags)], ['Id', copyable(template.id, 'Id')],
      ]),
      !body.runnable && h('p', { class: 'notice' }, 'It cannot be run: its deployment, its build or the stack of that is gone.'),
      jsonBlock('Configuration of the source', more.config_template),
      h('h2', null, 'Runs of this template'),
    ],
    actions: [
      body.runnable && h('button', { type: 'button', class: 'primary', onclick: () => runTemplate(template.id).catch((e) => toast(e.message, 'bad')) }, 'Run'),
      edit({ what: 'template', name: template.name, path, done: () => again(page), fields: [
        { name: 'name', label: 'Name', value: template.name, required: true, maxlength: 255 },
        { name: 'description', label: 'Description', kind: 'textarea', value: more.description }, tagsField(resources.tags)] }),
      remove({ what: 'template', name: template.name, path, then: '/templates', text: 'Its runs stay.' })],
    nothing: { title: 'This template has not been run', text: 'Run it with the button above.' },
  }).start;
}
