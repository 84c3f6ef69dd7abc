#include "account/device.h"

#include "audit/audit.h"
#include "auth/auth.h"
#include "auth/limit.h"
#include "auth/password.h"
#include "auth/session.h"
#include "base/config.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "http/client.h"
#include "model/onboarding.h"
#include "resource/filter.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { USER_CODE_BYTES = 16, DEVICE_CODE_BYTES = 32, COLUMN_MAX = 255 };

static const char *const STATUSES[] = {"pending", "verified", "active", "locked", NULL};
static const struct type T_STATUS = {.kind = K_ENUM, .label = "str-enum[OAuthDeviceStatus]", .words = STATUSES};

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_SHOWN(user, resource_user, S_BODY, .schema = "?"),
    {.name = "client_id", .enc = E_UUID, .section = S_BODY, .filter = F_UUID},
    {.name = "expires", .enc = E_STAMP, .section = S_BODY, .filter = F_STAMP, .schema = "?"},
    {.name = "trusted_device", .enc = E_BOOL, .section = S_BODY, .filter = F_BOOL},
    {.name = "status", .section = S_BODY, .filter = F_STRING, .type = &T_STATUS},
    {.name = "os", .section = S_BODY, .schema = "?"},
    {.name = "ip_address", .section = S_BODY, .schema = "?"},
    {.name = "hostname", .section = S_BODY, .schema = "?"},
    {.name = "python_version", .section = S_META, .schema = "?"},
    {.name = "zenml_version", .section = S_META, .schema = "?"},
    {.name = "city", .section = S_META, .schema = "?"},
    {.name = "region", .section = S_META, .schema = "?"},
    {.name = "country", .section = S_META, .schema = "?"},
    {.name = "failed_auth_attempts", .enc = E_INT, .section = S_META, .filter = F_INT},
    {.name = "last_login", .enc = E_STAMP, .section = S_META, .filter = F_STAMP, .schema = "?!"},
    {.name = "user_code_hash", .col = "user_code"},
    {.name = "device_code_hash", .col = "device_code"},
};

/* Whatever it says, lists hold the caller's devices. */
static const struct filter filters[] = {
    {.name = "scope_user", .cls = F_STRICT_UUID},
};

static const struct field fields[] = {{"locked", &T_BOOL, NULL, 0, UPD | UPD_ONLY | HOOK}};
static const struct model body = MODEL("device", fields);

static const struct field authorization_form[] = {{"client_id", &T_UUID, NULL, 0, REQ}};
const struct model DEVICE_AUTHORIZATION_FORM =
    MODEL("Body_device_authorization_api_v1_device_authorization_post", authorization_form);

static const struct field get_query[] = {{"user_code", &T_STRING, NULL, 0, NUL}};
const struct model DEVICE_GET_QUERY = MODEL("device query", get_query);

static const struct field verification[] = {
    {"user_code", &T_STRING, NULL, 0, UPD_REQ},
    {"trusted_device", &T_BOOL, "false", 0, UPD_DEF},
};
const struct model DEVICE_VERIFICATION = MODEL("OAuthDeviceVerificationRequest", verification);

static int scope(struct ctx *c, struct filter_query *f)
{
    filter_scope(f, "t.user_id = ?", SQL_PARAMS(p_text(c->auth->user_id)));
    return OK;
}

static int owner_only(struct write *w)
{
    return streq(row_str(w->old, "user"), w->c->auth->user_id) ? OK : no_such_row(w->c, EX_KEY, w->res, w->id);
}

static int lock_or_unlock(struct write *w)
{
    struct json_object *locked = member(w->body, "locked");
    TRY(owner_only(w));
    if (locked)
        write_set(w, "status", p_text(json_object_get_boolean(locked) ? "locked" : "active"));
    return locked && json_object_get_boolean(locked) ? session_end_via(w->c, w->id) : OK;
}

const struct resource resource_device = {
    .name = "device",
    .label = "device",
    .title = "OAuthDevice",
    .table = "auth_devices",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &body,
    .flags = X_SMALL | X_UNGOVERNED,
    .rank = RANK_DEVICE,
    .scope = scope,
    .before_update = lock_or_unlock,
    .before_delete = owner_only,
};

/* Authorization request ------------------------------------------------------------------------------------------ */

/* What the stock client tells in its User-Agent: words such as Host/laptop ZenML/0.66.0 Python/3.11 OS/linux. */
static void describe_client(struct write *w)
{
    static const char *const words[][2] = {
        {"Host", "hostname"}, {"ZenML", "zenml_version"}, {"Python", "python_version"}, {"OS", "os"}};
    const char *agent = request_header(w->c, "HTTP_USER_AGENT");
    for (const char *p = agent ? agent : "", *end; *p; p = end + (*end == ' ')) {
        end = p + strcspn(p, " ");
        const char *slash = memchr(p, '/', (size_t)(end - p));
        size_t len = slash ? (size_t)(end - slash - 1) : 0;
        for (size_t i = 0; slash && i < ARRAY_LEN(words); i++)
            if (strlen(words[i][0]) == (size_t)(slash - p) && strncmp(p, words[i][0], (size_t)(slash - p)) == 0 &&
                len <= COLUMN_MAX && utf8_valid(slash + 1, len))
                write_set(w, words[i][1], p_text(arena_strndup(w->c->mem, slash + 1, len)));
    }
}

static struct db_param in_seconds(struct arena *a, int64_t seconds)
{
    char stamp[STAMP_LEN + 1];
    stamp_from_seconds((int64_t)time(NULL) + seconds, stamp);
    return p_text(arena_strdup(a, stamp));
}

/* Writes the device of a client: a new row, or the old one started anew. It keeps its owner. Two requests at once for
 * one client meet on the guard. */
static int save_authorization(struct write *w, const char *client)
{
    struct ctx *c = w->c;
    struct db_rows rows;
    TRY(sql_begin(c));
    TRY(name_guard(c, "device", "", client));
    TRY(sql(c, &rows,
            "SELECT id FROM auth_devices WHERE client_id = ? ORDER BY created, kanso_order LIMIT 1 FOR UPDATE",
            p_text(client)));
    if (rows.count) {
        memcpy(w->id, db_row(&rows, 0)[0].s, sizeof w->id);
        TRY(write_flush_update(w));
    } else {
        uuid_new(w->id);
        write_set(w, "client_id", p_text(client));
        TRY(write_insert(w));
    }
    TRY(name_guard_release(c, "device", "", client));
    return sql_commit(c);
}

static void pair(struct jw *w, const char *key, const char *value)
{
    jw_key(w, key);
    jw_str(w, value);
}

static int respond_codes(struct ctx *c, const char *id, const char *user_code, const char *device_code)
{
    const char *base = config.dashboard_url ? config.dashboard_url : config.server_url ? config.server_url : "";
    char device[UUID_TEXT + 1];
    uuid_write(id, device);
    const char *uri = arena_printf(c->mem, "%s/devices/verify", base + strspn(base, "/"));
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    pair(&w, "device_code", device_code);
    pair(&w, "user_code", user_code);
    pair(&w, "verification_uri", uri);
    pair(&w, "verification_uri_complete", arena_printf(c->mem, "%s?device_id=%s&user_code=%s", uri, device, user_code));
    jw_key(&w, "expires_in");
    jw_int(&w, config.device_auth_timeout);
    jw_key(&w, "interval");
    jw_int(&w, config.device_polling_interval);
    jw_close(&w, '}');
    return OK;
}

int device_authorize(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_device};
    const char *client = member_str(c->body, "client_id");
    char hex[UUID_HEX + 1];
    uuid_read(client, strlen(client), hex);
    TRY(limit_count(c, LIMIT_DEVICE, hex)); /* each costs two hashes, and none is ever wrong: nothing forgives them */
    const char *user_code = secret_token(c->mem, USER_CODE_BYTES),
               *device_code = secret_token(c->mem, DEVICE_CODE_BYTES);
    write_set(&w, "user_code", p_text(password_hash(c->mem, user_code)));
    write_set(&w, "device_code", p_text(password_hash(c->mem, device_code)));
    write_set(&w, "status", p_text("pending"));
    write_set(&w, "trusted_device", p_int(0));
    write_set(&w, "failed_auth_attempts", p_int(0));
    write_set(&w, "expires", in_seconds(c->mem, config.device_auth_timeout));
    write_set(&w, "ip_address", p_text(client_address(c)));
    write_set(&w, "city", p_text("")); /* no third party is asked where an address is */
    write_set(&w, "region", p_text(""));
    write_set(&w, "country", p_text(""));
    describe_client(&w);
    TRY(save_authorization(&w, hex));
    return respond_codes(c, w.id, user_code, device_code);
}

/* Owners --------------------------------------------------------------------------------------------------------- */

int device_get(struct ctx *c)
{
    const char *code = member_str(c->query, "user_code");
    struct db_rows rows;
    TRY(sql(c, &rows, "SELECT user_id, user_code FROM auth_devices WHERE id = ?", p_text(c->param[0])));
    const struct db_value *v = rows.count ? db_row(&rows, 0) : NULL;
    if (!v || (v[0].s ? !streq(v[0].s, c->auth->user_id) : !code || !password_matches(code, v[1].s)))
        return no_such_row(c, EX_KEY, &resource_device, c->param[0]);
    return respond_row(c, &resource_device, c->param[0], member_bool(c->query, "hydrate") ? D_META : D_BODY);
}

static bool has_expired(const struct row *device)
{
    const char *expires = row_str(device, "expires");
    return expires && stamp_seconds(expires) <= (int64_t)time(NULL);
}

/* Counts a wrong code, for good even though the request fails; *locked when it was one too many. */
static int count_failure(struct write *w, bool *locked)
{
    int64_t failures = strtoll(row_str(w->old, "failed_auth_attempts"), NULL, 10) + 1;
    *locked = failures >= config.max_failed_device_attempts;
    write_set(w, "failed_auth_attempts", p_int(failures));
    if (*locked)
        write_set(w, "status", p_text("locked"));
    TRY(write_flush_update(w));
    return sql_commit(w->c);
}

static int take_over(struct write *w)
{
    static const char *const reached[] = {STEP_DEVICE, NULL};
    struct ctx *c = w->c;
    write_set(w, "status", p_text("verified"));
    write_set(w, "user_id", p_text(c->auth->user_id));
    write_set(w, "failed_auth_attempts", p_int(0));
    write_set(w, "trusted_device", p_int(member_bool(c->body, "trusted_device")));
    TRY(write_flush_update(w));
    TRY(onboarding_add(c, reached));
    return sql_commit(c);
}

int device_verify(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_device};
    bool locked;
    TRY(sql_begin(c));
    TRY(write_lock(&w, c->param[0])); /* guesses at once are counted one after the other */
    const char *owner = row_str(w.old, "user");
    if (!streq(row_str(w.old, "status"), "pending"))
        return fail(c, EX_VALUE, "The device is %s and does not wait to be verified", row_str(w.old, "status"));
    if (has_expired(w.old))
        return fail(c, EX_VALUE, "The time to verify the device has passed; start anew on the device");
    if (owner && !streq(owner, c->auth->user_id))
        return fail(c, EX_VALUE, "The device belongs to another user");
    if (password_matches(member_str(c->body, "user_code"), row_str(w.old, "user_code_hash"))) {
        TRY(take_over(&w));
        return respond_row(c, &resource_device, w.id, D_META);
    }
    TRY(count_failure(&w, &locked));
    return fail(c, EX_VALUE,
                locked ? "This is not the code of the device, which is now locked after too many wrong codes"
                       : "This is not the code of the device");
}

/* Polling -------------------------------------------------------------------------------------------------------- */

/* RFC 6749 section 5.2. The description has one %s, for the client. */
static int oauth_error(struct ctx *c, const char *client, const char *error, const char *fmt)
{
    char text[UUID_TEXT + 1];
    uuid_write(client, text);
    c->res.status = 400;
    c->res.body.len = 0;
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    pair(&w, "error", error);
    const char *mark = strstr(fmt, "%s");
    pair(&w, "error_description",
         arena_printf(c->mem, "Authentication error: %.*s%s%s", (int)(mark - fmt), fmt, text, mark + 2));
    pair(&w, "error_uri", NULL);
    jw_close(&w, '}');
    return FAILED;
}

/* The life of a signed-in device; 0 = endless. */
static int64_t lifetime(const struct row *device)
{
    if (!config.jwt_expire_minutes)
        return 0;
    return 60 * (row_bool(device, "trusted_device") ? config.trusted_device_expiration_minutes
                                                    : config.device_expiration_minutes);
}

static int activate(struct write *w, struct device_login *out)
{
    int64_t life = lifetime(w->old);
    struct db_param expires = life ? in_seconds(w->c->mem, life) : p_null();
    write_set(w, "status", p_text("active"));
    write_set(w, "expires", expires);
    TRY(write_flush_update(w));
    *out = (struct device_login){.device = arena_strdup(w->c->mem, w->id),
                                 .user = row_str(w->old, "user"),
                                 .expires = life ? stamp_seconds(expires.s) : 0};
    return OK;
}

int device_poll(struct ctx *c, const char *client, const char *device_code, struct device_login *out, bool *waiting)
{
    struct write w = {.c = c, .res = &resource_device};
    struct db_rows rows;
    bool locked;
    *waiting = false;
    TRY(sql(c, &rows, "SELECT id FROM auth_devices WHERE client_id = ? ORDER BY created, kanso_order LIMIT 1",
            p_text(client)));
    if (rows.count == 0)
        return oauth_error(c, client, "invalid_client", "error retrieving device with client ID %s");
    audit_about(c, &resource_device, db_row(&rows, 0)[0].s, NULL);
    TRY(sql_begin(c));
    TRY(write_lock(&w, db_row(&rows, 0)[0].s));
    const char *status = row_str(w.old, "status");
    *waiting = streq(status, "pending");
    if (*waiting)
        return oauth_error(c, client, "authorization_pending", "device with client ID %s is pending.");
    if (streq(status, "locked"))
        return oauth_error(c, client, "access_denied", "device with client ID %s is locked.");
    if (!streq(status, "verified"))
        return oauth_error(c, client, "expired_token", "device with client ID %s is active.");
    if (has_expired(w.old))
        return oauth_error(c, client, "expired_token", "device for client ID %s has expired");
    if (request_abandoned(c))
        return fail_abandoned(c);
    if (password_matches(device_code, row_str(w.old, "device_code_hash")) && row_str(w.old, "user"))
        return activate(&w, out);
    TRY(count_failure(&w, &locked));
    return oauth_error(c, client, "access_denied",
                       locked
                           ? "device for client ID %s has been locked due to too many failed authentication attempts."
                           : "device for client ID %s has an invalid device code.");
}
