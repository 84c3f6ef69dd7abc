// One version of a model: its stage, what belongs to it, where it came from.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { words } from '../format.js';
import { edit, tagsField } from '../parts/edit.js';
import { metadata } from '../parts/metadata.js';
import { remove } from '../parts/remove.js';
import { ask, copyable, empty, facts, field, header, muted, name as breakable, section, table, tags, time, toast } from '../ui.js';
import { STAGES } from './model.js';

/** {name: {version: id}} as rows. */
const rows = (map) => Object.entries(map).flatMap(([name, versions]) =>
  Object.entries(versions).map(([version, id]) => ({ name, version, id })));

const artifacts = (title, map) => {
  const list = rows(map);
  return list.length > 0 && section(title, table(title, [
    { label: 'Artifact', cell: (a) => h('a', { href: to(`/artifact-versions/${a.id}`) }, a.name) },
    { label: 'Version', cell: (a) => a.version },
  ], list));
};

export default async function modelVersionView(page) {
  const draw = async () => {
    const version = await api.get(`model_versions/${page.params.id}`, null, page.signal);
    const { body, metadata: more } = version;
    const name = `${body.model.name} ${version.name ?? body.number}`;
    const runs = Object.entries(body.pipeline_run_ids);
    page.title(name);
    page.show(
      header(`Version ${version.name ?? body.number}`, {
        above: h('a', { href: to(`/models/${body.model.id}`) }, body.model.name),
        actions: [h('button', { type: 'button', onclick: () => stage(version, draw) }, 'Change stage'),
          edit({ what: 'version', name, path: `model_versions/${version.id}`, done: draw, extra: { model: body.model.id }, fields: [
            { name: 'name', label: 'Name', value: version.name, maxlength: 255 },
            { name: 'description', label: 'Description', kind: 'textarea', value: more.description }, tagsField(body.tags)] }),
          remove({ what: 'version', name, path: `model_versions/${version.id}`, then: `/models/${body.model.id}`, text: 'Artifacts and runs stay.' })],
      }),
      facts([
        ['Number', body.number],
        ['Stage', body.stage && body.stage !== 'none' ? words(body.stage) : muted('none')],
        ['Description', more.description],
        ['By', body.user?.name],
        ['Created', time(body.created)],
        ['Tags', tags(body.tags)],
        ['Id', copyable(version.id, 'Id')],
      ]),
      artifacts('Model artifacts', body.model_artifact_ids),
      artifacts('Deployments', body.deployment_artifact_ids),
      artifacts('Data', body.data_artifact_ids),
      section('Runs', runs.length ? table('Runs', [
        { label: 'Run', cell: ([run, id]) => h('a', { href: to(`/runs/${id}`) }, breakable(run)) },
      ], runs) : empty({ title: 'No run belongs to this version' })),
      metadata(more.run_metadata) && section('Metadata', metadata(more.run_metadata)),
    );
  };
  await draw();
}

async function stage(version, draw) {
  const done = await ask({
    title: 'Change the stage',
    text: 'Only one version of a model can be in a stage.',
    button: 'Change',
    fields: [
      field({ name: 'stage', label: 'Stage', kind: 'select', options: STAGES, value: version.body.stage ?? 'none' }),
      field({ name: 'force', label: 'Archive the version that is there now', kind: 'checkbox' }),
    ],
    submit: (v) => api.put(`model_versions/${version.id}`, { model: version.body.model.id, stage: v.stage, force: v.force }),
  });
  if (!done) return;
  toast('The stage was changed.');
  await draw();
}
