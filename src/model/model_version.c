/* Versions of models: numbered within their model, at most one of them in a stage. */
#include "model/model.h"

#include "audit/audit.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "document/documents.h"
#include "model/orphans.h"
#include "resource/filter.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT_LINKS = SLOT_FIRST, SLOT_SERVICES };

/* Loading -------------------------------------------------------------------------------------------------------- */

/* What a link is to the version: artifact versions, the model itself before a deployment, or a run. */
enum role { DATA = '0', MODEL_ITSELF, DEPLOYMENT, RUN };

/* They are sorted here: a version may have thousands, and for a UNION with an order the database writes all of them
 * into a table first. For each it copies the widest row that might be, and each value has its price: no more than is
 * needed.
 */
static const char LINKS[] =
    "SELECT l.model_version_id, o.id, a.name, o.version, IF(l.is_model_artifact, 1, IF(l.is_deployment_artifact, 2, "
    "0)), l.created, l.kanso_order FROM model_versions_artifacts l STRAIGHT_JOIN artifact_version o ON o.id = "
    "l.artifact_version_id STRAIGHT_JOIN artifact a ON a.id = o.artifact_id WHERE l.model_version_id IN %s UNION ALL "
    "SELECT l.model_version_id, r.id, r.name, NULL, 3, l.created, l.kanso_order FROM model_versions_runs l "
    "STRAIGHT_JOIN pipeline_run r ON r.id = l.pipeline_run_id WHERE l.model_version_id IN %s";
enum { L_VERSION = 3, L_ROLE, L_CREATED, L_ORDER };

static int role_of(const struct link *link)
{
    return *link->values[L_ROLE].s;
}

/* Artifacts by name, and what is of the same one, and runs, by when they were linked. */
static int compare_links(const void *one, const void *other)
{
    const struct link *a = *(struct link *const *)one, *b = *(struct link *const *)other;
    const struct db_value *x = a->values, *y = b->values;
    bool is_run = role_of(a) == RUN;
    int sign = is_run - (role_of(b) == RUN);
    sign = sign || is_run ? sign : strcmp(a->key, b->key);
    sign = sign ? sign : strcmp(x[L_CREATED].s, y[L_CREATED].s);
    sign = sign ? sign : (x[L_ORDER].len > y[L_ORDER].len) - (x[L_ORDER].len < y[L_ORDER].len); /* numbers */
    return sign ? sign : strcmp(x[L_ORDER].s, y[L_ORDER].s);
}

static void sort_links(struct arena *mem, struct row *row)
{
    size_t n = 0;
    for (struct link *link = row->links[SLOT_LINKS]; link; link = link->next)
        n++;
    struct link **all = arena_array(mem, n + 1, sizeof *all), **end = &row->links[SLOT_LINKS];
    n = 0;
    for (struct link *link = row->links[SLOT_LINKS]; link; link = link->next)
        all[n++] = link;
    qsort(all, n, sizeof *all, compare_links);
    for (size_t i = 0; i < n; i++, end = &(*end)->next)
        *end = all[i];
    *end = NULL;
    row->link_ends[SLOT_LINKS] = end;
}

static int load(struct view *v, struct row **rows, size_t count)
{
    TRY(view_links(v, rows, count, SLOT_LINKS, NULL, LINKS));
    for (size_t i = 0; i < count; i++)
        sort_links(view_ctx(v)->mem, rows[i]);
    return view_pages(v, rows, count, SLOT_SERVICES, &resource_service, D_META | D_RES, "model_version_id");
}

/* Showing -------------------------------------------------------------------------------------------------------- */

/* {artifact name: {version: id}} of a role; the links come ordered by name. */
static void show_artifacts(const struct cell *at, struct jw *w)
{
    const char *name = NULL;
    jw_open(w, '{');
    for (const struct link *link = at->row->links[SLOT_LINKS]; link; link = link->next) {
        if (role_of(link) != at->col->arg)
            continue;
        if (!name || !streq(name, link->key)) {
            if (name)
                jw_close(w, '}');
            name = link->key;
            jw_key_open(w, name, '{');
        }
        jw_key_uuid(w, link->values[L_VERSION].s, link->id);
    }
    if (name)
        jw_close(w, '}');
    jw_close(w, '}');
}

static void show_runs(const struct cell *at, struct jw *w)
{
    jw_open(w, '{');
    for (const struct link *link = at->row->links[SLOT_LINKS]; link; link = link->next) {
        if (role_of(link) != RUN)
            continue;
        jw_key_uuid(w, link->key, link->id);
    }
    jw_close(w, '}');
}

/* The first page of the version's services. */
static void show_services(const struct cell *at, struct jw *w)
{
    view_write_page(at->view, w, at->row, SLOT_SERVICES, &resource_service, D_META | D_RES);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "stage", .section = S_BODY, .filter = F_STRING, .type = &T_MODEL_STAGE},
    {.name = "number", .enc = E_INT, .section = S_BODY, .filter = F_STRICT_INT, .flags = C_READONLY, .schema = "int"},
    COL_SHOWN(model, resource_model, S_BODY),
    {.name = "model_id", .request_name = "model", .enc = E_UUID, .flags = C_NO_UPDATE},
    {.name = "model_artifact_ids",
     .section = S_BODY,
     .show = show_artifacts,
     .arg = MODEL_ITSELF,
     .schema = "{{uuid}}={}"},
    {.name = "data_artifact_ids", .section = S_BODY, .show = show_artifacts, .arg = DATA, .schema = "{{uuid}}={}"},
    {.name = "deployment_artifact_ids",
     .section = S_BODY,
     .show = show_artifacts,
     .arg = DEPLOYMENT,
     .schema = "{{uuid}}={}"},
    {.name = "pipeline_run_ids", .section = S_BODY, .show = show_runs, .schema = "{uuid}={}"},
    COL_TAGS(S_BODY),
    COL_WORKSPACE,
    {.name = "description", .section = S_META},
    COL_METADATA(C_MANY_META),
    {.name = "services", .section = S_RES, .show = show_services, .schema = "Page_ServiceResponse_"},
    COL_NAME,
};

/* Request -------------------------------------------------------------------------------------------------------- */

static const struct type *const STAGE_KINDS[] = {&T_STRING, &T_MODEL_STAGE, NULL};
static const struct type T_NEW_STAGE = {.kind = K_UNION, .any = STAGE_KINDS};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, NUL | UPD | UPD_ANYLEN},
    {"description", &T_STRING, NULL, 65535, NUL | UPD | UPD_ANYLEN},
    {"stage", &T_STRING, NULL, 255, NUL},
    {"stage", &T_NEW_STAGE, NULL, 0, UPD_ONLY},
    {"number", &T_INT, NULL, 0, NUL | HOOK},
    {"model", &T_UUID, NULL, 0, REQ | UPD_REQ},
    {"tags", &T_STRINGS, NULL, 0, NUL | HOOK},
    {"force", &T_BOOL, "false", 0, UPD_ONLY | UPD_DEF | HOOK},
    {"add_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
    {"remove_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
};

/* Any text will do when a version is made; later it is one of the stages. */
static void check_stage(struct check *c, struct json_object *value)
{
    const char *stage = member_str(value, "stage");
    if (c->mode != CHECK_UPDATE || !stage)
        return;
    for (const char *const *word = T_MODEL_STAGE.words; *word; word++)
        if (streq(*word, stage))
            return;
    check_problem(c, "stage", "value_error", member(value, "stage"), "{\"error\":\"not a stage\"}",
                  "Value error, a stage is none, staging, production, archived or latest");
}

static const struct model body = MODEL("model_version", fields, .after = check_stage);

/* Numbers and stages: decided under a lock on the model's row ---------------------------------------------------- */

static int set_number_and_name(struct write *w)
{
    struct ctx *c = w->c;
    const char *model = member_hex(c->mem, w->body, "model"), *number, *same;
    if (member(w->body, "number"))
        return fail(c, EX_VALUE, "The number of a model version is not chosen; leave it out");
    TRY(row_lock(c, &resource_model, model));
    TRY(sql_value(c, &number, "SELECT COALESCE(MAX(number), 0) + 1 FROM model_version WHERE model_id = ?",
                  p_text(model)));
    write_set(w, "number", p_text(number));
    if (!member(w->body, "name"))
        write_set(w, "name", p_text(number));
    TRY(sql_value(c, &same, "SELECT id FROM model_version WHERE model_id = ? AND name = ? LIMIT 1", p_text(model),
                  p_text(write_get(w, "name"))));
    if (same)
        return fail(c, EX_ENTITY_EXISTS, "The model has a version named '%s' already", write_get(w, "name"));
    return OK;
}

/* A change of stage locks the model before the version, so that two of them cannot wait for each other. */
static int lock_for_stage(struct write *w)
{
    const char *model;
    return member(w->body, "stage") ? sql_value(w->c, &model, "SELECT id FROM model WHERE id = ? FOR UPDATE",
                                                p_text(member_hex(w->c->mem, w->body, "model")))
                                    : OK;
}

/* Whoever else has the stage gives way when the request insists, and stays otherwise. */
static int take_stage(struct write *w)
{
    struct ctx *c = w->c;
    struct db_rows holders;
    const char *now = stamp_made(c->mem);
    const char *stage = member_str(w->body, "stage"), *model = row_str(w->old, "model_id");
    if (!streq(model, member_hex(c->mem, w->body, "model")))
        return fail(c, EX_KEY, "The model %s has no version with the id %s", member_str(w->body, "model"), c->param[0]);
    if (!stage)
        return OK;
    TRY(sql(c, &holders,
            "SELECT name, id FROM model_version WHERE model_id = ? AND stage = ? AND id <> ? ORDER BY number",
            p_text(model), p_text(stage), p_text(w->id)));
    if (holders.count == 0)
        return OK;
    if (!member_bool(w->body, "force"))
        return fail(c, EX_RUNTIME, "The version '%s' is in the stage %s; set `force` to archive it",
                    db_row(&holders, 0)[0].s, stage);
    for (size_t i = 0; i < holders.count; i++)
        audit_changed(c, &resource_model_version, db_row(&holders, i)[1].s, db_row(&holders, i)[0].s, UPDATED);
    return sql(c, NULL,
               "UPDATE model_version SET stage = 'archived', updated = ? WHERE model_id = ? AND stage = ? AND id <> ?",
               p_text(now), p_text(model), p_text(stage), p_text(w->id));
}

static int delete_of_row(struct write *w)
{
    return orphans_delete_of_versions(w->c, "model_version", "id", w->id);
}

static const struct filter filters[] = {
    TAG_FILTER("model_version"),
};

const struct resource resource_model_version = {
    .name = "model_version",
    .label = "model version",
    .title = "ModelVersion",
    .table = "model_version",
    COLUMNS(columns),
    .body = &body,
    .flags = X_GROWS | X_WORKSPACE | X_OWNER | X_NAME_RULE,
    .rank = RANK_MODEL_VERSION,
    FILTERS(filters),
    .tag_type = "model_version",
    .metadata_type = "model_version",
    .load = load,
    .before_create = set_number_and_name,
    .before_lock = lock_for_stage,
    .before_update = take_stage,
    .before_delete = delete_of_row,
};
