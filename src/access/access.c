#include "access/access.h"

#include "access/gate.h"
#include "access/needs.h"
#include "access/rbac.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/model.h"
#include "resource/filter.h"

#include <stdlib.h>
#include <string.h>

/* What is left to do behind the handler. */
struct access {
    const struct resource *top; /* the kind of the answer's object, when that is to be checked for reading */
    bool top_checked;
    const char *feature; /* usage to report, with its change and the id (NULL: of the object of the answer) */
    int change;
    const char *id;
    const char *pipeline; /* a pipeline's name, when it counts only as the last of that name */
};

/* Objects -------------------------------------------------------------------------------------------------------- */

/* Some objects are governed by another one. */
static const struct surrogate {
    const char *name, *column, *sql_column; /* member and column that hold the other's id */
    const struct resource *by;
    bool reading_only;
    bool own_first; /* whoever owns the object itself needs no permission */
} SURROGATES[] = {
    {"artifact_version", "artifact", "artifact_id", &resource_artifact, true, true},
    {"model_version", "model", "model_id", &resource_model, true, false},
    {"step_run", "pipeline_run_id", "pipeline_run_id", &resource_run, false, false},
};

static const struct surrogate *surrogate_for(const struct resource *r, const char *action)
{
    for (size_t i = 0; i < ARRAY_LEN(SURROGATES); i++)
        if (streq(SURROGATES[i].name, r->name) && (!SURROGATES[i].reading_only || streq(action, "read")))
            return &SURROGATES[i];
    return NULL;
}

bool access_governs(const struct resource *r)
{
    return rbac_is_type(r->name) || surrogate_for(r, "update") || surrogate_for(r, "read");
}

static bool has_owner(const struct resource *r)
{
    const struct column *col = resource_column(r, "user");
    return col && col->ref == &resource_user;
}

/* Everybody may use what nobody owns. */
static bool is_owned(const struct ctx *c, const char *user)
{
    return !user || streq(user, c->auth->user_id);
}

/* What has to be allowed for an action on an object; out->type stays NULL when it needs no permission. */
static int grant_for(struct ctx *c, const struct resource *r, const char *id, const char *action, struct grant *out)
{
    const struct surrogate *s = surrogate_for(r, action);
    struct db_rows rows;
    *out = (struct grant){0};
    if (!rbac_applies(c) || (!s && !rbac_is_type(r->name)))
        return OK;
    bool owner = has_owner(r);
    TRY(sql(c, &rows,
            arena_printf(c->mem, "SELECT %s, %s FROM `%s` WHERE id = ?", owner ? "user_id" : "NULL",
                         s ? s->sql_column : "NULL", r->table),
            p_text(id)));
    if (rows.count == 0)
        return OK;
    const struct db_value *v = db_row(&rows, 0);
    if (owner && (!s || s->own_first) && is_owned(c, v[0].s))
        return OK;
    if (s && !s->own_first)
        return v[1].s ? grant_for(c, s->by, v[1].s, action, out) : OK;
    *out = s ? (struct grant){.type = s->by->name, .id = v[1].s}
             : (struct grant){.type = r->name, .id = arena_strdup(c->mem, id)};
    return OK;
}

int access_ask(struct ctx *c, const struct resource *r, const char *id, const char *action, bool *allowed)
{
    struct grant g;
    TRY(grant_for(c, r, id, action, &g));
    *allowed = true;
    return g.type ? rbac_ask(c, g.type, g.id, action, allowed) : OK;
}

int access_require(struct ctx *c, const struct resource *r, const char *id, const char *action)
{
    struct grant g;
    TRY(grant_for(c, r, id, action, &g));
    return g.type ? rbac_require(c, g.type, g.id, action) : OK;
}

/* Lists ---------------------------------------------------------------------------------------------------------- */

/* A list shows secret values to those only who may read all of them. */
static int narrow_values(struct ctx *c, const char *type)
{
    struct allowed allowed;
    TRY(rbac_allowed(c, type, "read_secret_value", &allowed));
    c->auth->no_secret_values = !allowed.all;
    return OK;
}

int access_readable(struct ctx *c, const struct resource *r, struct query *q)
{
    const struct surrogate *s = surrogate_for(r, "read");
    struct allowed allowed;
    const char *type = s ? s->by->name : r->name;
    if (!rbac_applies(c) || !rbac_is_type(type))
        return OK;
    TRY(rbac_allowed(c, type, "read", &allowed));
    if (allowed.all)
        return OK;
    if (r == &resource_user) /* everybody may see himself */
        allowed.ids[allowed.count++] = c->auth->user_id;
    query_add(q, " AND (t.%s IN ", s ? s->sql_column : "id");
    query_in(q, allowed.ids, allowed.count);
    if (has_owner(r)) {
        query_add(q, " OR t.user_id IS NULL OR t.user_id = ?");
        query_param(q, p_text(c->auth->user_id));
    }
    query_add(q, ")");
    return OK;
}

int access_narrow(struct ctx *c, const struct resource *r)
{
    if (r == &resource_connector)
        TRY(narrow_values(c, r->name));
    return access_readable(c, r, c->filter->ungrouped);
}

/* Between loading and writing ------------------------------------------------------------------------------------ */

/*
 * An answer holds rows within rows, and who may read the outer one may not be allowed to see all of the inner ones
 * (docs/contract/cloud.md#hidden-objects). This is decided when everything has been loaded and nothing written: before,
 * it is not known what the answer will hold; afterwards, hidden content would have to be cut out of rendered text, and
 * what a mistake there leaves behind has leaked. All rows are asked about in one call, each once. A row that nobody
 * decided on is written as hidden (view_write()).
 */

/* What has to be readable for a row to be shown; false when it is shown in any case. */
static bool grant_of(const struct ctx *c, const struct row *row, struct grant *out)
{
    const struct surrogate *s = surrogate_for(row->res, "read");
    if (!rbac_is_type(row->res->name) || (has_owner(row->res) && is_owned(c, row_str(row, "user"))))
        return false;
    *out = (struct grant){.type = row->res->name, .id = row->id};
    if (s)
        *out = (struct grant){.type = s->by->name, .id = row_str(row, s->column)};
    return out->id;
}

static int by_object(const void *a, const void *b)
{
    const struct grant *x = a, *y = b;
    int order = strcmp(x->type, y->type);
    return order ? order : strcmp(x->id, y->id);
}

/* What has to be readable for all of the rows, each once. */
static struct grant *grants_of(struct ctx *c, struct row **rows, size_t count, size_t *distinct)
{
    struct grant *list = arena_array(c->mem, count + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += grant_of(c, rows[i], &list[n]);
    qsort(list, n, sizeof *list, by_object);
    *distinct = 0;
    for (size_t i = 0; i < n; i++)
        if (*distinct == 0 || by_object(&list[*distinct - 1], &list[i]) != 0)
            list[(*distinct)++] = list[i];
    return list;
}

/* Asks about all of them at once, and again about those that nothing was said about. */
static int ask_for(struct ctx *c, struct grant *list, size_t count)
{
    TRY(rbac_check(c, list, count, "read"));
    for (size_t i = 0; i < count; i++) {
        if (!list[i].answered)
            TRY(rbac_check(c, &list[i], 1, "read"));
        if (!list[i].answered)
            return fail(c, EX_RUNTIME, "The control plane said nothing about '%s'",
                        rbac_name(c->mem, list[i].type, list[i].id));
    }
    return OK;
}

static int authorize_nested(struct view *v)
{
    struct ctx *c = view_ctx(v);
    size_t count, distinct;
    struct row **rows = view_nested(v, &count);
    struct grant *grants = grants_of(c, rows, count, &distinct), wanted;
    TRY(ask_for(c, grants, distinct));
    for (size_t i = 0; i < count; i++) {
        rows[i]->visibility = SHOWN;
        if (!grant_of(c, rows[i], &wanted))
            continue;
        const struct grant *g = bsearch(&wanted, grants, distinct, sizeof *grants, by_object);
        rows[i]->visibility = g && g->allowed ? SHOWN : DENIED;
    }
    return OK;
}

static int authorize_top(struct view *v)
{
    struct ctx *c = view_ctx(v);
    const struct row *top = view_first(v, c->access->top);
    const struct surrogate *s = surrogate_for(c->access->top, "read");
    struct grant g;
    if (!top)
        return OK;
    c->access->top_checked = true;
    if (s && !s->own_first)
        return access_require(c, top->res, top->id, "read");
    return grant_of(c, top, &g) ? rbac_require(c, g.type, g.id, "read") : OK;
}

static int authorize_rows(struct view *v)
{
    if (view_ctx(v)->access->top)
        TRY(authorize_top(v));
    return authorize_nested(v);
}

/* Before --------------------------------------------------------------------------------------------------------- */

/* Entitlements */

static int pipelines_named(struct ctx *c, const char *name, bool *any)
{
    struct db_rows rows;
    TRY(sql(c, &rows, "SELECT id FROM pipeline WHERE name = ? LIMIT 1", p_text(name)));
    *any = rows.count;
    return OK;
}

/* A pipeline counts once, in whatever workspaces there is one of its name. Asked before permissions are. */
static int pipeline_entitlement(struct ctx *c)
{
    bool any;
    if (c->route->op != OP_CREATE || !streq(c->route->feature, "pipeline"))
        return OK;
    TRY(pipelines_named(c, member_str(c->body, "name"), &any));
    if (any)
        return OK;
    c->access->feature = "pipeline";
    c->access->change = 1;
    return gate_check(c, "pipeline");
}

static int deleted_pipeline(struct ctx *c)
{
    struct db_rows rows;
    TRY(sql(c, &rows, "SELECT name FROM pipeline WHERE id = ?", p_text(c->param[0])));
    if (rows.count)
        *c->access =
            (struct access){.feature = "pipeline", .change = -1, .id = c->param[0], .pipeline = db_row(&rows, 0)[0].s};
    return OK;
}

static int entitlement(struct ctx *c)
{
    struct access *a = c->access;
    const char *feature = c->route->feature;
    bool pipeline = streq(feature, "pipeline");
    if (!feature || (streq(feature, "model") && !gate_reportable(c, "model")))
        return OK;
    if (pipeline)
        return c->route->op == OP_DELETE ? deleted_pipeline(c) : OK;
    a->feature = feature;
    a->change = c->route->op == OP_DELETE ? -1 : 1;
    return a->change < 0 ? access_param_id(c, c->route->resource, 0, &a->id) : gate_check(c, feature);
}

bool access_decides(void)
{
    return rbac_enabled() || gate_enabled();
}

int access_before(struct ctx *c)
{
    if (!c->auth || !access_decides())
        return OK;
    c->access = arena_alloc(c->mem, sizeof *c->access);
    if (gate_enabled())
        TRY(pipeline_entitlement(c));
    if (rbac_applies(c)) {
        c->access->top = needs_shown(c->route);
        c->authorize_rows = c->route->op == OP_CREATE ? NULL : authorize_rows;
        TRY(needs_ask(c));
    }
    return gate_enabled() ? entitlement(c) : OK;
}

/* After ---------------------------------------------------------------------------------------------------------- */

/* The statistics of a workspace, of what the caller may see only. */
static int count_readable(struct ctx *c)
{
    static const struct {
        const char *key;
        const struct resource *of;
    } counts[] = {{"stacks", &resource_stack},
                  {"components", &resource_component},
                  {"pipelines", &resource_pipeline},
                  {"runs", &resource_run}};
    char workspace[UUID_HEX + 1];
    struct db_rows rows;
    TRY(resource_find(c, &resource_workspace, c->param[0], workspace));
    respond_reset(c);
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        const struct resource *r = counts[i].of;
        struct query *q = query_new(c->mem);
        query_add(q, "SELECT COUNT(*) FROM `%s` t WHERE t.workspace_id = ?", r->table);
        query_param(q, p_text(workspace));
        TRY(access_readable(c, r, q));
        TRY(query_run(c, q, &rows));
        jw_key(&w, counts[i].key);
        jw_raw(&w, db_row(&rows, 0)[0].s, db_row(&rows, 0)[0].len);
    }
    jw_close(&w, '}');
    return OK;
}

static int report(struct ctx *c)
{
    struct access *a = c->access;
    bool any = false;
    if (!a->feature || c->found)
        return OK;
    if (a->pipeline)
        TRY(pipelines_named(c, a->pipeline, &any));
    if (any)
        return OK;
    const char *id = a->id ? a->id : c->shown ? c->shown->id : NULL;
    return id ? gate_report(c, a->feature, id, a->change) : OK;
}

int access_after(struct ctx *c)
{
    if (!c->access)
        return OK;
    if (c->access->top && !c->access->top_checked)
        return fail(c, EX_RUNTIME, "Nobody decided whether this may be read");
    if (rbac_applies(c) && c->route->flags & R_COUNTS)
        TRY(count_readable(c));
    return gate_enabled() ? report(c) : OK;
}
