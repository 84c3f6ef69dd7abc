#include "access/needs.h"

#include "access/access.h"
#include "access/rbac.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/model.h"
#include "resource/sql.h"

#include <string.h>

int access_param_id(struct ctx *c, const struct resource *r, size_t param, const char **id)
{
    struct db_rows rows;
    const char *text = c->param[param];
    *id = uuid_hex(c->mem, text);
    if (*id || c->route->params[param] == PARAM_ID)
        return OK;
    TRY(sql(c, &rows,
            arena_printf(c->mem,
                         "SELECT t.id FROM `%s` t WHERE %s AND t.name = ? ORDER BY t.created, t.kanso_order LIMIT 1",
                         r->table,
                         r == &resource_user ? "t.is_service_account = 0"
                         : r->where          ? r->where
                                             : "1 = 1"),
            p_text(text)));
    if (rows.count)
        *id = db_row(&rows, 0)[0].s;
    return OK;
}

/* An object that the body names by id. */
static int require_member(struct ctx *c, const struct resource *r, const char *name, const char *action)
{
    char hex[UUID_HEX + 1];
    const char *text = member_str(c->body, name);
    return text && uuid_read(text, strlen(text), hex) ? access_require(c, r, hex, action) : OK;
}

/* Checks of routes of their own ----------------------------------------------------------------------------------- */

int need_run_of_step(struct ctx *c, const struct need *n)
{
    return require_member(c, &resource_run, "pipeline_run_id", n->action);
}

int need_version_update(struct ctx *c, const struct need *n)
{
    if (member(c->body, "stage"))
        TRY(require_member(c, &resource_model, "model", "promote"));
    return access_require(c, &resource_model_version, c->param[0], n->action);
}

int need_metadata_target(struct ctx *c, const struct need *n)
{
    const char *type = member_str(c->body, "resource_type");
    const struct resource *target = type ? resource_named(type) : NULL;
    if (target && target != &resource_step)
        TRY(require_member(c, target, "resource_id", "update"));
    return rbac_require(c, n->type->name, NULL, n->action);
}

/* A list of the body holds ids, which must be readable, or descriptions, from which objects are made. */
static int stack_list(struct ctx *c, const struct resource *r, struct json_object *list)
{
    char hex[UUID_HEX + 1];
    bool made = false;
    for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        made = made || json_object_is_type(v, json_type_object);
        if (!json_object_is_type(v, json_type_string) || !uuid_read(json_object_get_string(v), UUID_TEXT, hex))
            continue;
        TRY(access_require(c, r, hex, "read"));
    }
    return made ? rbac_require(c, r->name, NULL, "create") : OK;
}

int need_stack_parts(struct ctx *c, const struct need *n)
{
    TRY(stack_list(c, &resource_connector, member(c->body, "service_connectors")));
    struct json_object *components = member(c->body, "components");
    if (json_object_is_type(components, json_type_object)) {
        json_object_object_foreach(components, key, list)
        {
            (void)key;
            TRY(stack_list(c, &resource_component, list));
        }
    }
    return n->of == NEED_TYPE ? rbac_require(c, n->type->name, NULL, n->action)
                              : access_require(c, n->type, c->param[0], n->action);
}

/* What a connector reaches: one that exists, or one that is described only. */
int need_connector_reach(struct ctx *c, const struct need *n)
{
    char hex[UUID_HEX + 1];
    const char *id = c->query ? member_str(c->query, "connector_uuid") : NULL;
    if (c->body)
        return rbac_require(c, n->type->name, NULL, "create");
    return id && uuid_read(id, strlen(id), hex) ? access_require(c, &resource_connector, hex, "read") : OK;
}

/* Whoever makes something act as a service account has to see that account. */
int need_service_account(struct ctx *c, const struct need *n)
{
    return require_member(c, n->type, "service_account_id", n->action);
}

/* Who may read an object may not yet read the secret values in it. */
int need_secret_values(struct ctx *c, const struct need *n)
{
    TRY(access_require(c, n->type, c->param[0], "read"));
    bool allowed = false;
    TRY(access_ask(c, n->type, c->param[0], "read_secret_value", &allowed));
    c->auth->no_secret_values = !allowed;
    return OK;
}

/* One's own account is nobody else's business. */
int need_other_user(struct ctx *c, const struct need *n)
{
    const char *id = NULL;
    TRY(access_param_id(c, &resource_user, 0, &id));
    if (!id || streq(id, c->auth->user_id))
        return OK;
    return access_require(c, &resource_user, id, n->action);
}

/* All of them -------------------------------------------------------------------------------------------------- */

static int require_param(struct ctx *c, const struct resource *r, size_t param, const char *action)
{
    const char *id = NULL;
    if (rbac_applies(c))
        TRY(access_param_id(c, r, param, &id));
    return rbac_applies(c) && id ? access_require(c, r, id, action) : OK;
}

static bool for_somebody_else(struct ctx *c, const struct resource *r)
{
    char hex[UUID_HEX + 1];
    const char *user = r->flags & X_OWNER ? member_str(c->body, "user") : NULL;
    return user && uuid_read(user, strlen(user), hex) && !streq(hex, c->auth->user_id);
}

static int ask_for_type(struct ctx *c, const struct need *n)
{
    /* the handler refuses what is for somebody else */
    if (c->route->op == OP_CREATE && c->route->resource == n->type && for_somebody_else(c, n->type))
        return OK;
    return rbac_is_type(n->type->name) ? rbac_require(c, n->type->name, NULL, n->action) : OK;
}

static int ask(struct ctx *c, const struct need *n)
{
    if (n->check)
        return n->check(c, n);
    switch (n->of) {
    case NEED_TYPE:
        return ask_for_type(c, n);
    case NEED_LISTED:
        return access_narrow(c, n->type);
    case NEED_SHOWN:
        return OK; /* asked when it is loaded */
    case NEED_PATH:
        return require_param(c, n->type, 0, n->action);
    case NEED_PATH_2:
        return require_param(c, n->type, 1, n->action);
    }
    return fail(c, EX_ILLEGAL_OPERATION, "Nobody may do this");
}

int needs_ask(struct ctx *c)
{
    const struct need *n = c->route->needs;
    if (!n && !c->route->open)
        return fail(c, EX_ILLEGAL_OPERATION, "Nobody may do this");
    for (; n && n->type; n++)
        TRY(ask(c, n));
    return OK;
}

const struct resource *needs_shown(const struct route *r)
{
    for (const struct need *n = r->needs; n && n->type; n++)
        if (n->of == NEED_SHOWN)
            return n->type;
    return NULL;
}
