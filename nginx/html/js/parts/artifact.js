// What is known of one artifact version: facts, visualisations, metadata.

import { h, safeUrl, to } from '../dom.js';
import { tail, words } from '../format.js';
import { copyable, facts, muted, section, tags, time } from '../ui.js';
import { metadata } from './metadata.js';
import { visuals } from './visual.js';

export const artifactName = (version) => `${version.body.artifact.name}, version ${version.body.version}`;

/** 'BaseArtifact' as 'Base', 'DataAnalysisArtifact' as 'Data analysis'. */
export const kind = (type) =>
  words(String(type).replace(/Artifact$/, '').replace(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`));

const source = (s) => (s ? [s.module, s.attribute].filter(Boolean).join('.') : null);

/** The parts of an artifact version's page; the version must be hydrated. */
export function artifactParts(version, signal) {
  const { body, metadata: more } = version;
  const shown = visuals(version, signal);
  const link = safeUrl(body.uri);
  return [
    facts([
      ['Artifact', h('a', { href: to(`/artifacts/${body.artifact.id}`) }, body.artifact.name)],
      ['Version', body.version],
      ['Kind', kind(body.type)],
      ['Data type', h('code', { title: source(body.data_type) }, tail(source(body.data_type)))],
      ['Made by', body.producer_pipeline_run_id
        ? h('a', { href: to(`/runs/${body.producer_pipeline_run_id}`, { step: more.producer_step_run_id }) }, 'a pipeline step') : muted('unknown')],
      ['By', body.user?.name],
      ['Created', time(body.created)],
      ['Tags', tags(body.tags)],
      ['Materializer', h('code', { title: source(body.materializer) }, tail(source(body.materializer)))],
      ['Id', copyable(version.id, 'Id')],
      ['Stored at', link ? h('a', { href: link, rel: 'noopener noreferrer' }, body.uri) : copyable(body.uri, 'Address'), true],
    ]),
    shown.length > 0 && section(shown.length > 1 ? 'Visualisations' : 'Visualisation', shown),
    metadata(more.run_metadata) && section('Metadata', metadata(more.run_metadata)),
  ];
}
