/* Endpoint group: services */
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/services", resource_service),
    CREATE("/api/v1/services", resource_service),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/services", resource_service, WITHIN_WORKSPACE),
    GET("/api/v1/services/{service_id}", resource_service),
    UPDATE("/api/v1/services/{service_id}", resource_service),
    DELETE("/api/v1/services/{service_id}", resource_service),
};

WORKER(services, routes)
