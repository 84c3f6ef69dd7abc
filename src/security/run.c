#include "security/run.h"

#include "base/text.h"
#include "base/uuid.h"
#include "secrets/stores.h"

#include <string.h>

struct needs {
    struct sec_need *at;
    size_t count;
};

static void need(struct needs *n, const struct sec_secret *secret, const char *purpose)
{
    n->at[n->count++] = (struct sec_need){.secret = secret, .purpose = purpose};
}

/* A client whose secret names nothing asks for nothing. */
static void need_client(struct needs *n, const struct sec_oauth2_client *client, const char *purpose)
{
    if (client && client->client_secret && client->client_secret->group.len > 0)
        need(n, client->client_secret, purpose);
}

static void collect_needs(struct arena *a, const struct sec_context *c, struct needs *n)
{
    n->at = arena_array(a, c->secrets.count + c->tokens.count + 1, sizeof *n->at);
    for (size_t i = 0; i < c->secrets.count; i++)
        need(n, c->secrets.items[i], NULL);
    if (c->run_as)
        need_client(n, c->run_as->oauth2_client, "client secret of the identity");
    for (size_t i = 0; i < c->tokens.count; i++) {
        const struct sec_token_request *t = c->tokens.items[i];
        need_client(n, t->client, arena_printf(a, "client secret of token %.*s", (int)t->name.len, t->name.s));
    }
}

/* The secret that a name means for a user: the user's own before the workspace's. */
static const char find_secret[] =
    "SELECT id, scope, `values` FROM secret WHERE workspace_id = ? AND name = ? "
    "AND (scope = 'workspace' OR (scope = 'user' AND user_id = ?)) ORDER BY scope LIMIT 1";

static enum sec_found look_for_key(struct secrets *s, const char *id, struct span key, struct db_value stored)
{
    struct json_object *values;
    bool restore;
    if (secrets_get(s, id, (struct span){stored.s, stored.len}, &values, &restore) != SECRET_OK)
        return SEC_UNREADABLE;
    if (key.len == 0)
        return SEC_EXISTS;
    const char *name = arena_strndup(s->mem, key.s, key.len);
    bool found = strlen(name) == key.len && json_object_object_get_ex(values, name, NULL);
    return found ? SEC_EXISTS : SEC_NO_KEY;
}

static enum db_status resolve(struct db *db, struct secrets *s, const char *workspace_id, const char *user_id,
                              struct sec_need *n)
{
    struct db_rows rows;
    const struct db_param params[] = {p_text(workspace_id), p_textn(n->secret->group.s, n->secret->group.len),
                                      p_text(user_id)};
    enum db_status status = db_run(db, s->mem, &rows, find_secret, params, ARRAY_LEN(params));
    n->found = SEC_NO_SECRET;
    if (status != DB_OK || rows.count == 0)
        return status;
    struct db_value *row = db_row(&rows, 0);
    n->id = row[0].s;
    n->scope = row[1].s;
    n->found = look_for_key(s, n->id, n->secret->key, row[2]);
    return DB_OK;
}

/* Runs without a deployment are from old servers, which kept the configuration with the run. */
static const char find_run[] = "SELECT r.id, r.name, w.id, w.name, u.id, u.name, u.is_service_account, "
                               "COALESCE(d.pipeline_configuration, r.pipeline_configuration), "
                               "(SELECT id FROM server_settings LIMIT 1) "
                               "FROM pipeline_run r JOIN workspace w ON w.id = r.workspace_id "
                               "LEFT JOIN user u ON u.id = r.user_id LEFT JOIN pipeline_deployment d ON d.id = "
                               "r.deployment_id WHERE r.id = ?";

enum { R_ID, R_NAME, R_WS_ID, R_WS, R_USER_ID, R_USER, R_SERVICE_ACCOUNT, R_CONFIGURATION, R_SERVER };

static const char *uuid_text(struct arena *a, const char *hex)
{
    char *text = arena_alloc(a, UUID_TEXT + 1);
    if (hex)
        uuid_write(hex, text);
    return hex ? text : NULL;
}

static const char *database_failed(struct arena *a, struct db *db)
{
    return arena_printf(a, "the database failed: %s", db_error(db));
}

const char *sec_load_run(struct db *db, struct arena *a, const char *run, struct sec_run *out)
{
    struct db_rows rows;
    const struct db_param id = p_text(run);
    if (db_ready(db) != DB_OK || db_run(db, a, &rows, find_run, &id, 1) != DB_OK)
        return database_failed(a, db);
    if (rows.count == 0)
        return arena_printf(a, "there is no run %s", uuid_text(a, run));
    const struct db_value *row = db_row(&rows, 0);
    *out = (struct sec_run){
        .id = uuid_text(a, row[R_ID].s),
        .name = row[R_NAME].s,
        .workspace = row[R_WS].s,
        .user_id = uuid_text(a, row[R_USER_ID].s),
        .user = row[R_USER].s,
        .service_account = row[R_SERVICE_ACCOUNT].s && streq(row[R_SERVICE_ACCOUNT].s, "1"),
    };
    const char *why;
    struct span configuration = {row[R_CONFIGURATION].s, row[R_CONFIGURATION].len};
    out->context = sec_from_extra(a, json_member(configuration, "extra"), &why);
    if (why)
        return arena_printf(a, "the run's " SEC_EXTRA_KEY " is refused: %s", why);
    if (!out->context)
        return NULL;
    struct needs needs = {0};
    struct secrets secrets = {.mem = a, .server = row[R_SERVER].s};
    collect_needs(a, out->context, &needs);
    for (size_t i = 0; i < needs.count; i++)
        if (resolve(db, &secrets, row[R_WS_ID].s, row[R_USER_ID].s, &needs.at[i]) != DB_OK)
            return database_failed(a, db);
    out->needs = needs.at;
    out->count = needs.count;
    return NULL;
}
