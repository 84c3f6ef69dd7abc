#include "auth/auth.h"

#include "auth/credentials.h"
#include "auth/server.h"
#include "auth/session.h"
#include "auth/token.h"
#include "base/config.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "resource/view.h"

#include <string.h>
#include <strings.h>
#include <time.h>

static int refuse(struct ctx *c, const char *challenge, const char *text)
{
    respond_header(c, "WWW-Authenticate", challenge);
    return fail_detail(c, 401, "%s", text);
}

static int refuse_token(struct ctx *c, const char *why)
{
    return refuse(c, "Bearer", arena_printf(c->mem, "Authentication error: %s", why));
}

/* What follows the scheme in the Authorization header; NULL when it is another scheme, or none. */
static const char *header_of(struct ctx *c, const char *scheme)
{
    const char *header = request_header(c, "HTTP_AUTHORIZATION");
    size_t len = strlen(scheme);
    if (!header || strncasecmp(header, scheme, len) != 0 || (header[len] && header[len] != ' '))
        return NULL;
    return header[len] ? header + len + 1 : "";
}

/* The token of the cookie, which counts even over a header, or of the Authorization header. */
static const char *find_token(struct ctx *c, const char *server_id, bool *by_cookie)
{
    const char *cookie = request_cookie(c, cookie_name(c, server_id));
    *by_cookie = cookie && *cookie;
    return *by_cookie ? cookie : header_of(c, "bearer");
}

static const char BY_ID[] = "t.id = ?";

/* The account's columns, to be followed by the condition: the same text for each request. */
static const char *account_query(struct ctx *c, const char *condition)
{
    static char *columns;
    if (!columns)
        columns = strdup(view_query(view_new(c), &resource_user, D_BODY)->text.data);
    return arena_printf(c->mem, "%s FROM user t WHERE %s", columns ? columns : "", condition);
}

static int load_account(struct ctx *c, const char *condition, const struct db_param *params, size_t count,
                        struct auth *auth, bool *active)
{
    struct db_rows rows;
    TRY(sql_run(c, &rows, account_query(c, condition), params, count));
    auth->user_id = NULL;
    if (rows.count == 0)
        return OK;
    struct row *row = arena_alloc(c->mem, sizeof *row);
    row->res = &resource_user;
    row->values = view_scatter_columns(c->mem, &resource_user, D_BODY, db_row(&rows, 0));
    row->id = auth->user_id = row_str(row, "id");
    auth->row = row;
    auth->name = row_str(row, "name");
    auth->is_admin = row_bool(row, "is_admin");
    auth->is_service_account = row_bool(row, "is_service_account");
    *active = row_bool(row, "active");
    return OK;
}

int auth_load_account(struct ctx *c, const char *id, struct auth *auth, bool *active)
{
    return load_account(c, BY_ID, SQL_PARAMS(p_text(id)), auth, active);
}

int authenticate_as(struct ctx *c, const char *id)
{
    struct auth *auth = arena_alloc(c->mem, sizeof *auth);
    bool active = false;
    TRY(auth_load_account(c, id, auth, &active));
    if (!auth->user_id)
        return fail(c, EX_AUTHORIZATION, "The account %s is not there any more", uuid_dashed(c->mem, id));
    if (!active)
        return fail(c, EX_AUTHORIZATION, "The account %s is not active", auth->name);
    c->auth = auth;
    return OK;
}

/* Tokens --------------------------------------------------------------------------------------------------------- */

/* The moment of the last login, unless this second has been noted already. */
static int note_login(struct ctx *c, const char *table, const char *id, const char *last)
{
    char now[STAMP_LEN + 1];
    stamp_now(now);
    if (last && strcmp(last, now) == 0)
        return OK;
    return sql(c, NULL, arena_printf(c->mem, "UPDATE %s SET last_login = ?, updated = ? WHERE id = ?", table),
               p_text(now), p_text(now), p_text(id));
}

/* The key that the token was got with: it and its service account must be there and active. */
static int check_api_key(struct ctx *c, const char *id)
{
    struct db_rows rows;
    TRY(sql(c, &rows,
            "SELECT k.name, k.active, k.last_login, u.name, u.active FROM api_key k JOIN user u ON u.id = "
            "k.service_account_id "
            "WHERE k.id = ?",
            p_text(id)));
    if (rows.count == 0)
        return refuse_token(c, arena_printf(c->mem, "error retrieving API key %s", uuid_dashed(c->mem, id)));
    const struct db_value *v = db_row(&rows, 0);
    if (*v[4].s == '0')
        return refuse_token(c, arena_printf(c->mem, "service account %s of API key %s is not active", v[3].s, v[0].s));
    if (*v[1].s == '0')
        return refuse_token(c, arena_printf(c->mem, "API key %s of service account %s is not active", v[0].s, v[3].s));
    return note_login(c, "api_key", id, v[2].s);
}

/* The device that the token was got with: there, the caller's own, active and not expired. */
static int check_device(struct ctx *c, const char *id, const struct auth *auth)
{
    struct db_rows rows;
    const char *name = uuid_dashed(c->mem, id);
    TRY(sql(c, &rows, "SELECT user_id, status, expires, last_login FROM auth_devices WHERE id = ?", p_text(id)));
    if (rows.count == 0)
        return refuse_token(c, arena_printf(c->mem, "error retrieving token device %s", name));
    const struct db_value *v = db_row(&rows, 0);
    if (!streq(v[0].s, auth->user_id))
        return refuse_token(c, arena_printf(c->mem, "device %s does not belong to user %s", name, auth->name));
    if (!streq(v[1].s, "active"))
        return refuse_token(c, arena_printf(c->mem, "device %s is not active", name));
    if (v[2].s && stamp_seconds(v[2].s) <= (int64_t)time(NULL))
        return refuse_token(c, arena_printf(c->mem, "device %s has expired", name));
    return note_login(c, "auth_devices", id, v[3].s);
}

/* What the token claims. */
static int read_token(struct ctx *c, struct auth *auth)
{
    const char *server_id;
    TRY(server_id_of(c, &server_id));
    const char *text = find_token(c, server_id, &auth->ambient);
    if (!text)
        return refuse(c, "Bearer", "Not authenticated");
    struct token token;
    const char *problem = token_decode(c->mem, text, server_id, &token);
    if (problem)
        return refuse_token(c, arena_printf(c->mem, "error decoding access token: Invalid JWT token: %s.", problem));
    auth->user_id = token.subject;
    auth->token = text;
    auth->session_id = token.session;
    auth->claims = token.claims;
    auth->expires = token.expires;
    auth->device_id = token.device_id;
    auth->api_key_id = token.api_key_id;
    auth->pipeline_id = token.pipeline_id;
    auth->schedule_id = token.schedule_id;
    return OK;
}

/* How the account of a caller is looked for, who may have to have a session as well. */
struct claim {
    const char *condition;
    struct db_param params[2];
    size_t count;
};

static struct claim claim_of(struct ctx *c, const struct auth *auth)
{
    const char *session = auth->token ? session_condition() : NULL;
    return (struct claim){.condition = session ? arena_printf(c->mem, "%s%s", BY_ID, session) : BY_ID,
                          .params = {p_text(auth->user_id), p_text(auth->session_id)},
                          .count = session ? 2 : 1};
}

/* Whether the account of auth->user_id is there and active; fills the rest of `auth`, but for the user_id of nobody. */
static int check_account(struct ctx *c, struct auth *auth)
{
    const char *subject = auth->user_id;
    bool active = false;
    struct claim claim = claim_of(c, auth);
    TRY(load_account(c, claim.condition, claim.params, claim.count, auth, &active));
    bool known = auth->user_id;
    auth->user_id = subject;
    if (!known && claim.count > 1)
        return refuse_token(c, "the session has ended; sign in again");
    if (!known)
        return refuse_token(c, arena_printf(c->mem, "error retrieving token account %s", uuid_dashed(c->mem, subject)));
    return active ? OK : refuse_token(c, arena_printf(c->mem, "account %s is not active", auth->name));
}

int auth_confirm(struct ctx *c)
{
    return check_account(c, c->auth);
}

bool auth_token(struct ctx *c, const char *server_id, struct token *out)
{
    bool by_cookie;
    const char *text = find_token(c, server_id, &by_cookie);
    return text && !token_decode(c->mem, text, server_id, out);
}

/* Whether the database knows who the token says, and what it was got with. */
static int check_claims(struct ctx *c, struct auth *auth)
{
    TRY(check_account(c, auth));
    if (auth->api_key_id)
        TRY(check_api_key(c, auth->api_key_id));
    return auth->device_id ? check_device(c, auth->device_id, auth) : OK;
}

static int authenticate_token(struct ctx *c, struct auth *auth)
{
    TRY(read_token(c, auth));
    return check_claims(c, auth);
}

/* Other schemes -------------------------------------------------------------------------------------------------- */

/* Whether it is a text of ASCII, NUL not among it. */
static bool is_ascii(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((signed char)s[i] <= 0)
            return false;
    return true;
}

static int authenticate_basic(struct ctx *c, struct auth *auth)
{
    const char *encoded = header_of(c, "basic");
    struct credentials who;
    size_t len = 0;
    bool active;
    auth->ambient = true;
    if (!encoded || !*encoded)
        return refuse(c, "Basic", "Not authenticated");
    char *text = base64_decode(c->mem, encoded, strlen(encoded), &len), *colon = text ? memchr(text, ':', len) : NULL;
    if (!colon || !is_ascii(text, len))
        return refuse(c, "Basic", "Invalid authentication credentials");
    struct json_object *password =
        json_keep(c->mem, json_object_new_string_len(colon + 1, (int)(text + len - colon - 1)));
    *colon = '\0';
    TRY(check_credentials(c, text, password, true, &who));
    if (who.problem)
        return refuse(c, "Basic", who.unfit ? "Invalid authentication credentials" : who.problem);
    return auth_load_account(c, who.user, auth, &active);
}

/* Everybody is the user `default`, whatever the first user's name was to be. */
static int authenticate_nobody(struct ctx *c, struct auth *auth)
{
    bool active;
    auth->ambient = true;
    TRY(load_account(c, "t.is_service_account = 0 AND t.name = ?", SQL_PARAMS(p_text("default")), auth, &active));
    if (!auth->user_id)
        return fail_detail(c, 401,
                           "Authentication error: the scheme NO_AUTH needs a user named default, and there is none");
    return OK;
}

static int (*const SCHEMES[])(struct ctx *, struct auth *) = {
    [SCHEME_NO_AUTH] = authenticate_nobody,
    [SCHEME_HTTP_BASIC] = authenticate_basic,
    [SCHEME_OAUTH2_PASSWORD_BEARER] = authenticate_token,
    [SCHEME_EXTERNAL] = authenticate_token,
};

int authenticate(struct ctx *c)
{
    struct auth *auth = arena_alloc(c->mem, sizeof *auth);
    TRY(SCHEMES[config.auth_scheme](c, auth));
    c->auth = auth;
    return OK;
}

/* Asks what authenticate_deferred() has left open. With the same text and parameters as announced there, so its rows
 * are most often here already. A failure leaves it open: RETRY comes back to it, and nothing is answered without it. */
static int confirm_claim(struct ctx *c)
{
    c->auth->confirm = NULL; /* statements that it runs must not ask for it again */
    int rc = check_claims(c, c->auth);
    if (rc != OK)
        c->auth->confirm = confirm_claim;
    return rc;
}

int authenticate_deferred(struct ctx *c)
{
    if (SCHEMES[config.auth_scheme] != authenticate_token)
        return authenticate(c);
    struct auth *auth = arena_alloc(c->mem, sizeof *auth);
    TRY(read_token(c, auth));
    struct claim claim = claim_of(c, auth);
    db_prefetch(c->db, c->mem, account_query(c, claim.condition),
                arena_memdup(c->mem, claim.params, claim.count * sizeof *claim.params), claim.count);
    auth->confirm = confirm_claim;
    c->auth = auth;
    return OK;
}
