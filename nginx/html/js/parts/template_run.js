// The form that runs a template: a name, the parameters of its steps, and whatever else as JSON.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { ask, field } from '../ui.js';
import { plain, schemaForm } from './schema_form.js';

/** [step, form of its parameters] of a hydrated template. */
function forms({ metadata: { config_schema: schema, config_template: now } }) {
  if (!schema) return [];
  const steps = plain(schema.properties?.steps ?? {}, schema).properties ?? {};
  return Object.entries(steps).flatMap(([step, raw]) => {
    const parameters = plain(plain(raw, schema).properties?.parameters ?? {}, schema);
    if (!Object.keys(parameters.properties ?? {}).length) return [];
    return [[step, schemaForm({ ...parameters, $defs: schema.$defs }, now?.steps?.[step]?.parameters ?? {}, `${step}.`)]];
  });
}

/** What is sent: a PipelineRunConfiguration. */
function configuration(values, steps) {
  const body = values['run.more'].trim() ? JSON.parse(values['run.more']) : {};
  if (values['run.name'].trim()) body.run_name = values['run.name'].trim();
  for (const [step, form] of steps) body.steps = { ...body.steps, [step]: { ...body.steps?.[step], parameters: form.read(values) } };
  return body;
}

/** Asks for what a run of a template takes, starts it, and goes to its page. */
export async function runTemplate(id) {
  const template = await api.get(`run_templates/${id}`);
  const steps = forms(template);
  const run = await ask({
    title: `Run “${template.name}”`,
    button: 'Run',
    fields: [
      field({ name: 'run.name', label: 'Name of the run', hint: 'Made up when empty.', maxlength: 255 }),
      steps.map(([step, form]) => h('fieldset', null, h('legend', null, step), form.nodes)),
      h('details', { class: 'fold' }, h('summary', null, 'More configuration'),
        field({ name: 'run.more', label: 'As JSON', kind: 'textarea', hint: 'Members of a PipelineRunConfiguration, such as enable_cache.' })),
    ],
    submit: async (values) => {
      let body;
      try { body = configuration(values, steps); } catch (error) {
        throw error instanceof SyntaxError ? new Error('“More configuration” is not JSON.') : error;
      }
      try {
        return await api.post(`run_templates/${id}/runs`, body);
      } catch (error) {
        if ((error.status === 404 && error.message === 'Not Found') || error.status === 405) throw new Error('This server runs no templates: it has no workload manager.');
        throw error;
      }
    },
  });
  if (run) location.hash = to(`/runs/${run.id}`);
}
