/* Endpoint group: run templates */
#include "app/app.h"
#include "document/documents.h"
#include "launch/launch.h"
#include "model/model.h"
#include "template/workload.h"

static const struct route routes[] = {
    LIST("/api/v1/run_templates", resource_run_template),
    GET("/api/v1/run_templates/{template_id}", resource_run_template),
    UPDATE("/api/v1/run_templates/{template_id}", resource_run_template),
    DELETE("/api/v1/run_templates/{template_id}", resource_run_template),
    {"POST", "/api/v1/run_templates/{template_id}/runs", template_run_create, &resource_run,
     .body = &MODEL_RUN_CONFIGURATION, .flags = R_BODY_OPTIONAL, .response = "PipelineRunResponse",
     .needs = NEEDS({&resource_run_template, "read", NEED_PATH, NULL},
                    {&resource_deployment, "create", NEED_TYPE, NULL}, {&resource_run, "create", NEED_TYPE, NULL}),
     .exists = workload_configured, .about = "Starts a run from a template."},
    LIST("/api/v1/workspaces/{workspace_name_or_id}/run_templates", resource_run_template, WITHIN_WORKSPACE),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/run_templates", resource_run_template, WITHIN_WORKSPACE),
};

WORKER(run_templates, routes)
