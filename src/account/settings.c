#include "account/settings.h"

#include "account/user.h"
#include "audit/audit.h"
#include "auth/auth.h"
#include "auth/limit.h"
#include "auth/password.h"
#include "auth/server.h"
#include "base/config.h"
#include "base/text.h"
#include "db/migrate.h"

#include <string.h>

static const struct column columns[] = {
    {.name = "server_id", .col = "id", .enc = E_UUID, .section = S_BODY},
    {.name = "server_name", .section = S_BODY},
    {.name = "logo_url", .section = S_BODY, .schema = "?"},
    {.name = "active", .enc = E_BOOL, .section = S_BODY, .flags = C_READONLY},
    {.name = "enable_analytics", .enc = E_BOOL, .section = S_BODY},
    {.name = "display_announcements", .enc = E_BOOL, .section = S_BODY, .schema = "?!"},
    {.name = "display_updates", .enc = E_BOOL, .section = S_BODY, .schema = "?!"},
    {.name = "last_user_activity", .enc = E_STAMP, .section = S_BODY},
    {.name = "updated", .enc = E_STAMP, .section = S_BODY},
};

#define SETTINGS_FIELDS                                                                                                \
    {"server_name", &T_STRING, NULL, 0, UPD}, {"logo_url", &T_STRING, NULL, 0, UPD},                                   \
        {"enable_analytics", &T_BOOL, NULL, 0, UPD}, {"display_announcements", &T_BOOL, NULL, 0, UPD},                 \
    {                                                                                                                  \
        "display_updates", &T_BOOL, NULL, 0, UPD                                                                       \
    }

static const struct field fields[] = {SETTINGS_FIELDS};
const struct model SETTINGS_UPDATE = MODEL("ServerSettingsUpdate", fields);

static const struct field activation_fields[] = {
    SETTINGS_FIELDS,
    {"admin_username", &T_STRING, NULL, 0, UPD},
    {"admin_password", &T_STRING, NULL, 0, UPD},
};
const struct model SERVER_ACTIVATION = MODEL("ServerActivationRequest", activation_fields);

const struct resource resource_settings = {
    .name = "server_settings",
    .label = "server settings",
    .title = "ServerSettings",
    .table = "server_settings",
    COLUMNS(columns),
    .flags = X_NO_ENVELOPE_ID,
    .rank = RANK_SETTINGS,
};

int server_version(struct ctx *c)
{
    struct jw w = respond_json(c);
    jw_str(&w, "0.66.0");
    return OK;
}

static void pair_str(struct jw *w, const char *key, const char *value)
{
    jw_key(w, key);
    jw_str(w, value);
}

static void pair_bool(struct jw *w, const char *key, bool value)
{
    jw_key(w, key);
    jw_bool(w, value);
}

int server_info(struct ctx *c)
{
    static const char *const schemes[] = {"NO_AUTH", "HTTP_BASIC", "OAUTH2_PASSWORD_BEARER", "EXTERNAL"};
    struct db_rows rows;
    TRY(sql0(c, &rows, "SELECT id, active, enable_analytics, last_user_activity FROM server_settings LIMIT 1"));
    if (rows.count == 0)
        return fail(c, EX_RUNTIME, "The database has no server settings: run kansoctl migrate");
    struct db_value *v = db_row(&rows, 0);
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    jw_key(&w, "id");
    jw_uuid(&w, v[0].s);
    pair_str(&w, "version", "0.66.0");
    pair_bool(&w, "active", *v[1].s != '0');
    pair_bool(&w, "debug", config.debug);
    pair_str(&w, "deployment_type", config.deployment_type);
    pair_str(&w, "database_type", "mysql");
    pair_str(&w, "secrets_store_type", config.secrets.type);
    pair_str(&w, "auth_scheme", schemes[config.auth_scheme]);
    pair_str(&w, "server_url", config.server_url ? config.server_url : "");
    pair_str(&w, "dashboard_url", config.dashboard_url ? config.dashboard_url : "");
    pair_bool(&w, "analytics_enabled", config.local_server ? config.analytics_opt_in : *v[2].s != '0');
    jw_key(&w, "metadata");
    jw_raw(&w, config.metadata, strlen(config.metadata));
    pair_bool(&w, "use_legacy_dashboard", config.use_legacy_dashboard);
    jw_key(&w, "last_user_activity");
    jw_stamp(&w, v[3].s, v[3].len);
    jw_close(&w, '}');
    return OK;
}

int settings_get(struct ctx *c)
{
    const char *id;
    TRY(server_id_of(c, &id));
    return respond_row(c, &resource_settings, id, member_bool(c->query, "hydrate") ? D_META : 0);
}

bool settings_here(void)
{
    return !config.external_server_id;
}

/* Assigns what the body holds; explicit nulls count. */
static void assign(struct write *w)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (member_given(w->body, fields[i].name))
            write_set(w, fields[i].name,
                      encode_value(w->c->mem, resource_column(&resource_settings, fields[i].name),
                                   member(w->body, fields[i].name)));
}

int settings_update(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_settings, .body = c->body};
    const char *id;
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        any = any || member(c->body, fields[i].name);
    if (any && !c->auth->is_admin && !config.rbac_source)
        return fail(c, EX_ILLEGAL_OPERATION, "Only administrators can change the server's settings");
    TRY(server_id_of(c, &id));
    TRY(sql_begin(c));
    TRY(write_lock(&w, id));
    assign(&w);
    TRY(write_flush_update(&w));
    TRY(sql_commit(c));
    return respond_row(c, &resource_settings, id, D_META);
}

static int refuse_second(struct ctx *c)
{
    return fail(c, EX_ILLEGAL_OPERATION, "The server is active already");
}

/* The settings and the first administrator in one transaction: of several at once, one activates the server. */
static int activate(struct write *w, const char *server, const char *admin, const char *hash, char admin_id[33])
{
    struct ctx *c = w->c;
    TRY(sql_begin(c));
    TRY(write_lock(w, server));
    if (row_bool(w->old, "active"))
        return refuse_second(c);
    assign(w);
    write_set(w, "active", p_int(1));
    TRY(write_flush_update(w));
    if (hash)
        TRY(user_create_admin(c, admin, hash, admin_id));
    if (hash)
        audit_actor(c, &(struct actor){.kind = "user", .id = admin_id, .name = admin, .credential = "activation"});
    return sql_commit(c);
}

int server_activate(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_settings, .body = c->body};
    const char *server, *admin = member_str(c->body, "admin_username");
    struct json_object *password = member(c->body, "admin_password");
    const char *problem = password_problem(password), *hash = NULL;
    char admin_id[33];
    struct db_rows rows;
    TRY(server_id_of(c, &server));
    TRY(sql0(c, &rows, "SELECT active FROM server_settings LIMIT 1"));
    if (rows.count && *db_row(&rows, 0)[0].s != '0')
        return refuse_second(c);
    if (admin && *admin && password) {
        if (problem)
            return fail(c, EX_INVALID_VALUE, "%s", problem);
        TRY(limit_count(c, LIMIT_ACTIVATION, NULL));
        hash = password_hash(c->mem, json_object_get_string(password));
    }
    TRY(activate(&w, server, admin, hash, admin_id));
    if (hash)
        return respond_user(c, arena_strdup(c->mem, admin_id), D_META, NULL);
    struct jw out = respond_json(c);
    jw_null(&out);
    return OK;
}
