#include "access/share.h"

#include "access/access.h"
#include "access/rbac.h"
#include "audit/audit.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/model.h"

#include <string.h>

static const struct field QUERY[] = {{"resource_type", &T_STRING, NULL, 0, REQ},
                                     {"resource_id", &T_UUID, NULL, 0, REQ}};
const struct model SHARE_QUERY = MODEL("resource membership", QUERY);

/* The actions of the body; 422 when it is no list of texts, 400 when one is no action. */
static int read_actions(struct ctx *c, struct json_object **out)
{
    struct loc body = {.name = "body"};
    struct check *k = request_check(c);
    bool ok;
    k->at = &body;
    struct json_error error;
    struct json_object *list;
    json_parse(c->mem, c->req.body, c->req.body_len, &list, &error);
    if (!json_object_is_type(list, json_type_array)) {
        check_problem(k, NULL, list ? "list_type" : "missing", list, NULL,
                      list ? "Input should be a valid list" : "Field required");
        return fail_check(c);
    }
    *out = json_keep(c->mem, type_check(k, &T_STRINGS, NULL, list, &ok));
    if (k->count)
        return fail_check(c);
    for (size_t i = 0; i < json_object_array_length(*out); i++) {
        const char *action = json_object_get_string(json_object_array_get_idx(*out, i));
        if (!rbac_is_action(action))
            return fail(c, EX_VALUE, "'%s' is not an action", action);
    }
    return OK;
}

static int find_target(struct ctx *c, const char **id, const char **external)
{
    char hex[UUID_HEX + 1];
    struct db_rows rows;
    TRY(resource_find(c, &resource_user, c->param[0], hex));
    TRY(sql(c, &rows, "SELECT id, external_user_id FROM user WHERE id = ?", p_text(hex)));
    if (rows.count == 0) /* deleted at this moment */
        return no_such_row(c, EX_KEY, &resource_user, c->param[0]);
    *id = db_row(&rows, 0)[0].s;
    *external = db_row(&rows, 0)[1].s;
    return OK;
}

static int must_exist(struct ctx *c, const char *type, const char *id)
{
    const struct resource *r = resource_named(type);
    struct db_rows rows = {0};
    if (!r)
        return fail(c, EX_KEY, "There is no resource type '%s'", type);
    TRY(sql(c, &rows, arena_printf(c->mem, "SELECT id FROM `%s` WHERE id = ?", r->table), p_text(id)));
    return rows.count ? OK : no_such_row(c, EX_KEY, r, id);
}

int user_share(struct ctx *c)
{
    const char *type = member_str(c->query, "resource_type"), *given = member_str(c->query, "resource_id"),
               *user = NULL, *external = NULL;
    struct json_object *actions = NULL;
    char id[UUID_HEX + 1];
    uuid_read(given, strlen(given), id);
    TRY(find_target(c, &user, &external));
    audit_about(c, &resource_user, user, NULL);
    TRY(access_require(c, &resource_user, user, "read"));
    if (streq(user, c->auth->user_id))
        return fail(c, EX_VALUE, "Nobody can share with himself");
    if (!rbac_is_type(type))
        return fail(c, EX_VALUE, "'%s' is not a type of resource", type);
    TRY(must_exist(c, type, id));
    TRY(rbac_require(c, type, id, "share"));
    TRY(read_actions(c, &actions));
    for (size_t i = 0; i < json_object_array_length(actions); i++)
        TRY(rbac_require(c, type, id, json_object_get_string(json_object_array_get_idx(actions, i))));
    if (!external)
        return fail(c, EX_RUNTIME, "The user has no external id, by which the control plane knows him");
    if (!c->auth->is_service_account)
        TRY(rbac_share(c, external, type, id, actions));
    return respond_null(c);
}
