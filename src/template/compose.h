/*
 * What a new run of a template is made of: the configurations of its source deployment with what a run configuration
 * changes (docs/contract/run-templates.md#running). Nothing here knows a database.
 */
#ifndef KANSO_TEMPLATE_COMPOSE_H
#define KANSO_TEMPLATE_COMPOSE_H

#include "base/arena.h"

#include <json-c/json.h>

/* Why a run configuration (checked against MODEL_RUN_CONFIGURATION) may not be used to start a run; NULL when it may.
 */
const char *compose_refusal(struct json_object *config);

/* What a deployment says; trees are owned by the arena. */
struct composed {
    struct json_object *pipeline; /* PipelineConfiguration */
    struct json_object *steps;    /* map of Step */
};

/* Makes the configurations of a new deployment from those of the source and a checked run configuration (NULL: one with
 * nothing but defaults). Returns NULL, or why they cannot be made. The result is still to be checked: what the run
 * configuration changes may not fit. */
const char *compose(struct arena *a, const struct composed *source, struct json_object *config, struct composed *out);

/* Says in the pipeline's settings that its orchestrator is not to be waited for: settings[key].synchronous. */
void compose_asynchronous(struct composed *c, const char *key);

/* The name of a run: {date} and {time} of a template filled in, {{ and }} single braces. NULL when the template has
 * other placeholders or lonely braces, or the name is empty: then *why says so. */
const char *compose_run_name(struct arena *a, const char *template, const char **why);

#endif
