/* Endpoint group: model_versions */
#include "access/needs.h"
#include "app/app.h"
#include "model/handlers.h"
#include "model/model.h"
#include "prune/steps.h"

static const struct route routes[] = {
    LIST("/api/v1/model_versions", resource_model_version),
    GET("/api/v1/model_versions/{model_version_id}", resource_model_version),
    {"PUT", "/api/v1/model_versions/{model_version_id}", resource_update, &resource_model_version, OP_UPDATE,
     .needs = NEEDS({&resource_model_version, "update", NEED_PATH, need_version_update})},
    DELETE_LARGE("/api/v1/model_versions/{model_version_id}", resource_model_version),
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/model_versions/{model_version_id}/artifacts", resource_create,
     .resource = &resource_mv_artifact, .op = OP_CREATE,
     .needs = NEEDS({&resource_model_version, "update", NEED_PATH_2, NULL}), WITHIN_WORKSPACE,
     .about = "Links an artifact version with a model version."},
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/model_versions/{model_version_id}/runs", resource_create,
     .resource = &resource_mv_run, .op = OP_CREATE,
     .needs = NEEDS({&resource_model_version, "update", NEED_PATH_2, NULL}), WITHIN_WORKSPACE,
     .about = "Links a run with a model version."},
    {"DELETE", "/api/v1/model_versions/{model_version_id}/artifacts", mv_artifacts_delete,
     .resource = &resource_mv_artifact, .query = &MV_ARTIFACTS_DELETE_QUERY,
     .needs = NEEDS({&resource_model_version, "update", NEED_PATH, NULL}),
     .about = "Removes all links between a model version and artifacts."},
    {"DELETE", "/api/v1/model_versions/{model_version_id}/artifacts/{model_version_artifact_link_name_or_id}",
     mv_link_delete, .resource = &resource_mv_artifact, .op = OP_DELETE,
     .needs = NEEDS({&resource_model_version, "update", NEED_PATH, NULL}), .params = {PARAM_ID, PARAM_NAME_OR_ID},
     .about = "Removes the link between a model version and an artifact."},
    {"DELETE", "/api/v1/model_versions/{model_version_id}/runs/{model_version_pipeline_run_link_name_or_id}",
     mv_link_delete, .resource = &resource_mv_run, .op = OP_DELETE,
     .needs = NEEDS({&resource_model_version, "update", NEED_PATH, NULL}), .params = {PARAM_ID, PARAM_NAME_OR_ID},
     .about = "Removes the link between a model version and a run."},
};

WORKER(model_versions, routes)
