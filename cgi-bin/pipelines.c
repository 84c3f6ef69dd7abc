/* Endpoint group: pipelines (their runs: runs.c) */
#include "app/app.h"
#include "model/model.h"
#include "prune/steps.h"

static const struct route routes[] = {
    LIST("/api/v1/pipelines", resource_pipeline),
    GET("/api/v1/pipelines/{pipeline_id}", resource_pipeline),
    UPDATE("/api/v1/pipelines/{pipeline_id}", resource_pipeline),
    DELETE_LARGE("/api/v1/pipelines/{pipeline_id}", resource_pipeline, .feature = "pipeline"),
    LIST("/api/v1/workspaces/{workspace_name_or_id}/pipelines", resource_pipeline, WITHIN_WORKSPACE),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/pipelines", resource_pipeline, .feature = "pipeline",
           WITHIN_WORKSPACE),
};

WORKER(pipelines, routes)
