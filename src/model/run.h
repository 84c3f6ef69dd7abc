#ifndef KANSO_MODEL_RUN_H
#define KANSO_MODEL_RUN_H

#include "model/model.h"

/* Handlers beside the generic ones (docs/contract/resources.md#runs). */
int run_get_or_create(struct ctx *c);
int run_steps(struct ctx *c); /* GET /runs/{id}/steps: a page, never hydrated */
int run_graph(struct ctx *c); /* GET /runs/{id}/graph */

/* A run that is locked for a change of its steps. */
struct run_lock {
    char id[33];
    const char *status, *deployment_id;
    const char *step_configurations; /* JSON text of the deployment, NULL when there is none */
    size_t step_configurations_len;
    int64_t step_count; /* number of steps that the deployment describes */
};

/* Locks the run until the end of the transaction: all changes of a run's steps meet here. `with_configurations` also
 * reads what the deployment says about its steps. 404 KeyError when there is no such run. */
int run_lock(struct ctx *c, const char *id, bool with_configurations, struct run_lock *out);

/* Derives the status of a locked run from its steps and stores it when it has changed. */
int run_derive_status(struct ctx *c, const struct run_lock *run);

#endif
