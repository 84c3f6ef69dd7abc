/* Milestones of a server's first days, kept in the settings row: what the dashboard's checklist shows. */
#ifndef KANSO_MODEL_ONBOARDING_H
#define KANSO_MODEL_ONBOARDING_H

#include "http/context.h"

#define STEP_REMOTE_STACK "stack_with_remote_orchestrator_created"
#define STEP_RUN          "pipeline_run"
#define STEP_STARTED      "starter_setup_completed"
#define STEP_REMOTE_RUN   "pipeline_run_with_remote_orchestrator"
#define STEP_PRODUCTION   "production_setup_completed"
#define STEP_DEVICE       "device_verified"

/* Adds steps, NULL-terminated, that have not been reached before. Within the caller's transaction. */
int onboarding_add(struct ctx *c, const char *const *steps);

/* Whether an orchestrator of that flavor runs elsewhere than on the client's machine. */
bool orchestrator_is_remote(const char *flavor);

/* GET /onboarding_state */
int onboarding_get(struct ctx *c);

#endif
