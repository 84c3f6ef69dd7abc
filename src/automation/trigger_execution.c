/* What a trigger has started: shown, body only, as part of the run that it led to. */
#include "model/model.h"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "event_metadata", .enc = E_B64, .section = S_META, .null_as = "{}", .schema = "={}"},
    {.name = "trigger_id", .target = &resource_trigger, .enc = E_UUID},
};

const struct resource resource_trigger_execution = {
    .name = "trigger_execution",
    .label = "trigger execution",
    .title = "TriggerExecution",
    .table = "trigger_execution",
    COLUMNS(columns),
    .rank = RANK_TRIGGER_EXECUTION,
};
