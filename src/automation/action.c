/* Actions: what triggers lead to. The one kind there is starts a run from a template, as a service account. */
#include "automation/plugin.h"
#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/model.h"
#include "resource/stored.h"

#include <string.h>

static const char TYPE[] = "action";

static void show_whole(const struct cell *at, struct jw *w)
{
    const struct row *other = view_find(at->view, at->col->target, row_str(at->row, at->col->name));
    if (other)
        view_write(at->view, w, other, D_RES);
    else
        jw_null(w);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER_AS(F_NONE),
    {.name = "flavor", .section = S_BODY, .filter = F_STRING},
    {.name = "plugin_subtype", .section = S_BODY, .filter = F_STRING},
    COL_WORKSPACE_AS(F_NONE),
    {.name = "description", .section = S_META, .null_as = "\"\""},
    {.name = "configuration", .enc = E_B64, .section = S_META},
    {.name = "auth_window", .enc = E_INT, .section = S_META, .schema = "int"},
    {.name = "service_account",
     .col = "service_account_id",
     .request_name = "service_account_id",
     .ref = &resource_user,
     .enc = E_UUID,
     .section = S_RES},
    {.name = "run_template",
     .target = &resource_run_template,
     .enc = E_UUID,
     .section = S_RES,
     .show = show_whole,
     .flags = C_IF_HYDRATED,
     .schema = "RunTemplateResponse~"},
    {.name = "pipeline",
     .target = &resource_pipeline,
     .enc = E_UUID,
     .section = S_RES,
     .show = show_whole,
     .flags = C_IF_HYDRATED,
     .schema = "PipelineResponse~"},
    COL_NAME,
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"description", &T_STRING, "\"\"", 255, UPD},
    {"flavor", &T_STRING, NULL, 255, REQ},
    {"plugin_subtype", &T_PLUGIN_SUBTYPE, NULL, 0, REQ},
    {"configuration", &T_MAP_ANY, NULL, 0, REQ | UPD},
    {"service_account_id", &T_UUID, NULL, 0, REQ | UPD},
    {"auth_window", &T_INT, NULL, 0, NUL | UPD},
};
static const struct model body = MODEL("action", fields);

/* The template (hex) that a stored configuration names; NULL when it is damaged. */
static const char *template_of(struct arena *a, const struct row *row)
{
    struct json_object *stored =
        stored_base64_tree(a, row_span(row, "configuration"), json_type_object, row_origin(row, "configuration"));
    return stored ? uuid_hex(a, member_str(stored, "template_id")) : NULL;
}

static int no_template(struct ctx *c, const char *hex)
{
    return fail(c, EX_VALUE, "No template found with id %s.", uuid_dashed(c->mem, hex));
}

static int load_templates(struct view *v, struct row **rows, size_t count)
{
    struct arena *mem = view_ctx(v)->mem;
    const char **ids = arena_array(mem, count + 1, sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const char *id = template_of(mem, rows[i]);
        row_set(rows[i], "run_template", id);
        if (id)
            ids[n++] = id;
    }
    return n ? view_fetch(v, &resource_run_template, D_RES, ids, n) : OK;
}

/* Hydrated actions show their template and its pipeline, with what belongs to them. One whose template has been deleted
 * cannot be shown whole, and says so; in a list it stands without. */
static int load(struct view *v, struct row **rows, size_t count)
{
    struct ctx *c = view_ctx(v);
    size_t n, pipelines = 0;
    struct row **whole = view_rows_with(v, rows, count, D_META, &n);
    const char **ids = arena_array(c->mem, n + 1, sizeof *ids);
    TRY(load_templates(v, whole, n));
    for (size_t i = 0; i < n; i++) {
        const char *id = row_str(whole[i], "run_template");
        const struct row *template = view_find(v, &resource_run_template, id);
        const char *pipeline = template ? row_str(template, "pipeline") : NULL;
        if (id && !template && c->route->op != OP_LIST)
            return no_template(c, id);
        row_set(whole[i], "run_template", template ? id : NULL);
        row_set(whole[i], "pipeline", pipeline);
        if (pipeline)
            ids[pipelines++] = pipeline;
    }
    return pipelines ? view_fetch(v, &resource_pipeline, D_RES, ids, pipelines) : OK;
}

/* Checks --------------------------------------------------------------------------------------------------------- */

static int check_account(struct ctx *c, const char *id)
{
    struct db_rows found;
    char hex[UUID_HEX + 1];
    uuid_read(id, strlen(id), hex);
    TRY(sql(c, &found, "SELECT id FROM user WHERE id = ? AND is_service_account = 1", p_text(hex)));
    return found.count ? OK : fail(c, EX_KEY, "No service account with the '%s' name or ID was found", id);
}

static int check_template(struct ctx *c, const char *hex)
{
    struct db_rows found;
    TRY(sql(c, &found, "SELECT id FROM run_template WHERE id = ?", p_text(hex)));
    return found.count ? OK : no_template(c, hex);
}

/* Checks a configuration, and leaves in the body the form in which it is stored. */
static int check_configuration(struct write *w, const char *subtype, const char *flavor)
{
    struct ctx *c = w->c;
    const struct plugin *p;
    int rc = plugin_find(c, TYPE, subtype, flavor, &p);
    struct json_object *checked =
        rc == OK ? plugin_check(c, p->configuration, member(w->body, "configuration"), TYPE) : NULL;
    if (!checked)
        return FAILED;
    json_object_object_add(w->body, "configuration",
                           json_object_get(model_stored(c->mem, p->configuration, checked, false)));
    const char *id = member_str(checked, "template_id");
    char hex[UUID_HEX + 1];
    uuid_read(id, strlen(id), hex);
    return check_template(c, hex);
}

static int check_create(struct write *w)
{
    int rc = check_account(w->c, member_str(w->body, "service_account_id"));
    if (!member(w->body, "auth_window"))
        write_set(w, "auth_window", p_int(config.pipeline_run_auth_window));
    return rc == OK ? check_configuration(w, member_str(w->body, "plugin_subtype"), member_str(w->body, "flavor")) : rc;
}

static int before_update(struct write *w)
{
    const char *account = member_str(w->body, "service_account_id"), *template = template_of(w->c->mem, w->old);
    if (account)
        TRY(check_account(w->c, account));
    if (member(w->body, "configuration"))
        return check_configuration(w, row_str(w->old, "plugin_subtype"), row_str(w->old, "flavor"));
    return template ? check_template(w->c, template) : OK;
}

static int before_delete(struct write *w)
{
    struct db_rows used;
    TRY(sql(w->c, &used, "SELECT COUNT(*) FROM `trigger` WHERE action_id = ?", p_text(w->id)));
    if (streq(db_row(&used, 0)[0].s, "0"))
        return OK;
    return fail(w->c, EX_ILLEGAL_OPERATION, "Unable to delete action with ID `%s` as it is used by %s triggers.",
                uuid_dashed(w->c->mem, w->id), db_row(&used, 0)[0].s);
}

const struct resource resource_action = {
    .name = "action",
    .label = "action",
    .title = "Action",
    .table = "action",
    COLUMNS(columns),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER,
    .rank = RANK_ACTION,
    .unique = {.columns = {"name", "workspace_id"}, .error = EX_ENTITY_EXISTS, .on_update = true},
    .load = load,
    .check_create = check_create,
    .before_update = before_update,
    .before_delete = before_delete,
};
