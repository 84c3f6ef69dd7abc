/* Schedules: what a client has told an orchestrator about when to run a pipeline. */
#include "document/documents.h"
#include "model/model.h"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "active", .enc = E_BOOL, .section = S_BODY, .filter = F_STRICT_BOOL},
    {.name = "cron_expression", .section = S_BODY, .filter = F_STRING},
    {.name = "start_time", .enc = E_STAMP, .section = S_BODY, .filter = F_STAMP},
    {.name = "end_time", .enc = E_STAMP, .section = S_BODY, .filter = F_STAMP},
    {.name = "interval_second", .enc = E_DURATION, .section = S_BODY, .filter = F_STRICT_FLOAT},
    {.name = "catchup", .enc = E_BOOL, .section = S_BODY, .filter = F_STRICT_BOOL},
    {.name = "run_once_start_time", .enc = E_STAMP, .section = S_BODY, .filter = F_STAMP, .flags = C_NO_UPDATE},
    COL_WORKSPACE,
    COL_TARGET(orchestrator, resource_component, .section = S_META, .filter = F_UUID, .flags = C_NO_UPDATE),
    COL_TARGET(pipeline, resource_pipeline, .section = S_META, .filter = F_UUID, .flags = C_NO_UPDATE),
    COL_NAME,
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 0, REQ | UPD},
    {"active", &T_BOOL, NULL, 0, REQ | UPD},
    {"cron_expression", &T_STRING, NULL, 0, NUL | UPD},
    {"start_time", &T_STAMP, NULL, 0, NUL | UPD},
    {"end_time", &T_STAMP, NULL, 0, NUL | UPD},
    {"interval_second", &T_DURATION, NULL, 0, NUL | UPD},
    {"catchup", &T_BOOL, "false", 0, UPD},
    {"run_once_start_time", &T_STAMP, NULL, 0, NUL | UPD},
    {"orchestrator_id", &T_UUID, NULL, 0, REQ | NUL | UPD},
    {"pipeline_id", &T_UUID, NULL, 0, REQ | NUL | UPD},
};

static const struct model body = MODEL("schedule", fields, .after = schedule_needs_a_time);

const struct resource resource_schedule = {
    .name = "schedule",
    .label = "schedule",
    .title = "Schedule",
    .table = "schedule",
    COLUMNS(columns),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER | X_UNGOVERNED,
    .rank = RANK_SCHEDULE,
};
