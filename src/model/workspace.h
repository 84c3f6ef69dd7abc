#ifndef KANSO_MODEL_WORKSPACE_H
#define KANSO_MODEL_WORKSPACE_H

#include "model/model.h"

/* GET /workspaces/{name or id}/statistics */
int workspace_statistics(struct ctx *c);

/* Gives a freshly inserted workspace its default stack and components; also used when a database is initialised. */
int workspace_fill(struct write *w);

#endif
