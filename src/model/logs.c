/* Where the output of a step is kept; shown as part of its step. */
#include "model/model.h"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "uri", .section = S_BODY, .schema = "string<65535"},
    {.name = "step_run_id", .target = &resource_step, .enc = E_UUID, .section = S_META, .schema = "uuid|string?"},
    {.name = "pipeline_run_id", .target = &resource_run, .enc = E_UUID, .section = S_META, .schema = "uuid|string?"},
    {.name = "artifact_store_id",
     .target = &resource_component,
     .enc = E_UUID,
     .section = S_META,
     .schema = "string|uuid"},
};

const struct resource resource_logs = {
    .name = "logs",
    .label = "logs",
    .title = "Logs",
    .table = "logs",
    COLUMNS(columns),
    .rank = RANK_LOGS,
};
