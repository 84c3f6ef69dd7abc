#include "access/rbac.h"

#include "access/cloud.h"
#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http/fetch.h"
#include "resource/sql.h"

#include <ctype.h>
#include <string.h>

static const char *const TYPES[] = {"action",
                                    "artifact",
                                    "artifact_version",
                                    "code_repository",
                                    "event_source",
                                    "flavor",
                                    "model",
                                    "model_version",
                                    "pipeline",
                                    "pipeline_run",
                                    "pipeline_deployment",
                                    "pipeline_build",
                                    "run_template",
                                    "user",
                                    "service",
                                    "run_metadata",
                                    "secret",
                                    "service_account",
                                    "service_connector",
                                    "stack",
                                    "stack_component",
                                    "tag",
                                    "trigger",
                                    "trigger_execution",
                                    "workspace",
                                    NULL};
static const char *const ACTIONS[] = {"create", "read",   "update",  "delete",         "read_secret_value",
                                      "prune",  "client", "promote", "backup_restore", "share",
                                      NULL};

static bool among(const char *const *words, const char *word)
{
    while (*words && !streq(*words, word))
        words++;
    return *words;
}

bool rbac_enabled(void)
{
    return config.rbac_source;
}

bool rbac_applies(const struct ctx *c)
{
    return rbac_enabled() && c->auth && !c->auth->is_service_account;
}

bool rbac_is_type(const char *type)
{
    return among(TYPES, type);
}

bool rbac_is_action(const char *action)
{
    return among(ACTIONS, action);
}

const char *rbac_name(struct arena *a, const char *type, const char *id)
{
    char text[UUID_TEXT + 1];
    if (!id)
        return type;
    uuid_write(id, text);
    return arena_printf(a, "%s/%s", type, text);
}

/* As the control plane names it: within the scope of this server. */
static const char *cloud_name(struct arena *a, const char *type, const char *id)
{
    return arena_printf(a, "%s@server:%s", cloud_server(a), rbac_name(a, type, id));
}

/* The caller's id there, as text with dashes. */
static int caller(struct ctx *c, const char **out)
{
    struct db_rows rows;
    if (!c->auth->external_id) {
        TRY(sql(c, &rows, "SELECT external_user_id FROM user WHERE id = ?", p_text(c->auth->user_id)));
        if (!rows.count || !db_row(&rows, 0)[0].s)
            return fail(c, EX_RUNTIME, "The user %s has no external id, by which permissions could be asked for",
                        c->auth->name);
        c->auth->external_id = uuid_dashed(c->mem, db_row(&rows, 0)[0].s);
    }
    *out = c->auth->external_id;
    return OK;
}

static struct json_object *read_object(struct ctx *c, const struct cloud_answer *answer)
{
    struct json_object *o = json_tree(c->mem, answer->body, answer->len);
    return json_object_is_type(o, json_type_object) ? o : NULL;
}

static int fail_bad_answer(struct ctx *c)
{
    return fail(c, EX_RUNTIME, "The control plane answered something that is not understood");
}

int rbac_check(struct ctx *c, struct grant *grants, size_t count, const char *action)
{
    struct cloud_answer answer;
    const char *user = NULL;
    if (!rbac_applies(c) || count == 0) {
        for (size_t i = 0; i < count; i++)
            grants[i].answered = grants[i].allowed = true;
        return OK;
    }
    TRY(caller(c, &user));
    struct buf endpoint = {0};
    buf_adds(&endpoint, query_append(c->mem, "/rbac/check_permissions?", "user_id", user));
    for (size_t i = 0; i < count; i++)
        buf_addf(&endpoint, "&%s",
                 query_append(c->mem, "", "resources", cloud_name(c->mem, grants[i].type, grants[i].id)));
    buf_addf(&endpoint, "&%s", query_append(c->mem, "", "action", action));
    const char *text = arena_strndup(c->mem, endpoint.data, endpoint.len);
    buf_free(&endpoint);
    TRY(cloud_get(c, text, &answer));
    struct json_object *o = read_object(c, &answer);
    if (!o)
        return fail_bad_answer(c);
    for (size_t i = 0; i < count; i++) {
        struct json_object *v = json_object_object_get(o, cloud_name(c->mem, grants[i].type, grants[i].id));
        grants[i].answered = json_object_is_type(v, json_type_boolean);
        grants[i].allowed = grants[i].answered && json_object_get_boolean(v);
    }
    return OK;
}

static const char *upper(struct arena *a, const char *s)
{
    char *out = arena_strdup(a, s);
    for (char *p = out; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return out;
}

int rbac_ask(struct ctx *c, const char *type, const char *id, const char *action, bool *allowed)
{
    struct grant g = {.type = type, .id = id};
    *allowed = false;
    TRY(rbac_check(c, &g, 1, action));
    if (!g.answered)
        return fail(c, EX_RUNTIME, "The control plane said nothing about the permission to %s '%s'",
                    upper(c->mem, action), rbac_name(c->mem, type, id));
    *allowed = g.allowed;
    return OK;
}

int rbac_require(struct ctx *c, const char *type, const char *id, const char *action)
{
    bool allowed = false;
    TRY(rbac_ask(c, type, id, action, &allowed));
    if (!allowed)
        return fail(c, EX_ILLEGAL_OPERATION, "Insufficient permissions to %s resource '%s'", upper(c->mem, action),
                    rbac_name(c->mem, type, id));
    return OK;
}

static bool read_ids(struct ctx *c, struct json_object *list, struct allowed *out)
{
    char hex[UUID_HEX + 1];
    size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    out->ids = arena_array(c->mem, n + 1, sizeof *out->ids);
    for (size_t i = 0; i < n; i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        if (!json_object_is_type(v, json_type_string) ||
            !uuid_read(json_object_get_string(v), (size_t)json_object_get_string_len(v), hex))
            return false;
        out->ids[out->count++] = arena_strdup(c->mem, hex);
    }
    return true;
}

int rbac_allowed(struct ctx *c, const char *type, const char *action, struct allowed *out)
{
    struct cloud_answer answer;
    const char *user;
    *out = (struct allowed){.all = !rbac_applies(c)};
    if (out->all)
        return OK;
    TRY(caller(c, &user));
    char *endpoint = query_append(c->mem, "/rbac/allowed_resource_ids?", "user_id", user);
    endpoint = query_append(c->mem, endpoint, "resource", cloud_name(c->mem, type, NULL));
    TRY(cloud_get(c, query_append(c->mem, endpoint, "action", action), &answer));
    struct json_object *o = read_object(c, &answer), *all = o ? json_object_object_get(o, "full_access") : NULL;
    if (!json_object_is_type(all, json_type_boolean) || !read_ids(c, json_object_object_get(o, "ids"), out))
        return fail_bad_answer(c);
    out->all = json_object_get_boolean(all);
    return OK;
}

int rbac_share(struct ctx *c, const char *user, const char *type, const char *id, struct json_object *actions)
{
    struct cloud_answer answer;
    char text[UUID_TEXT + 1];
    uuid_write(user, text);
    struct json_object *body = json_keep(c->mem, json_object_new_object());
    json_object_object_add(body, "user_id", json_object_new_string(text));
    json_object_object_add(body, "resource", json_object_new_string(cloud_name(c->mem, type, id)));
    json_object_object_add(body, "actions", json_object_get(actions));
    return cloud_post(c, "/rbac/resource_members", json_text(c->mem, body, false), &answer);
}
