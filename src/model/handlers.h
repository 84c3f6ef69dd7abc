/* Handlers beside the generic ones, for route tables, of resources that other rooms need nothing else of. */
#ifndef KANSO_MODEL_HANDLERS_H
#define KANSO_MODEL_HANDLERS_H

#include "model/model.h"

/* GET /workspaces/{name or id}/statistics */
int workspace_statistics(struct ctx *c);

/* POST /workspaces/{ws}/stacks, with all components and connectors that it asks to make: all or nothing. */
int stack_create(struct ctx *c);
extern const struct model STACK_BODY;

/* POST /workspaces/{name or id}/run-metadata: a row per value; answers the list in the order of the values. */
int run_metadata_create(struct ctx *c);

/* DELETE /model_versions/{id}/artifacts/{link id or artifact name} and .../runs/{link id or run name}. */
int mv_link_delete(struct ctx *c);

/* DELETE /model_versions/{id}/artifacts: all links, and with only_links=false the artifact versions as well. */
int mv_artifacts_delete(struct ctx *c);
extern const struct model MV_ARTIFACTS_DELETE_QUERY;

#endif
