/* Endpoint group: model_version_artifacts */
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/model_version_artifacts", resource_mv_artifact),
};

WORKER(model_version_artifacts, routes)
