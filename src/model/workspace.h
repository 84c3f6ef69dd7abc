#ifndef KANSO_MODEL_WORKSPACE_H
#define KANSO_MODEL_WORKSPACE_H

#include "model/model.h"

/* GET /workspaces/{name or id}/statistics */
int workspace_statistics(struct ctx *c);

#endif
