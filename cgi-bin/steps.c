/* Endpoint group: step runs */
#include "access/needs.h"
#include "app/app.h"
#include "model/model.h"
#include "model/step.h"

static const struct route routes[] = {
    LIST("/api/v1/steps", resource_step),
    {"POST", "/api/v1/steps", resource_create, &resource_step, OP_CREATE, .flags = R_BARE,
     .needs = NEEDS({&resource_run, "update", NEED_TYPE, need_run_of_step})},
    {"GET", "/api/v1/steps/{step_id}", step_get, &resource_step, OP_GET, .flags = R_HYDRATE,
     .needs = NEEDS({&resource_step, "read", NEED_PATH, NULL})},
    {"PUT", "/api/v1/steps/{step_id}", step_update, &resource_step, OP_UPDATE,
     .needs = NEEDS({&resource_step, "update", NEED_PATH, NULL})},
    {"GET", "/api/v1/steps/{step_id}/step-configuration", step_configuration, .flags = R_DEFER_AUTH,
     .response = "object", .needs = NEEDS({&resource_step, "read", NEED_PATH, NULL}),
     .about = "Shows the configuration with which a step was started."},
    {"GET", "/api/v1/steps/{step_id}/status", resource_member, &resource_step, .member = "status",
     .flags = R_DEFER_AUTH, .response = "ExecutionStatus", .needs = NEEDS({&resource_step, "read", NEED_PATH, NULL}),
     .about = "Tells the status of a step."},
};

WORKER(steps, routes)
