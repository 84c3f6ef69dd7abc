/* Endpoint group: model_versions */
#include "app/app.h"
#include "model/mv_link.h"

static const struct route routes[] = {
    LIST("/api/v1/model_versions", resource_model_version),
    GET("/api/v1/model_versions/{model_version_id}", resource_model_version),
    UPDATE("/api/v1/model_versions/{model_version_id}", resource_model_version),
    DELETE("/api/v1/model_versions/{model_version_id}", resource_model_version),
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/model_versions/{model_version_id}/artifacts", mv_link_create,
     .resource = &resource_mv_artifact, .op = OP_CREATE},
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/model_versions/{model_version_id}/runs", mv_link_create,
     .resource = &resource_mv_run, .op = OP_CREATE},
    {"DELETE", "/api/v1/model_versions/{model_version_id}/artifacts", mv_artifacts_delete,
     .resource = &resource_mv_artifact, .query = &MV_ARTIFACTS_DELETE_QUERY},
    {"DELETE", "/api/v1/model_versions/{model_version_id}/artifacts/{model_version_artifact_link_name_or_id}",
     mv_link_delete, .resource = &resource_mv_artifact, .op = OP_DELETE},
    {"DELETE", "/api/v1/model_versions/{model_version_id}/runs/{model_version_pipeline_run_link_name_or_id}",
     mv_link_delete, .resource = &resource_mv_run, .op = OP_DELETE},
};

WORKER(model_versions, routes)
