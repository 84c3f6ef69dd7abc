#include "model/handlers.h"

#include "audit/audit.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/artifact_version.h"
#include "resource/total.h"

#include <string.h>

/* What both kinds of link have. */
#define LINK_COLUMNS                                                                                                   \
    COL_TARGET(user, resource_user, .request_name = "user", .filter = F_UUID, .flags = C_FIXED),                       \
        COL_TARGET(workspace, resource_workspace, .request_name = "workspace", .filter = F_UUID, .flags = C_FIXED),    \
        {.name = "model", .col = "model_id", .enc = E_UUID, .section = S_BODY, .flags = C_READONLY},                   \
        COL_TARGET(model, resource_model, .request_name = "model", .filter = F_UUID, .flags = C_FIXED),                \
        {.name = "model_version", .col = "model_version_id", .enc = E_UUID, .section = S_BODY, .flags = C_READONLY},   \
        COL_TARGET(model_version, resource_model_version, .request_name = "model_version", .filter = F_UUID,           \
                   .flags = C_FIXED)

#define LINK_FIELDS                                                                                                    \
    IN_OWNED, {"model", &T_UUID, NULL, 0, REQ},                                                                        \
    {                                                                                                                  \
        "model_version", &T_UUID, NULL, 0, REQ                                                                         \
    }

/* Artifacts ------------------------------------------------------------------------------------------------------ */

static const struct column artifact_columns[] = {
    COL_ID,
    COL_TIMES,
    LINK_COLUMNS,
    COL_SHOWN(artifact_version, resource_artifact_version, S_BODY),
    COL_TARGET(artifact_version, resource_artifact_version, .request_name = "artifact_version", .filter = F_UUID,
               .flags = C_FIXED),
    {.name = "is_model_artifact", .enc = E_BOOL, .section = S_BODY, .null_as = "false"},
    {.name = "is_deployment_artifact", .enc = E_BOOL, .section = S_BODY, .null_as = "false"},
};

#define OF_ARTIFACT OF_ROW("artifact_version x JOIN artifact y ON y.id = x.artifact_id", "id = t.artifact_version_id")

#define ONLY(what, condition)                                                                                          \
    {                                                                                                                  \
        "only_" what, F_STRICT_BOOL, .sql = condition, .fixed = true                                                   \
    }

static const struct filter artifact_filters[] = {
    {"artifact_name", F_STRING, "y.name", OF_ARTIFACT},
    {"has_custom_name", F_STRICT_BOOL, "y.has_custom_name", OF_ARTIFACT},
    ONLY("data_artifacts", "(t.is_model_artifact = 0 AND t.is_deployment_artifact = 0)"),
    ONLY("model_artifacts", "t.is_model_artifact = 1"),
    ONLY("deployment_artifacts", "t.is_deployment_artifact = 1"),
};

static const struct field artifact_fields[] = {
    LINK_FIELDS,
    {"artifact_version", &T_UUID, NULL, 0, REQ},
    {"is_model_artifact", &T_BOOL, "false", 0, 0},
    {"is_deployment_artifact", &T_BOOL, "false", 0, 0},
};

static void check_roles(struct check *c, struct json_object *value)
{
    if (member_bool(value, "is_model_artifact") && member_bool(value, "is_deployment_artifact"))
        check_problem(c, NULL, "value_error", value, "{\"error\":\"two roles\"}",
                      "Value error, an artifact is linked as model or as deployment, not as both");
}

static const struct model artifact_body = MODEL("model_version_artifact", artifact_fields, .after = check_roles);

/* Runs ----------------------------------------------------------------------------------------------------------- */

static const struct column run_columns[] = {
    COL_ID,
    COL_TIMES,
    LINK_COLUMNS,
    COL_SHOWN(pipeline_run, resource_run, S_BODY),
    {.name = "pipeline_run_id", .request_name = "pipeline_run", .enc = E_UUID, .filter = F_UUID, .flags = C_FIXED},
};

static const struct filter run_filters[] = {
    {"pipeline_run_name", F_STRING, "x.name", OF_ROW("pipeline_run x", "id = t.pipeline_run_id"), .fixed = true},
};

static const struct field run_fields[] = {
    LINK_FIELDS,
    {"pipeline_run", &T_UUID, NULL, 0, REQ},
};
static const struct model run_body = MODEL("model_version_pipeline_run", run_fields);

/* Creating ------------------------------------------------------------------------------------------------------- */

static int check_version(struct write *w)
{
    if (!streq(member_hex(w->c->mem, w->body, "model_version"), w->c->param[1]))
        return fail(w->c, EX_ILLEGAL_OPERATION, "The model version %s of the body is not the one of the path",
                    member_str(w->body, "model_version"));
    return OK;
}

/* Equal requests meet at the version's row: the second one finds the link of the first, and is answered with it. */
static int look_for_link(struct write *w)
{
    const char *version = w->c->param[1], *found,
               *target = w->res == &resource_mv_run ? "pipeline_run" : "artifact_version";
    TRY(row_lock(w->c, &resource_model_version, version));
    TRY(sql_value(w->c, &found,
                  arena_printf(w->c->mem,
                               "SELECT id FROM %s WHERE model_version_id = ? AND %s_id = ? ORDER BY created, "
                               "kanso_order LIMIT 1",
                               w->res->table, target),
                  p_text(version), p_text(member_hex(w->c->mem, w->body, target))));
    if (!found)
        return OK;
    memcpy(w->id, found, sizeof w->id);
    w->result = WRITE_FOUND;
    return OK;
}

const struct resource resource_mv_artifact = {
    .name = "model_version_artifact",
    .label = "link of a model version and an artifact",
    .title = "ModelVersionArtifact",
    .table = "model_versions_artifacts",
    COLUMNS(artifact_columns),
    FILTERS(artifact_filters),
    .body = &artifact_body,
    .flags = X_GROWS | X_WORKSPACE | X_OWNER | X_UNGOVERNED,
    .rank = RANK_MV_ARTIFACT,
    .check_create = check_version,
    .before_create = look_for_link,
};

const struct resource resource_mv_run = {
    .name = "model_version_pipeline_run",
    .label = "link of a model version and a run",
    .title = "ModelVersionPipelineRun",
    .table = "model_versions_runs",
    COLUMNS(run_columns),
    FILTERS(run_filters),
    .body = &run_body,
    .flags = X_GROWS | X_WORKSPACE | X_OWNER | X_UNGOVERNED,
    .rank = RANK_MV_RUN,
    .check_create = check_version,
    .before_create = look_for_link,
};

/* Deleting ------------------------------------------------------------------------------------------------------- */

int mv_link_delete(struct ctx *c)
{
    const char *join = c->route->resource == &resource_mv_run
                           ? "JOIN pipeline_run y ON y.id = l.pipeline_run_id"
                           : "JOIN artifact_version v ON v.id = l.artifact_version_id JOIN artifact y ON y.id = "
                             "v.artifact_id";
    const char *named = c->param[1], *id = uuid_hex(c->mem, named);
    const char *table = c->route->resource->table, *found;
    TRY(sql_begin(c));
    TRY(row_lock(c, &resource_model_version, c->param[0]));
    TRY(sql_value(c, &found,
                  arena_printf(c->mem,
                               "SELECT l.id FROM %s l %s WHERE l.model_version_id = ? AND %s = ? ORDER BY l.created, "
                               "l.kanso_order LIMIT 1",
                               table, id ? "" : join, id ? "l.id" : "y.name"),
                  p_text(c->param[0]), p_text(id ? id : named)));
    if (!found)
        return fail(c, EX_KEY, "The model version has no link to '%s'", named);
    TRY(sql(c, NULL, arena_printf(c->mem, "DELETE FROM %s WHERE id = ?", table), p_text(found)));
    TRY(total_deleted(c));
    audit_changed(c, c->route->resource, found, id ? NULL : named, DELETED);
    TRY(sql_commit(c));
    return respond_null(c);
}

static const struct field delete_fields[] = {{"only_links", &T_BOOL, "true", 0, 0}};
const struct model MV_ARTIFACTS_DELETE_QUERY = MODEL("model_version_artifacts", delete_fields);

static int delete_linked(struct ctx *c)
{
    struct db_rows linked;
    TRY(sql(c, &linked, "SELECT DISTINCT artifact_version_id FROM model_versions_artifacts WHERE model_version_id = ?",
            p_text(c->param[0])));
    return artifact_versions_delete(c, sql_first_column(c->mem, &linked), linked.count);
}

int mv_artifacts_delete(struct ctx *c)
{
    TRY(sql_begin(c));
    TRY(row_lock(c, &resource_model_version, c->param[0]));
    if (!member_bool(c->query, "only_links"))
        TRY(delete_linked(c));
    TRY(sql(c, NULL, "DELETE FROM model_versions_artifacts WHERE model_version_id = ?", p_text(c->param[0])));
    TRY(total_deleted(c));
    audit_changed(c, &resource_model_version, c->param[0], NULL, UPDATED);
    TRY(sql_commit(c));
    return respond_null(c);
}
