/* Endpoint group: run metadata */
#include "access/needs.h"
#include "app/app.h"
#include "model/handlers.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/run-metadata", resource_run_metadata),
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/run-metadata", run_metadata_create, &resource_run_metadata,
     OP_CREATE, .response = "[RunMetadataResponse]",
     .needs = NEEDS({&resource_run_metadata, "create", NEED_TYPE, need_metadata_target}), WITHIN_WORKSPACE,
     .about = "Adds metadata to a run, a step, an artifact version or a model version."},
    {"GET", "/api/v1/run-metadata/{run_metadata_id}", resource_get, &resource_run_metadata, OP_GET,
     .flags = R_NO_HYDRATE, .needs = NEEDS({&resource_run_metadata, "read", NEED_SHOWN, NULL}),
     .about = "Shows one value of the metadata, found by its id."},
};

WORKER(run_metadata, routes)
