#ifndef KANSO_MODEL_STEP_H
#define KANSO_MODEL_STEP_H

#include "model/model.h"

int step_update(struct ctx *c);        /* PUT /steps/{id} */
int step_get(struct ctx *c);           /* GET /steps/{id}: hydrated whatever `hydrate` says */
int step_configuration(struct ctx *c); /* GET /steps/{id}/step-configuration */

/* For the graph: links of a step that view_load() has fetched. Inputs and outputs share a slot; v[3] is "i" or "o". */
enum { SLOT_STEP_IO = SLOT_FIRST, SLOT_STEP_PARENTS, SLOT_STEP_LOGS };

/* What the deployment says about a hydrated step: a JSON object with `spec` and `config`. */
struct span step_document(const struct row *step);

#endif
