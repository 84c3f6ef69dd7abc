#include "access/access.h"

#include "access/gate.h"
#include "access/rbac.h"
#include "app/app.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/model.h"
#include "resource/filter.h"

#include <stdlib.h>
#include <string.h>

/* What is left to do behind the handler. */
struct access {
    bool check_top;      /* the object of the answer itself is to be checked for reading */
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

static const struct surrogate *surrogate_of(const struct resource *r, const char *action)
{
    for (size_t i = 0; i < ARRAY_LEN(SURROGATES); i++)
        if (streq(SURROGATES[i].name, r->name) && (!SURROGATES[i].reading_only || streq(action, "read")))
            return &SURROGATES[i];
    return NULL;
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

int access_require(struct ctx *c, const struct resource *r, const char *id, const char *action)
{
    const struct surrogate *s = surrogate_of(r, action);
    struct db_rows rows;
    if (!rbac_applies(c) || (!s && !rbac_is_type(r->name)))
        return OK;
    bool owner = has_owner(r);
    int rc = sql(c, &rows,
                 arena_printf(c->mem, "SELECT %s, %s FROM `%s` WHERE id = ?", owner ? "user_id" : "NULL",
                              s ? s->sql_column : "NULL", r->table),
                 p_text(id));
    if (rc != OK || rows.count == 0)
        return rc;
    const struct db_value *v = db_row(&rows, 0);
    if (owner && (!s || s->own_first) && is_owned(c, v[0].s))
        return OK;
    if (s && !s->own_first)
        return v[1].s ? access_require(c, s->by, v[1].s, action) : OK;
    return s ? rbac_require(c, s->by->name, v[1].s, action) : rbac_require(c, r->name, id, action);
}

static const struct resource *resource_named(const char *name)
{
    for (const struct group *const *g = all_groups; *g; g++)
        for (size_t i = 0; i < (*g)->count; i++)
            if ((*g)->routes[i].resource && streq((*g)->routes[i].resource->name, name))
                return (*g)->routes[i].resource;
    return NULL;
}

/* The id that a path parameter means, by name where the resource takes names; NULL when there is no such object. */
static int param_id(struct ctx *c, const struct resource *r, size_t param, const char **id)
{
    char hex[UUID_HEX + 1];
    struct db_rows rows;
    const char *text = c->param[param];
    *id = uuid_read(text, strlen(text), hex) ? arena_strdup(c->mem, hex) : NULL;
    if (*id || !(r->flags & X_NAME_OR_ID))
        return OK;
    int rc =
        sql(c, &rows,
            arena_printf(c->mem, "SELECT t.id FROM `%s` t WHERE %s AND t.name = ? ORDER BY t.created, t.id LIMIT 1",
                         r->table,
                         r == &resource_user ? "t.is_service_account = 0"
                         : r->always         ? r->always
                                             : "1 = 1"),
            p_text(text));
    if (rc == OK && rows.count)
        *id = db_row(&rows, 0)[0].s;
    return rc;
}

static int require_param(struct ctx *c, const struct resource *r, size_t param, const char *action)
{
    const char *id = NULL;
    int rc = rbac_applies(c) ? param_id(c, r, param, &id) : OK;
    return rc == OK && rbac_applies(c) && id ? access_require(c, r, id, action) : rc;
}

/* An object that the body names by id. */
static int require_member(struct ctx *c, const struct resource *r, const char *name, const char *action)
{
    char hex[UUID_HEX + 1];
    const char *text = member_str(c->body, name);
    return text && uuid_read(text, strlen(text), hex) ? access_require(c, r, hex, action) : OK;
}

/* Operations of their own ---------------------------------------------------------------------------------------- */

struct rule {
    const char *method, *path;
    const char *resource, *action;
    int param;                                       /* the object, by its place in the path; TYPE: all of the type */
    int (*check)(struct ctx *, const struct rule *); /* instead */
};
enum { TYPE = -1 };

static int step_create(struct ctx *c, const struct rule *r)
{
    return require_member(c, &resource_run, "pipeline_run_id", r->action);
}

static int version_update(struct ctx *c, const struct rule *r)
{
    int rc = member(c->body, "stage") ? require_member(c, &resource_model, "model", "promote") : OK;
    return rc == OK ? access_require(c, &resource_model_version, c->param[0], r->action) : rc;
}

static int metadata_create(struct ctx *c, const struct rule *r)
{
    const char *type = member_str(c->body, "resource_type");
    const struct resource *target = type ? resource_named(type) : NULL;
    int rc = target && target != &resource_step ? require_member(c, target, "resource_id", "update") : OK;
    return rc == OK ? rbac_require(c, r->resource, NULL, r->action) : rc;
}

/* A list of the body holds ids, which must be readable, or descriptions, from which objects are made. */
static int parts(struct ctx *c, const struct resource *r, struct json_object *list)
{
    char hex[UUID_HEX + 1];
    bool made = false;
    for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        made = made || json_object_is_type(v, json_type_object);
        if (!json_object_is_type(v, json_type_string) || !uuid_read(json_object_get_string(v), UUID_TEXT, hex))
            continue;
        int rc = access_require(c, r, hex, "read");
        if (rc != OK)
            return rc;
    }
    return made ? rbac_require(c, r->name, NULL, "create") : OK;
}

static int stack_parts(struct ctx *c, const struct rule *r)
{
    int rc = parts(c, &resource_connector, member(c->body, "service_connectors"));
    struct json_object *components = member(c->body, "components");
    if (json_object_is_type(components, json_type_object)) {
        json_object_object_foreach(components, key, list)
        {
            (void)key;
            if (rc == OK)
                rc = parts(c, &resource_component, list);
        }
    }
    if (rc != OK)
        return rc;
    return r->param == TYPE ? rbac_require(c, r->resource, NULL, r->action)
                            : access_require(c, &resource_stack, c->param[0], r->action);
}

/* What a connector reaches: one that exists, or one that is described only. */
static int connector_reach(struct ctx *c, const struct rule *r)
{
    char hex[UUID_HEX + 1];
    const char *id = c->query ? member_str(c->query, "connector_uuid") : NULL;
    if (c->body)
        return rbac_require(c, r->resource, NULL, "create");
    return id && uuid_read(id, strlen(id), hex) ? access_require(c, &resource_connector, hex, "read") : OK;
}

/* Who may read an object may not yet read the secret values in it. */
static int secret_values_of(struct ctx *c, const struct rule *r)
{
    const struct resource *res = resource_named(r->resource);
    int rc = access_require(c, res, c->param[0], "read");
    if (rc != OK)
        return rc;
    rc = access_require(c, res, c->param[0], "read_secret_value");
    if (rc != FAILED || c->res.status != 403)
        return rc;
    c->auth->no_secret_values = true;
    c->res.status = 200;
    c->res.body.len = 0;
    return OK;
}

/* One's own account is nobody else's business. */
static int other_user(struct ctx *c, const struct rule *r)
{
    const char *id = NULL;
    int rc = param_id(c, &resource_user, 0, &id);
    if (rc != OK || !id || streq(id, c->auth->user_id))
        return rc;
    return access_require(c, &resource_user, id, r->action);
}

static const struct rule RULES[] = {
    {"DELETE", "/api/v1/artifact_versions/", "artifact_version", "prune", TYPE, NULL},
    {"GET", "/api/v1/artifact_versions/{artifact_version_id}/visualize", "artifact_version", "read", 0, NULL},
    {"GET", "/api/v1/runs/{run_id}/graph", "pipeline_run", "read", 0, NULL},
    {"GET", "/api/v1/runs/{run_id}/steps", "pipeline_run", "read", 0, NULL},
    {"GET", "/api/v1/runs/{run_id}/pipeline-configuration", "pipeline_run", "read", 0, NULL},
    {"GET", "/api/v1/runs/{run_id}/status", "pipeline_run", "read", 0, NULL},
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/runs/get-or-create", "pipeline_run", "create", TYPE, NULL},
    {"GET", "/api/v1/steps/{step_id}", "step_run", "read", 0, NULL},
    {"PUT", "/api/v1/steps/{step_id}", "step_run", "update", 0, NULL},
    {"GET", "/api/v1/steps/{step_id}/step-configuration", "step_run", "read", 0, NULL},
    {"GET", "/api/v1/steps/{step_id}/status", "step_run", "read", 0, NULL},
    {"GET", "/api/v1/steps/{step_id}/logs", "step_run", "read", 0, NULL},
    {"POST", "/api/v1/steps", "pipeline_run", "update", TYPE, step_create},
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/run-metadata", "run_metadata", "create", TYPE, metadata_create},
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/models/{model_name_or_id}/model_versions", "model_version",
     "create", TYPE, NULL},
    {"PUT", "/api/v1/model_versions/{model_version_id}", "model_version", "update", 0, version_update},
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/model_versions/{model_version_id}/artifacts", "model_version",
     "update", 1, NULL},
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/model_versions/{model_version_id}/runs", "model_version",
     "update", 1, NULL},
    {"DELETE", "/api/v1/model_versions/{model_version_id}/artifacts", "model_version", "update", 0, NULL},
    {"DELETE", "/api/v1/model_versions/{model_version_id}/artifacts/{model_version_artifact_link_name_or_id}",
     "model_version", "update", 0, NULL},
    {"DELETE", "/api/v1/model_versions/{model_version_id}/runs/{model_version_pipeline_run_link_name_or_id}",
     "model_version", "update", 0, NULL},
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/stacks", "stack", "create", TYPE, stack_parts},
    {"PUT", "/api/v1/stacks/{stack_id}", "stack", "update", 0, stack_parts},
    {"GET", "/api/v1/stack-deployment/stack", "service_connector", "create", TYPE, NULL},
    {"GET", "/api/v1/stack-deployment/stack", "stack_component", "create", TYPE, NULL},
    {"GET", "/api/v1/stack-deployment/stack", "stack", "create", TYPE, NULL},
    {"PATCH", "/api/v1/flavors/sync", "flavor", "update", TYPE, NULL},
    {"GET", "/api/v1/secrets/{secret_id}", "secret", "read", 0, secret_values_of},
    {"PUT", "/api/v1/secrets_operations/backup", "secret", "backup_restore", TYPE, NULL},
    {"PUT", "/api/v1/secrets_operations/restore", "secret", "backup_restore", TYPE, NULL},
    {"GET", "/api/v1/service_connectors/{connector_id}", "service_connector", "read", 0, secret_values_of},
    {"POST", "/api/v1/service_connectors/verify", "service_connector", "create", TYPE, NULL},
    {"POST", "/api/v1/service_connectors/full_stack_resources", "service_connector", "read", TYPE, connector_reach},
    {"PUT", "/api/v1/service_connectors/{connector_id}/verify", "service_connector", "read", 0, NULL},
    {"GET", "/api/v1/service_connectors/{connector_id}/client", "service_connector", "read", 0, NULL},
    {"GET", "/api/v1/service_connectors/{connector_id}/client", "service_connector", "client", 0, NULL},
    {"POST", "/api/v1/run_templates/{template_id}/runs", "run_template", "read", 0, NULL},
    {"POST", "/api/v1/run_templates/{template_id}/runs", "pipeline_deployment", "create", TYPE, NULL},
    {"POST", "/api/v1/run_templates/{template_id}/runs", "pipeline_run", "create", TYPE, NULL},
    {"GET", "/api/v1/api_token", "pipeline_run", "create", TYPE, NULL},
    {"GET", "/api/v1/users/{user_name_or_id}", "user", "read", 0, other_user},
    {"PUT", "/api/v1/users/{user_name_or_id}", "user", "update", 0, other_user},
    {"PUT", "/api/v1/users/{user_name_or_id}/deactivate", "user", "update", 0, other_user},
    {"DELETE", "/api/v1/users/{user_name_or_id}", "user", "delete", 0, other_user},
    {"GET", "/api/v1/service_accounts/{service_account_id}/api_keys", "service_account", "read", 0, NULL},
    {"POST", "/api/v1/service_accounts/{service_account_id}/api_keys", "service_account", "update", 0, NULL},
    {"GET", "/api/v1/service_accounts/{service_account_id}/api_keys/{api_key_name_or_id}", "service_account", "read", 0,
     NULL},
    {"PUT", "/api/v1/service_accounts/{service_account_id}/api_keys/{api_key_name_or_id}", "service_account", "update",
     0, NULL},
    {"DELETE", "/api/v1/service_accounts/{service_account_id}/api_keys/{api_key_name_or_id}", "service_account",
     "update", 0, NULL},
    {"PUT", "/api/v1/service_accounts/{service_account_id}/api_keys/{api_key_name_or_id}/rotate", "service_account",
     "update", 0, NULL},
};

static int apply(struct ctx *c, const struct rule *r)
{
    if (r->check)
        return r->check(c, r);
    if (r->param == TYPE)
        return rbac_require(c, r->resource, NULL, r->action);
    return require_param(c, resource_named(r->resource), (size_t)r->param, r->action);
}

/* Lists ---------------------------------------------------------------------------------------------------------- */

/* A list shows secret values to those only who may read all of them. */
static int narrow_values(struct ctx *c, const char *type)
{
    struct allowed allowed;
    int rc = rbac_allowed(c, type, "read_secret_value", &allowed);
    c->auth->no_secret_values = rc == OK && !allowed.all;
    return rc;
}

int access_readable(struct ctx *c, const struct resource *r, struct query *q)
{
    const struct surrogate *s = surrogate_of(r, "read");
    struct allowed allowed;
    const char *type = s ? s->by->name : r->name;
    if (!rbac_applies(c) || !rbac_is_type(type))
        return OK;
    int rc = rbac_allowed(c, type, "read", &allowed);
    if (rc != OK || allowed.all)
        return rc;
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

/* Narrows a list to what the caller may see. */
static int narrow(struct ctx *c, const struct resource *r)
{
    int rc = r == &resource_connector ? narrow_values(c, r->name) : OK;
    return rc == OK ? access_readable(c, r, c->filter->outside) : rc;
}

/* Before --------------------------------------------------------------------------------------------------------- */

static bool for_somebody_else(struct ctx *c, const struct resource *r)
{
    char hex[UUID_HEX + 1];
    const char *user = r->flags & X_OWNER ? member_str(c->body, "user") : NULL;
    return user && uuid_read(user, strlen(user), hex) && !streq(hex, c->auth->user_id);
}

static int generic(struct ctx *c)
{
    const struct resource *r = c->route->resource;
    switch (r ? c->route->op : OP_OTHER) {
    case OP_LIST:
        return narrow(c, r);
    case OP_GET:
        c->access->check_top = true;
        return OK;
    case OP_CREATE: /* the handler refuses what is for somebody else */
        return rbac_is_type(r->name) && !for_somebody_else(c, r) ? rbac_require(c, r->name, NULL, "create") : OK;
    case OP_UPDATE:
        return require_param(c, r, 0, "update");
    case OP_DELETE:
        return require_param(c, r, 0, "delete");
    case OP_OTHER:
        break;
    }
    return OK;
}

static int check_permissions(struct ctx *c)
{
    bool ruled = false;
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
        if (!streq(RULES[i].path, c->route->path) || !streq(RULES[i].method, c->route->method))
            continue;
        ruled = true;
        int rc = apply(c, &RULES[i]);
        if (rc != OK)
            return rc;
    }
    return ruled ? OK : generic(c);
}

/* Entitlements */

static bool is_route(const struct ctx *c, const char *method, const char *path)
{
    return streq(c->route->method, method) && streq(c->route->path, path);
}

static int pipelines_named(struct ctx *c, const char *name, bool *any)
{
    struct db_rows rows;
    int rc = sql(c, &rows, "SELECT id FROM pipeline WHERE name = ? LIMIT 1", p_text(name));
    *any = rc == OK && rows.count;
    return rc;
}

/* A pipeline counts once, in whatever workspaces there is one of its name. Asked before permissions are. */
static int pipeline_entitlement(struct ctx *c)
{
    bool any;
    if (!is_route(c, "POST", "/api/v1/workspaces/{workspace_name_or_id}/pipelines"))
        return OK;
    int rc = pipelines_named(c, member_str(c->body, "name"), &any);
    if (rc != OK || any)
        return rc;
    c->access->feature = "pipeline";
    c->access->change = 1;
    return gate_check(c, "pipeline");
}

static int entitlement(struct ctx *c)
{
    struct access *a = c->access;
    bool model = c->route->resource == &resource_model;
    const char *feature = is_route(c, "POST", "/api/v1/workspaces/{workspace_name_or_id}/runs/get-or-create")
                              ? "pipeline_run"
                          : c->route->op == OP_CREATE && model && gate_reportable(c, "model") ? "model"
                                                                                              : NULL;
    if (feature) {
        a->feature = feature;
        a->change = 1;
        return gate_check(c, feature);
    }
    if (c->route->op != OP_DELETE)
        return OK;
    if (model && gate_reportable(c, "model")) {
        a->feature = "model";
        a->change = -1;
        return param_id(c, &resource_model, 0, &a->id);
    }
    struct db_rows rows;
    if (c->route->resource != &resource_pipeline)
        return OK;
    int rc = sql(c, &rows, "SELECT name FROM pipeline WHERE id = ?", p_text(c->param[0]));
    if (rc != OK || rows.count == 0)
        return rc;
    *a = (struct access){.feature = "pipeline", .change = -1, .id = c->param[0], .pipeline = db_row(&rows, 0)[0].s};
    return OK;
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
    int rc = gate_enabled() ? pipeline_entitlement(c) : OK;
    if (rc == OK && rbac_applies(c))
        rc = check_permissions(c);
    if (rc == OK && gate_enabled())
        rc = entitlement(c);
    c->envelopes = arena_alloc(c->mem, sizeof *c->envelopes);
    c->envelopes->last = &c->envelopes->first;
    return rc;
}

/* After ---------------------------------------------------------------------------------------------------------- */

/* What has to be readable for an envelope to be shown; false when it is shown in any case. */
static bool grant_of(const struct ctx *c, const struct row *row, struct grant *out)
{
    const struct surrogate *s = surrogate_of(row->res, "read");
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

/* The nested objects of the answer, each once, with their verdicts. */
static int check_nested(struct ctx *c, struct grant **grants, size_t *count)
{
    size_t n = 0, distinct = 0;
    for (struct envelope *e = c->envelopes->first; e; e = e->next)
        n++;
    struct grant *list = arena_array(c->mem, n + 1, sizeof *list);
    n = 0;
    for (struct envelope *e = c->envelopes->first; e; e = e->next)
        if (e->depth > 0 && grant_of(c, e->row, &list[n]))
            n++;
    qsort(list, n, sizeof *list, by_object);
    for (size_t i = 0; i < n; i++)
        if (distinct == 0 || by_object(&list[distinct - 1], &list[i]) != 0)
            list[distinct++] = list[i];
    *grants = list;
    *count = distinct;
    int rc = rbac_check(c, list, distinct, "read");
    for (size_t i = 0; i < distinct && rc == OK; i++)
        if (!list[i].answered && (rc = rbac_check(c, &list[i], 1, "read")) == OK && !list[i].answered)
            return fail(c, EX_RUNTIME, "The control plane said nothing about '%s'",
                        rbac_name(c->mem, list[i].type, list[i].id));
    return rc;
}

/* Writes the envelope without its content. */
static void add_denied(struct buf *out, const char *body, const struct envelope *e)
{
    static const char shown[] = "\"permission_denied\":false";
    const char *tail = body + e->tail, *end = body + e->end,
               *mark = memmem(tail, (size_t)(end - tail), shown, sizeof shown - 1);
    buf_adds(out, "{\"body\":null,\"metadata\":null,\"resources\":null");
    if (!mark) {
        buf_add(out, tail, (size_t)(end - tail));
        return;
    }
    buf_add(out, tail, (size_t)(mark - tail));
    buf_adds(out, "\"permission_denied\":true");
    mark += sizeof shown - 1;
    buf_add(out, mark, (size_t)(end - mark));
}

/* Takes what may not be read out of the answer. */
static int dehydrate(struct ctx *c)
{
    struct grant *grants, wanted;
    size_t count, at = 0;
    int rc = check_nested(c, &grants, &count);
    if (rc != OK)
        return rc;
    struct buf *body = &c->res.body, out = {0};
    for (struct envelope *e = c->envelopes->first; e; e = e->next) {
        if (e->depth == 0 || e->from < at || !grant_of(c, e->row, &wanted))
            continue;
        const struct grant *g = bsearch(&wanted, grants, count, sizeof *grants, by_object);
        if (!g || g->allowed)
            continue;
        buf_add(&out, body->data + at, e->from - at);
        add_denied(&out, body->data, e);
        at = e->end;
    }
    if (at) {
        buf_add(&out, body->data + at, body->len - at);
        body->len = 0;
        buf_add(body, out.data, out.len);
    }
    buf_free(&out);
    return OK;
}

static int check_top(struct ctx *c)
{
    const struct envelope *top = c->envelopes->first;
    const struct surrogate *s = top ? surrogate_of(top->row->res, "read") : NULL;
    struct grant g;
    if (!top)
        return OK;
    if (s && !s->own_first)
        return access_require(c, top->row->res, top->row->id, "read");
    return grant_of(c, top->row, &g) ? rbac_require(c, g.type, g.id, "read") : OK;
}

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
    int rc = path_workspace(c, workspace);
    c->res.body.len = 0;
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    for (size_t i = 0; i < ARRAY_LEN(counts) && rc == OK; i++) {
        const struct resource *r = counts[i].of;
        struct query *q = query_new(c->mem);
        query_add(q, "SELECT COUNT(*) FROM `%s` t WHERE t.workspace_id = ?", r->table);
        query_param(q, p_text(workspace));
        rc = access_readable(c, r, q);
        if (rc == OK)
            rc = query_run(c, q, &rows);
        if (rc != OK)
            return rc;
        jw_key(&w, counts[i].key);
        jw_raw(&w, db_row(&rows, 0)[0].s, db_row(&rows, 0)[0].len);
    }
    jw_close(&w, '}');
    return rc;
}

static int report(struct ctx *c)
{
    struct access *a = c->access;
    const struct buf *body = &c->res.body;
    bool any = false;
    if (!a->feature)
        return OK;
    /* the answer of get-or-create says in its last member whether it was made */
    if (streq(a->feature, "pipeline_run") && !(body->len > 5 && memcmp(body->data + body->len - 5, "true]", 5) == 0))
        return OK;
    int rc = a->pipeline ? pipelines_named(c, a->pipeline, &any) : OK;
    if (rc != OK || any)
        return rc;
    const char *id = a->id ? a->id : c->envelopes->first ? c->envelopes->first->row->id : NULL;
    return id ? gate_report(c, a->feature, id, a->change) : OK;
}

int access_after(struct ctx *c)
{
    if (!c->access)
        return OK;
    int rc = OK;
    if (rbac_applies(c)) {
        if (c->access->check_top)
            rc = check_top(c);
        if (rc == OK && c->route->op != OP_CREATE)
            rc = dehydrate(c);
        if (rc == OK && is_route(c, "GET", "/api/v1/workspaces/{workspace_name_or_id}/statistics"))
            rc = count_readable(c);
    }
    return rc == OK && gate_enabled() ? report(c) : rc;
}
