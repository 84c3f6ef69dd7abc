/* Endpoint group: files of artifact stores, which may be slow to come */
#include "access/needs.h"
#include "app/app.h"
#include "artifact/logs.h"
#include "artifact/visualize.h"
#include "model/model.h"

static const struct route routes[] = {
    {"GET", "/api/v1/steps/{step_id}/logs", step_logs, .query = &STEP_LOGS_QUERY, .response = "string",
     .needs = NEEDS({&resource_step, "read", NEED_PATH, NULL}), .about = "Shows the log of a step, or a part of it."},
    {"GET", "/api/v1/artifact_versions/{artifact_version_id}/visualize", artifact_version_visualize,
     .query = &VISUALIZE_QUERY, .response = "LoadedVisualization",
     .needs = NEEDS({&resource_artifact_version, "read", NEED_PATH, NULL}),
     .about = "Loads a visualization of an artifact version from its artifact store."},
};

WORKER(artifact_files, routes)
