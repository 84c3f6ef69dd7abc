/* Pipeline builds: the images that a pipeline's steps run in. Never updated. */
#include "document/documents.h"
#include "model/model.h"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    COL_WORKSPACE,
    COL_LINK(pipeline, resource_pipeline, S_META),
    COL_LINK(stack, resource_stack, S_META),
    {.name = "images", .enc = E_JSON, .section = S_META, .type = &T_BUILD_ITEMS},
    {.name = "zenml_version", .section = S_META, .filter = F_STRING},
    {.name = "python_version", .section = S_META, .filter = F_STRING},
    {.name = "checksum", .section = S_META, .filter = F_STRING},
    {.name = "stack_checksum", .section = S_META},
    {.name = "is_local", .enc = E_BOOL, .section = S_META, .filter = F_STRICT_BOOL},
    {.name = "contains_code", .enc = E_BOOL, .section = S_META, .filter = F_STRICT_BOOL},
};

static const struct field fields[] = {
    IN_OWNED,
    {"images", &T_BUILD_ITEMS, "{}"},
    {"is_local", &T_BOOL, NULL, 0, REQ},
    {"contains_code", &T_BOOL, NULL, 0, REQ},
    {"zenml_version", &T_STRING, NULL, 0, NUL},
    {"python_version", &T_STRING, NULL, 0, NUL},
    {"checksum", &T_STRING, NULL, 0, NUL},
    {"stack_checksum", &T_STRING, NULL, 0, NUL},
    {"stack", &T_UUID, NULL, 0, NUL},
    {"pipeline", &T_UUID, NULL, 0, NUL},
};
static const struct model body = MODEL("pipeline_build", fields);

const struct resource resource_build = {
    .name = "pipeline_build",
    .label = "pipeline build",
    .title = "PipelineBuild",
    .table = "pipeline_build",
    COLUMNS(columns),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER,
    .rank = RANK_BUILD,
};
