/* Pipelines: a name that runs gather under. Only description and tags ever change. */
#include "model/model.h"

#define NEWEST_RUN(column)                                                                                             \
    "(SELECT r." column                                                                                                \
    " FROM pipeline_run r WHERE r.pipeline_id = t.id ORDER BY r.created DESC, r.kanso_order DESC LIMIT 1)"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "latest_run_id", .sql = NEWEST_RUN("id"), .enc = E_UUID, .section = S_BODY, .schema = "?"},
    {.name = "latest_run_status", .sql = NEWEST_RUN("status"), .section = S_BODY, .schema = "ExecutionStatus?"},
    COL_WORKSPACE,
    {.name = "description", .section = S_META, .flags = C_ALWAYS, .schema = "string?"},
    COL_TAGS(S_RES),
    COL_NAME_AS(C_FIXED),
    {.name = "latest_run",
     .flags = C_SORT,
     .sql = "COALESCE((SELECT MAX(r.created) FROM pipeline_run r WHERE r.pipeline_id = t.id), t.created)"},
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ},
    {"description", &T_STRING, NULL, 65535, NUL | UPD},
    {"tags", &T_STRINGS, NULL, 0, NUL | HOOK},
    {"add_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
    {"remove_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
};
static const struct model body = MODEL("pipeline", fields);

/* Schedules outlive their pipeline, although the foreign key would take them along. */
static int keep_schedules(struct write *w)
{
    return sql(w->c, NULL, "UPDATE schedule SET pipeline_id = NULL WHERE pipeline_id = ?", p_text(w->id));
}

static const struct filter filters[] = {
    TAG_FILTER("pipeline"),
};

const struct resource resource_pipeline = {
    .name = "pipeline",
    .label = "pipeline",
    .title = "Pipeline",
    .table = "pipeline",
    COLUMNS(columns),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER,
    .rank = RANK_PIPELINE,
    .unique = {.columns = {"name", "workspace_id"}, .error = EX_ENTITY_EXISTS},
    FILTERS(filters),
    .tag_type = "pipeline",
    .before_delete = keep_schedules,
};
