/* Endpoint group: artifact_versions */
#include "app/app.h"
#include "model/artifact_version.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/artifact_versions", resource_artifact_version),
    CREATE("/api/v1/artifact_versions", resource_artifact_version),
    {"DELETE", "/api/v1/artifact_versions/", artifact_versions_prune, .query = &PRUNE_QUERY,
     .needs = NEEDS({&resource_artifact_version, "prune", NEED_TYPE, NULL}),
     .about = "Deletes the artifact versions that nothing uses any more."},
    GET("/api/v1/artifact_versions/{artifact_version_id}", resource_artifact_version),
    UPDATE("/api/v1/artifact_versions/{artifact_version_id}", resource_artifact_version),
    DELETE("/api/v1/artifact_versions/{artifact_version_id}", resource_artifact_version),
};

WORKER(artifact_versions, routes)
