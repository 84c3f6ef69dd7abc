#include "account/api_key.h"

#include "account/service_account.h"
#include "audit/audit.h"
#include "auth/password.h"
#include "auth/session.h"
#include "base/config.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "resource/filter.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char PREFIX[] = "ZENKEY_";
enum { SECRET_BYTES = 32, LONGEST = 4096 };

/* A fresh key hangs on its row; stored ones are hashes and never shown. */
static void show_key(const struct cell *at, struct jw *w)
{
    jw_str(w, at->row->data);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "key", .section = S_BODY, .show = show_key, .schema = "?"},
    {.name = "hash", .col = "key", .flags = C_READONLY},
    {.name = "active", .enc = E_BOOL, .section = S_BODY, .filter = F_BOOL, .schema = "=true"},
    {.name = "service_account",
     .col = "service_account_id",
     .enc = E_UUID,
     .section = S_BODY,
     .ref = &resource_service_account,
     .flags = C_READONLY},
    COL_EMPTY_DESCRIPTION,
    {.name = "retain_period_minutes", .col = "retain_period", .enc = E_INT, .section = S_META, .flags = C_READONLY},
    {.name = "last_login", .enc = E_STAMP, .section = S_META, .filter = F_STAMP, .flags = C_READONLY, .schema = "?"},
    {.name = "last_rotated", .enc = E_STAMP, .section = S_META, .filter = F_STAMP, .flags = C_READONLY, .schema = "?"},
    COL_NAME,
};

/* Whatever it says, the service account of the path counts. */
static const struct filter filters[] = {
    {.name = "service_account", .cls = F_STRICT_UUID},
};

static const struct field fields[] = {
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"description", &T_STRING, NULL, 65535, NUL | UPD},
    {"active", &T_BOOL, NULL, 0, UPD | UPD_ONLY},
};
static const struct model body = MODEL("api_key", fields);

static const struct field rotation[] = {{"retain_period_minutes", &T_INT, "0", 0, UPD_DEF | UPD}};
const struct model API_KEY_ROTATION = MODEL("APIKeyRotateRequest", rotation);

static int end_sessions(struct write *w)
{
    struct json_object *active = member(w->body, "active");
    return active && !json_object_get_boolean(active) ? session_end_via(w->c, w->id) : OK;
}

const struct resource resource_api_key = {
    .name = "api_key",
    .label = "API key",
    .title = "APIKey",
    .table = "api_key",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &body,
    .flags = X_SMALL,
    .rank = RANK_API_KEY,
    .unique = {.columns = {"name", "service_account_id"}, .error = EX_ENTITY_EXISTS, .on_update = true},
    .before_update = end_sessions,
};

/* The key of the path, within the service account of the path. */
static int path_key(struct ctx *c, const char **id, const char **name)
{
    char account[UUID_HEX + 1], hex[UUID_HEX + 1];
    struct db_rows rows;
    bool by_id = uuid_read(c->param[1], strlen(c->param[1]), hex);
    *id = *name = NULL;
    TRY(path_within(c, account));
    TRY(sql(c, &rows,
            by_id ? "SELECT id, name FROM api_key WHERE service_account_id = ? AND id = ?"
                  : "SELECT id, name FROM api_key WHERE service_account_id = ? AND name = ?",
            p_text(account), p_text(by_id ? hex : c->param[1])));
    if (!rows.count)
        return no_such_row(c, EX_KEY, &resource_api_key, c->param[1]);
    *id = db_row(&rows, 0)[0].s;
    *name = db_row(&rows, 0)[1].s;
    return OK;
}

static int respond_key(struct ctx *c, const char *id, unsigned detail, const char *clear)
{
    return respond_row_with(c, &resource_api_key, id, detail, arena_strdup(c->mem, clear));
}

/* What a client is given: the id, by which the row is found, and the secret, which the row holds as a hash. */
static const char *key_text(struct arena *a, const char *id, const char *secret)
{
    char uuid[UUID_TEXT + 1];
    uuid_write(id, uuid);
    const char *json = arena_printf(a, "{\"id\":\"%s\",\"key\":\"%s\"}", uuid, secret);
    return arena_printf(a, "%s%s", PREFIX, base64_encode(a, json, strlen(json)));
}

int api_key_create(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_api_key, .body = c->body};
    TRY(write_within(&w)); /* before bcrypt */
    const char *secret = secret_token(c->mem, SECRET_BYTES);
    write_set(&w, "key", p_text(password_hash(c->mem, secret)));
    write_set(&w, "retain_period", p_int(0));
    write_set(&w, "active", p_int(1));
    TRY(write_create(&w));
    return respond_key(c, w.id, D_META, key_text(c->mem, w.id, secret));
}

int api_key_get(struct ctx *c)
{
    const char *id, *name;
    TRY(path_key(c, &id, &name));
    return respond_key(c, id, member_bool(c->query, "hydrate") ? D_META : D_BODY, NULL);
}

int api_key_update(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_api_key, .body = c->body};
    const char *id, *name;
    TRY(path_key(c, &id, &name));
    TRY(write_update(&w, id));
    return respond_key(c, w.id, D_META, NULL);
}

int api_key_rotate(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_api_key};
    char now[STAMP_LEN + 1];
    const char *id, *name;
    TRY(path_key(c, &id, &name));
    const char *secret = secret_token(c->mem, SECRET_BYTES), *hash = password_hash(c->mem, secret);
    stamp_now(now);
    TRY(sql_begin(c));
    TRY(write_lock(&w, id));
    write_set(&w, "previous_key", p_text(row_str(w.old, "hash")));
    write_set(&w, "retain_period", p_int(json_object_get_int64(member(c->body, "retain_period_minutes"))));
    write_set(&w, "key", p_text(hash));
    write_set(&w, "last_rotated", p_text(now));
    TRY(write_flush_update(&w));
    if (json_object_get_int64(member(c->body, "retain_period_minutes")) <= 0)
        TRY(session_end_via(c, w.id));
    TRY(sql_commit(c));
    return respond_key(c, w.id, D_BODY, key_text(c->mem, w.id, secret));
}

int api_key_delete(struct ctx *c)
{
    const char *id, *name;
    TRY(path_key(c, &id, &name));
    TRY(audit_begin_single(c));
    TRY(sql(c, NULL, "DELETE FROM api_key WHERE id = ?", p_text(id)));
    audit_changed(c, &resource_api_key, id, name, DELETED);
    TRY(audit_commit_single(c));
    return respond_null(c);
}

/* Signing in ----------------------------------------------------------------------------------------------------- */

/* Base64 with whatever else is in between, as people paste it. */
static char *forgiving_base64(struct arena *a, const char *s, size_t *len)
{
    char *kept = arena_alloc(a, strlen(s) + 1);
    size_t n = 0;
    for (; *s; s++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", *s))
            kept[n++] = *s;
    return base64_decode(a, kept, n, len);
}

static bool read_key(struct arena *a, const char *text, char id[33], const char **secret)
{
    size_t len = 0;
    char *json = strlen(text) <= LONGEST
                     ? forgiving_base64(a, text + (starts_with(text, PREFIX) ? sizeof PREFIX - 1 : 0), &len)
                     : NULL;
    struct json_object *o = json ? json_tree(a, json, len) : NULL, *uuid, *key;
    if (!json_object_is_type(o, json_type_object))
        return false;
    uuid = json_object_object_get(o, "id");
    key = json_object_object_get(o, "key");
    if (!json_object_is_type(uuid, json_type_string) || !json_object_is_type(key, json_type_string) ||
        password_problem(key))
        return false;
    *secret = json_object_get_string(key);
    return uuid_read(json_object_get_string(uuid), (size_t)json_object_get_string_len(uuid), id);
}

const char *api_key_id(struct arena *a, const char *text)
{
    char id[UUID_HEX + 1];
    const char *secret;
    return read_key(a, text, id, &secret) ? arena_strdup(a, id) : NULL;
}

/* The previous hash, while a rotation retains it. */
static const char *retained(const char *previous, const char *rotated, int64_t minutes)
{
    if (!previous || !rotated || minutes <= 0 || (int64_t)time(NULL) - stamp_seconds(rotated) >= minutes * 60)
        return NULL;
    return previous;
}

/* Whether a secret is the key's, of the row that api_key_open() reads: always two computations. */
static bool key_fits(const char *secret, const struct db_value *v)
{
    bool current = password_matches(secret, v[2].s),
         previous = password_matches(secret, retained(v[3].s, v[4].s, strtoll(v[5].s, NULL, 10)));
    return current || previous;
}

/* The same, which says of a key that opens nothing no more than of one that is not there. */
static bool strict_fits(const char *secret, const struct db_value *v)
{
    return key_fits(secret, v) && *v[9].s != '0' && *v[6].s != '0';
}

int api_key_open(struct ctx *c, const char *text, struct api_key_login *out)
{
    char id[UUID_HEX + 1], uuid[UUID_TEXT + 1], now[STAMP_LEN + 1];
    const char *secret;
    struct db_rows rows;
    if (!read_key(c->mem, text, id, &secret))
        return fail(c, EX_AUTHORIZATION, "Authentication error: this is not an API key");
    TRY(sql(c, &rows,
            "SELECT k.id, k.name, k.`key`, k.previous_key, k.last_rotated, k.retain_period, k.active, u.id, "
            "u.name, u.active "
            "FROM api_key k JOIN user u ON u.id = k.service_account_id WHERE k.id = ?",
            p_text(id)));
    uuid_write(id, uuid);
    if (request_abandoned(c))
        return fail_abandoned(c);
    if (rows.count == 0) {
        password_matches(secret, NULL); /* as slow as the rest */
        password_matches(secret, NULL);
        if (config.strict)
            return fail(c, EX_AUTHORIZATION, "Authentication error: this is no API key that opens anything");
        return fail(c, EX_AUTHORIZATION, "Authentication error: there is no API key %s", uuid);
    }
    const struct db_value *v = db_row(&rows, 0);
    audit_about(c, &resource_api_key, v[0].s, v[1].s);
    if (config.strict && !strict_fits(secret, v))
        return fail(c, EX_AUTHORIZATION, "Authentication error: this is no API key that opens anything");
    if (*v[9].s == '0')
        return fail(c, EX_AUTHORIZATION, "Authentication error: service account %s of API key %s is not active", v[8].s,
                    v[1].s);
    if (*v[6].s == '0')
        return fail(c, EX_AUTHORIZATION, "Authentication error: API key %s is not active", v[1].s);
    if (!config.strict && !key_fits(secret, v))
        return fail(c, EX_AUTHORIZATION, "Authentication error: the value of API key %s is not the right one", v[1].s);
    stamp_now(now);
    TRY(sql_begin(c));
    TRY(sql(c, NULL, "UPDATE api_key SET last_login = ?, updated = ? WHERE id = ?", p_text(now), p_text(now),
            p_text(id)));
    *out = (struct api_key_login){.key = v[0].s, .account = v[7].s};
    return OK;
}
