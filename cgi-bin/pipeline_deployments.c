/* Endpoint group: pipeline deployments */
#include "app/app.h"
#include "launch/launch.h"
#include "model/model.h"
#include "prune/steps.h"
#include "template/workload.h"

static const struct route routes[] = {
    LIST("/api/v1/pipeline_deployments", resource_deployment),
    GET("/api/v1/pipeline_deployments/{deployment_id}", resource_deployment),
    DELETE_LARGE("/api/v1/pipeline_deployments/{deployment_id}", resource_deployment),
    {"GET", "/api/v1/pipeline_deployments/{deployment_id}/logs", deployment_logs, .response = "string",
     .needs = NEEDS({&resource_deployment, "read", NEED_PATH, NULL}), .exists = workload_configured,
     .about = "Shows the log of a run that the server has started."},
    LIST("/api/v1/workspaces/{workspace_name_or_id}/pipeline_deployments", resource_deployment, WITHIN_WORKSPACE),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/pipeline_deployments", resource_deployment, WITHIN_WORKSPACE),
};

WORKER(pipeline_deployments, routes)
