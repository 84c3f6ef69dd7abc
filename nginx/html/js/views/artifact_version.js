// One artifact version as a page.

import { api } from '../api.js';
import { h, to } from '../dom.js';
import { artifactName, artifactParts } from '../parts/artifact.js';
import { again, edit, tagsField } from '../parts/edit.js';
import { lineage } from '../parts/lineage.js';
import { remove } from '../parts/remove.js';
import { header } from '../ui.js';

export default async function artifactVersionView(page) {
  const version = await api.get(`artifact_versions/${page.params.id}`, null, page.signal);
  const { artifact } = version.body;
  page.title(artifactName(version));
  page.show(
    header(`Version ${version.body.version}`, {
      above: h('a', { href: to(`/artifacts/${artifact.id}`) }, artifact.name),
      actions: [edit({ what: 'version', name: artifactName(version), path: `artifact_versions/${version.id}`, done: () => again(page), fields: [tagsField(version.body.tags)] }),
      remove({ what: 'version', name: artifactName(version), path: `artifact_versions/${version.id}`, then: `/artifacts/${artifact.id}`, text: 'The data in the artifact store stays.' })],
    }),
    artifactParts(version, page.signal),
    lineage(version, page.signal),
  );
}
