#include "transfer/transfer.h"

#include "base/text.h"

#define OF_WORKSPACE      "t.workspace_id = @"
#define OF(table, column) "EXISTS (SELECT 1 FROM `" table "` x WHERE x.id = t." column " AND x.workspace_id = @)"

/* Tags hang on rows of these by id alone. */
#define TAGGED                                                                                                         \
    "t.resource_id IN (SELECT id FROM pipeline WHERE workspace_id = @ UNION ALL SELECT id FROM pipeline_run "          \
    "WHERE workspace_id = @ UNION ALL SELECT id FROM model WHERE workspace_id = @ UNION ALL SELECT id FROM "           \
    "model_version WHERE workspace_id = @ UNION ALL SELECT id FROM artifact_version WHERE workspace_id = "             \
    "@ UNION ALL SELECT artifact_id FROM artifact_version WHERE workspace_id = @ UNION ALL SELECT id FROM "            \
    "run_template WHERE workspace_id = @)"

const struct transfer_kind transfer_kinds[] = {
    {.table = "flavor", .where = OF_WORKSPACE, .same = "name type workspace_id"},
    {.table = "secret", .where = OF_WORKSPACE, .same = "name scope workspace_id"},
    {.table = "service_connector", .where = OF_WORKSPACE, .same = "name workspace_id"},
    {.table = "stack_component", .where = OF_WORKSPACE, .same = "name type workspace_id"},
    {.table = "stack", .where = OF_WORKSPACE, .same = "name workspace_id"},
    {.table = "stack_composition", .where = OF("stack", "stack_id"), .link = true},
    {.table = "code_repository", .where = OF_WORKSPACE, .same = "name workspace_id"},
    {.table = "code_reference", .where = OF_WORKSPACE},
    {.table = "pipeline", .where = OF_WORKSPACE, .same = "name workspace_id"},
    {.table = "model", .where = OF_WORKSPACE, .same = "name workspace_id"},
    {.table = "tag", .where = "t.id IN (SELECT t.tag_id FROM tag_resource t WHERE " TAGGED ")", .same = "name"},
    {.table = "pipeline_build", .where = OF_WORKSPACE, .history = true},
    {.table = "schedule", .where = OF_WORKSPACE, .history = true},
    {.table = "pipeline_deployment", .where = OF_WORKSPACE, .history = true},
    {.table = "run_template", .where = OF_WORKSPACE, .taken = "name workspace_id", .history = true},
    {.table = "model_version", .where = OF_WORKSPACE, .taken = "model_id name", .history = true},
    {.table = "action", .where = OF_WORKSPACE, .taken = "name workspace_id", .history = true},
    {.table = "event_source", .where = OF_WORKSPACE, .taken = "name workspace_id", .history = true},
    {.table = "trigger", .where = OF_WORKSPACE, .taken = "name workspace_id", .history = true},
    {.table = "trigger_execution", .where = OF("trigger", "trigger_id"), .scope = "trigger_id", .history = true},
    {.table = "pipeline_run", .where = OF_WORKSPACE, .taken = "name", .history = true},
    {.table = "step_run", .where = OF_WORKSPACE, .history = true},
    {.table = "step_run_parents", .where = OF("step_run", "parent_id"), .link = true, .history = true},
    {.table = "artifact",
     .where = "EXISTS (SELECT 1 FROM artifact_version x WHERE x.artifact_id = t.id AND x.workspace_id = @)",
     .same = "name",
     .history = true},
    {.table = "artifact_version", .where = OF_WORKSPACE, .taken = "artifact_id version", .history = true},
    {.table = "artifact_visualization",
     .where = OF("artifact_version", "artifact_version_id"),
     .scope = "artifact_version_id",
     .history = true},
    {.table = "step_run_input_artifact", .where = OF("step_run", "step_id"), .link = true, .history = true},
    {.table = "step_run_output_artifact", .where = OF("step_run", "step_id"), .link = true, .history = true},
    {.table = "run_metadata", .where = OF_WORKSPACE, .history = true},
    {.table = "logs",
     .where = "(EXISTS (SELECT 1 FROM pipeline_run x WHERE x.id = t.pipeline_run_id AND x.workspace_id = @) OR "
              "EXISTS (SELECT 1 FROM step_run x WHERE x.id = t.step_run_id AND x.workspace_id = @))",
     .scope = "artifact_store_id",
     .history = true},
    {.table = "model_versions_artifacts", .where = OF_WORKSPACE, .history = true},
    {.table = "model_versions_runs", .where = OF_WORKSPACE, .history = true},
    {.table = "service", .where = OF_WORKSPACE, .taken = "name workspace_id", .history = true},
    {.table = "tag_resource", .where = TAGGED, .scope = "resource_id"},
    {.table = NULL},
};

bool transfer_is_user(const char *column)
{
    return streq(column, "user_id") || streq(column, "service_account_id");
}

/* Without the order of creation, which each database counts for itself. */
static const char COLUMNS[] =
    "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = DATABASE() AND "
    "table_name = ? AND column_name <> 'kanso_order' AND COALESCE(generation_expression, '') = '' ORDER BY "
    "ordinal_position";

const char *transfer_columns(struct transfer *t, const char *table, struct db_rows *out)
{
    struct db_param p = p_text(table);
    return db_run(t->m.db, t->m.mem, out, COLUMNS, &p, 1) == DB_OK ? NULL : migrate_trouble(&t->m);
}

const char *transfer_workspace(struct transfer *t, const char *name, const char **id)
{
    struct db_rows r;
    struct db_param p = p_text(name);
    if (db_run(t->m.db, t->m.mem, &r, "SELECT id FROM workspace WHERE name = ? ORDER BY created LIMIT 1", &p, 1) !=
        DB_OK)
        return migrate_trouble(&t->m);
    t->missing = !r.count;
    if (t->missing)
        return arena_printf(t->m.mem, "there is no workspace '%s': make it first, or name another one", name);
    *id = r.values->s;
    return NULL;
}
