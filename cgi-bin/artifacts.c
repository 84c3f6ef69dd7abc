/* Endpoint group: artifacts */
#include "app/app.h"
#include "model/model.h"
#include "prune/steps.h"

static const struct route routes[] = {
    LIST("/api/v1/artifacts", resource_artifact),
    CREATE("/api/v1/artifacts", resource_artifact),
    GET("/api/v1/artifacts/{artifact_id}", resource_artifact),
    UPDATE("/api/v1/artifacts/{artifact_id}", resource_artifact),
    DELETE_LARGE("/api/v1/artifacts/{artifact_id}", resource_artifact),
};

WORKER(artifacts, routes)
