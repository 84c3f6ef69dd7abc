// What is compared of versions of models and of artifacts.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { tail, words } from '../format.js';
import { time } from '../ui.js';
import { kind } from './artifact.js';
import { measured, plain, row, rowsOf } from './comparison.js';
import { numbers } from './metadata.js';

const listed = (tags) => tags.map((t) => t.name).sort().join(', ') || null;
const source = (s) => [s.module, s.attribute].filter(Boolean).join('.');
const madeAt = (list) => ({ label: 'Created', shown: list.map((v) => time(v.body.created)) }); // which differs always
const measures = (list) => ['Metadata', rowsOf(list.map((v) => v.metadata.run_metadata), (key) => key, measured)];

/** {name: {version: id}} of several things: a row for each name, with its versions. */
const artifactRows = (maps) => rowsOf(maps, (name) => name, (versions) => [JSON.stringify(versions),
  Object.entries(versions).flatMap(([version, id], i) => [i > 0 && ', ', h('a', { href: to(`/artifact-versions/${id}`) }, version)])]);

export const modelVersions = {
  one: 'model version',
  all: ['/models', 'Models'],
  of: (v) => [`/models/${v.body.model.id}`, v.body.model.name],
  load: (id, signal) => api.get(`model_versions/${id}`, null, signal),
  named: (v) => [`${v.body.model.name} ${v.name ?? v.body.number}`, to(`/model-versions/${v.id}`)],
  numbers: (v) => numbers(v.metadata.run_metadata),
  groups(list) {
    const all = (cell) => list.map(cell);
    return [
      ['Version', [
        ...row('Stage', all((v) => plain(v.body.stage && v.body.stage !== 'none' ? words(v.body.stage) : null))),
        ...row('Description', all((v) => plain(v.metadata.description))),
        ...row('Tags', all((v) => plain(listed(v.body.tags)))),
        ...row('Runs', all((v) => plain(Object.keys(v.body.pipeline_run_ids).length))),
        ...row('By', all((v) => plain(v.body.user?.name))),
        madeAt(list),
      ]],
      measures(list),
      ['Model artifacts', artifactRows(all((v) => v.body.model_artifact_ids))],
      ['Deployments', artifactRows(all((v) => v.body.deployment_artifact_ids))],
      ['Data', artifactRows(all((v) => v.body.data_artifact_ids))],
    ];
  },
};

const coded = (s) => [source(s), h('code', { title: source(s) }, tail(source(s)))];
const producer = (id) => [id ?? undefined, id && h('a', { href: to(`/runs/${id}`) }, id.slice(0, 8))];

export const artifactVersions = {
  one: 'artifact version',
  all: ['/artifacts', 'Artifacts'],
  of: (v) => [`/artifacts/${v.body.artifact.id}`, v.body.artifact.name],
  load: (id, signal) => api.get(`artifact_versions/${id}`, null, signal),
  named: (v) => [`${v.body.artifact.name} ${v.body.version}`, to(`/artifact-versions/${v.id}`)],
  numbers: (v) => numbers(v.metadata.run_metadata),
  groups(list) {
    const all = (cell) => list.map(cell);
    return [
      ['Version', [
        ...row('Kind', all((v) => plain(kind(v.body.type)))),
        ...row('Data type', all((v) => coded(v.body.data_type))),
        ...row('Materializer', all((v) => coded(v.body.materializer))),
        ...row('Made by run', all((v) => producer(v.body.producer_pipeline_run_id))),
        ...row('Tags', all((v) => plain(listed(v.body.tags)))),
        ...row('By', all((v) => plain(v.body.user?.name))),
        { label: 'Stored at', shown: all((v) => h('code', null, v.body.uri)) },
        madeAt(list),
      ]],
      measures(list),
    ];
  },
};
