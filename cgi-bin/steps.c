/* Endpoint group: step runs */
#include "app/app.h"
#include "artifact/logs.h"
#include "model/step.h"

static const struct route routes[] = {
    LIST("/api/v1/steps", resource_step),
    {"POST", "/api/v1/steps", step_create, &resource_step, OP_CREATE},
    {"GET", "/api/v1/steps/{step_id}", step_get, &resource_step, OP_GET, .flags = R_HYDRATE},
    {"PUT", "/api/v1/steps/{step_id}", step_update, &resource_step, OP_UPDATE},
    {"GET", "/api/v1/steps/{step_id}/step-configuration", step_configuration, .flags = R_CLAIM, .answer = "object"},
    {"GET", "/api/v1/steps/{step_id}/logs", step_logs, .query = &STEP_LOGS_QUERY, .answer = "string"},
    {"GET", "/api/v1/steps/{step_id}/status", step_status, .flags = R_CLAIM, .answer = "ExecutionStatus"},
};

WORKER(steps, routes)
