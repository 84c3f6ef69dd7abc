/* Endpoint group: pipeline builds */
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/pipeline_builds", resource_build),
    GET("/api/v1/pipeline_builds/{build_id}", resource_build),
    DELETE("/api/v1/pipeline_builds/{build_id}", resource_build),
    LIST("/api/v1/workspaces/{workspace_name_or_id}/pipeline_builds", resource_build, WITHIN_WORKSPACE),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/pipeline_builds", resource_build, WITHIN_WORKSPACE),
};

WORKER(pipeline_builds, routes)
