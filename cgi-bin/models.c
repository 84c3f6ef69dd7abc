/* Endpoint group: models */
#include "app/app.h"
#include "model/model.h"
#include "prune/steps.h"

static const struct route routes[] = {
    LIST("/api/v1/models", resource_model),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/models", resource_model, .feature = "model", WITHIN_WORKSPACE),
    GET("/api/v1/models/{model_name_or_id}", resource_model, BY_NAME),
    UPDATE("/api/v1/models/{model_id}", resource_model),
    DELETE_LARGE("/api/v1/models/{model_name_or_id}", resource_model, .feature = "model", BY_NAME),
    LIST("/api/v1/models/{model_name_or_id}/model_versions", resource_model_version, .within = &resource_model,
         BY_NAME),
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/models/{model_name_or_id}/model_versions", resource_create,
     .resource = &resource_model_version, .op = OP_CREATE, .flags = R_BARE,
     .needs = NEEDS({&resource_model_version, "create", NEED_TYPE, NULL}), .within = &resource_workspace,
     .params = {PARAM_NAME_OR_ID, PARAM_NAME_OR_ID}},
};

WORKER(models, routes)
