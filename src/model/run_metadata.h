#ifndef KANSO_MODEL_RUN_METADATA_H
#define KANSO_MODEL_RUN_METADATA_H

#include "model/model.h"

/* POST /workspaces/{name or id}/run-metadata: a row per value; answers the list in the order of the values. */
int run_metadata_create(struct ctx *c);

#endif
