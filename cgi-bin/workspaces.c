/* Endpoint group: workspaces */
#include "app/app.h"
#include "model/handlers.h"
#include "model/model.h"
#include "prune/steps.h"

static const struct route routes[] = {
    LIST("/api/v1/workspaces", resource_workspace),
    CREATE("/api/v1/workspaces", resource_workspace),
    GET("/api/v1/workspaces/{workspace_name_or_id}", resource_workspace, BY_NAME),
    UPDATE("/api/v1/workspaces/{workspace_name_or_id}", resource_workspace),
    DELETE_LARGE("/api/v1/workspaces/{workspace_name_or_id}", resource_workspace, BY_NAME),
    {"GET", "/api/v1/workspaces/{workspace_name_or_id}/statistics", workspace_statistics,
     .flags = R_DEFER_AUTH | R_COUNTS, .response = "{int}", .open = "counts what is left by access_readable()", BY_NAME,
     .about = "Counts what is in a workspace."},
};

WORKER(workspaces, routes)
