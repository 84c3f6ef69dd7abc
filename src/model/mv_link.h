/* What a model version is linked to: artifact versions and runs. */
#ifndef KANSO_MODEL_MV_LINK_H
#define KANSO_MODEL_MV_LINK_H

#include "model/model.h"

/* POST /workspaces/{ws}/model_versions/{id}/artifacts and .../runs: a link that is there already is answered as it is,
 * without metadata. */
int mv_link_create(struct ctx *c);

/* DELETE /model_versions/{id}/artifacts/{link id or artifact name} and .../runs/{link id or run name}. */
int mv_link_delete(struct ctx *c);

/* DELETE /model_versions/{id}/artifacts: all links, and with only_links=false the artifact versions as well. */
int mv_artifacts_delete(struct ctx *c);
extern const struct model MV_ARTIFACTS_DELETE_QUERY;

#endif
