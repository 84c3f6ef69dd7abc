/* Where the output of a step is kept; shown as part of its step. */
#include "model/model.h"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "uri", .section = S_BODY, .schema = "string<65535"},
    COL_TARGET(step_run, resource_step, .section = S_META, .schema = "uuid|string?"),
    COL_TARGET(pipeline_run, resource_run, .section = S_META, .schema = "uuid|string?"),
    COL_TARGET(artifact_store, resource_component, .section = S_META, .schema = "string|uuid"),
};

const struct resource resource_logs = {
    .name = "logs",
    .label = "logs",
    .title = "Logs",
    .table = "logs",
    COLUMNS(columns),
    .rank = RANK_LOGS,
};
