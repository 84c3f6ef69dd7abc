/* Endpoint group: model_version_pipeline_runs */
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/model_version_pipeline_runs", resource_mv_run),
};

WORKER(model_version_pipeline_runs, routes)
