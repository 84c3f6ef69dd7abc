/* Endpoint group: code repositories */
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/code_repositories", resource_code_repository),
    GET("/api/v1/code_repositories/{code_repository_id}", resource_code_repository),
    UPDATE("/api/v1/code_repositories/{code_repository_id}", resource_code_repository),
    DELETE("/api/v1/code_repositories/{code_repository_id}", resource_code_repository),
    LIST("/api/v1/workspaces/{workspace_name_or_id}/code_repositories", resource_code_repository, WITHIN_WORKSPACE),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/code_repositories", resource_code_repository, WITHIN_WORKSPACE),
};

WORKER(code_repositories, routes)
