#include "account/login.h"

#include "account/api_key.h"
#include "account/device.h"
#include "account/external.h"
#include "audit/audit.h"
#include "auth/auth.h"
#include "auth/credentials.h"
#include "auth/limit.h"
#include "auth/server.h"
#include "auth/session.h"
#include "auth/token.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http/cors.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t LONGEST_MINUTES = 1000000000;

static const struct field FORM[] = {
    {"grant_type", &T_STRING, NULL, 0, NUL},  {"username", &T_STRING, NULL, 0, NUL},
    {"password", &T_STRING, NULL, 0, NUL},    {"client_id", &T_STRING, NULL, 0, NUL},
    {"device_code", &T_STRING, NULL, 0, NUL},
};
const struct model LOGIN_FORM = MODEL("Body_token_api_v1_login_post", FORM);

static const struct field TOKEN_QUERY[] = {{"pipeline_id", &T_UUID, NULL, 0, NUL},
                                           {"schedule_id", &T_UUID, NULL, 0, NUL},
                                           {"expires_minutes", &T_INT, NULL, 0, NUL}};
const struct model API_TOKEN_QUERY = MODEL("api_token", TOKEN_QUERY);

/* Cookies -------------------------------------------------------------------------------------------------------- */

static const char *cookie_domain(struct ctx *c)
{
    return config.auth_cookie_domain ? arena_printf(c->mem, "Domain=%s; ", config.auth_cookie_domain) : "";
}

static void set_cookie(struct ctx *c, const char *server_id, const char *token)
{
    const char *age = config.jwt_expire_minutes
                          ? arena_printf(c->mem, "Max-Age=%lld; ", (long long)config.jwt_expire_minutes * 60)
                          : "";
    respond_header(c, "Set-Cookie",
                   arena_printf(c->mem, "%s=%s; %sHttpOnly; %sPath=/; SameSite=lax", cookie_name(c, server_id), token,
                                cookie_domain(c), age));
}

/* Who signs out: whoever his token names, as that token is no good any more. */
static int sign_out(struct ctx *c, const struct token *t)
{
    const char *via = t->api_key_id ? t->api_key_id : t->device_id ? t->device_id : t->session;
    TRY(audit_account(c, t->subject,
                      t->api_key_id  ? "api_key"
                      : t->device_id ? "device"
                      : t->session   ? "session"
                                     : "token",
                      via));
    if (!t->session)
        return OK;
    TRY(audit_begin_single(c));
    TRY(session_end(c, t->session));
    return audit_commit_single(c);
}

int logout(struct ctx *c)
{
    const char *server_id;
    TRY(server_id_of(c, &server_id));
    struct token token;
    if (!cors_foreign(c) && auth_token(c, server_id, &token))
        TRY(sign_out(c, &token));
    char when[64];
    time_t now = time(NULL);
    struct tm tm;
    strftime(when, sizeof when, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    respond_header(c, "Set-Cookie",
                   arena_printf(c->mem, "%s=\"\"; %sexpires=%s; HttpOnly; Max-Age=0; Path=/; SameSite=lax",
                                cookie_name(c, server_id), cookie_domain(c), when));
    return respond_null(c);
}

/* Tokens --------------------------------------------------------------------------------------------------------- */

static int no_key(struct ctx *c)
{
    return fail(c, EX_RUNTIME,
                "The server has no signing key: set ZENML_SERVER_JWT_SECRET_KEY, or run kansoctl migrate");
}

static void respond_token(struct ctx *c, const struct token *t, const char *text)
{
    int64_t left = t->expires - (int64_t)time(NULL);
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    jw_key(&w, "access_token");
    jw_str(&w, text);
    jw_key(&w, "token_type");
    jw_str(&w, "bearer");
    jw_key(&w, "expires_in");
    if (t->expires)
        jw_int(&w, left > 0 ? left : 0);
    else
        jw_null(&w);
    jw_key(&w, "refresh_token");
    jw_null(&w);
    jw_key(&w, "scope");
    jw_null(&w);
    jw_close(&w, '}');
}

static int64_t usual_expiry(void)
{
    return config.jwt_expire_minutes ? (int64_t)time(NULL) + config.jwt_expire_minutes * 60 : 0;
}

/* Grants --------------------------------------------------------------------------------------------------------- */

/* A sign-in whose credential was right. */
struct sign_in {
    enum metric_grant by;
    const char *credential; /* as the audit log calls it */
    const char *limited;    /* the account at which the try was counted */
    const char *hash;       /* of the password that was right, or NULL */
    struct token token;     /* without its session */
};

/* Ends the transaction of a sign-in, and answers with the token; a browser gets it as a cookie as well.
 *
 * All that a sign-in changes is one transaction: what becomes of its credential (the device is active, the key has been
 * used), the tries that it forgives, the session, the entry of the audit log. Whoever is refused for lack of one of
 * them can try again: a device that was active without ever having got its token could not. So the token is made before
 * the COMMIT, too. */
static int grant(struct ctx *c, struct sign_in *s)
{
    struct token *t = &s->token;
    const char *server_id;
    TRY(audit_account(c, t->subject, s->credential, t->api_key_id ? t->api_key_id : t->device_id));
    TRY(limit_reset(c, LIMIT_LOGIN, s->limited));
    TRY(session_open(c, t, s->hash));
    TRY(server_id_of(c, &server_id));
    const char *text = token_encode(c->mem, t, server_id);
    if (!text)
        return no_key(c);
    TRY(sql_commit(c));
    if (s->by != GRANT_DEVICE && !cors_foreign(c)) /* nobody else's page signs a browser in as somebody */
        set_cookie(c, server_id, text);
    respond_token(c, t, text);
    metric_add(M_LOGINS_GRANTED + s->by);
    return OK;
}

static int by_password(struct ctx *c)
{
    const char *name = member_str(c->body, "username");
    struct credentials who = {0};
    TRY(limit_count(c, LIMIT_LOGIN, name));
    TRY(check_credentials(c, name, member(c->body, "password"), false, &who));
    if (who.problem)
        return fail(c, who.unfit ? EX_INVALID_VALUE : EX_AUTHORIZATION, "%s", who.problem);
    TRY(sql_begin(c));
    return grant(c, &(struct sign_in){.by = GRANT_PASSWORD,
                                      .credential = "password",
                                      .limited = name,
                                      .hash = who.hash,
                                      .token = {.subject = who.user, .expires = usual_expiry()}});
}

static int by_api_key(struct ctx *c)
{
    const char *text = member_str(c->body, "password"), *id = api_key_id(c->mem, text);
    struct api_key_login key = {0};
    TRY(limit_count(c, LIMIT_LOGIN, id));
    TRY(api_key_open(c, text, &key));
    return grant(
        c, &(struct sign_in){.by = GRANT_API_KEY,
                             .credential = "api_key",
                             .limited = id,
                             .token = {.subject = key.account, .api_key_id = key.key, .expires = usual_expiry()}});
}

/* Polls that come too early are not tries at anything: they do not count, or a client that waits would run into the
 * limit. Neither do they erase what has been counted. */
static int by_device(struct ctx *c, const char *client)
{
    struct device_login device = {0};
    bool waiting;
    TRY(limit_count(c, LIMIT_LOGIN, client));
    int rc = device_poll(c, client, member_str(c->body, "device_code"), &device, &waiting);
    if (rc == FAILED && waiting && limit_uncount(c, LIMIT_LOGIN, client) != OK)
        return FAILED;
    TRY(rc);
    return grant(
        c, &(struct sign_in){.by = GRANT_DEVICE,
                             .credential = "device",
                             .limited = client,
                             .token = {.subject = device.user, .device_id = device.device, .expires = device.expires}});
}

static int by_external(struct ctx *c)
{
    char user[UUID_HEX + 1];
    const char *token = external_token(c);
    TRY(limit_count(c, LIMIT_LOGIN, token));
    if (!token) {
        struct jw w = respond_json(c);
        jw_open(&w, '{');
        jw_key(&w, "authorization_url");
        jw_str(&w, config.external_login_url);
        jw_close(&w, '}');
        return limit_reset(c, LIMIT_LOGIN, token);
    }
    TRY(external_login(c, token, user));
    return grant(c, &(struct sign_in){.by = GRANT_EXTERNAL,
                                      .credential = "external",
                                      .limited = token,
                                      .token = {.subject = user, .expires = usual_expiry()}});
}

/* Choosing; what a form lacks is told before anything is counted. */

static int password_grant(struct ctx *c)
{
    if (config.auth_scheme != SCHEME_OAUTH2_PASSWORD_BEARER)
        return fail_detail(c, 400, "Unsupported grant type: password.");
    if (!member_str(c->body, "username"))
        return fail_detail(c, 400, "Invalid request: username is required.");
    return by_password(c);
}

static int device_grant(struct ctx *c)
{
    char client[UUID_HEX + 1];
    const char *given = member_str(c->body, "client_id");
    if (!member_str(c->body, "device_code") || !given)
        return fail_detail(c, 400, "Invalid request: device code and client ID are required.");
    if (!uuid_read(given, strlen(given), client))
        return fail_detail(c, 400, "Invalid request: invalid client ID.");
    return by_device(c, client);
}

static int api_key_grant(struct ctx *c)
{
    return member_str(c->body, "password") ? by_api_key(c) : fail_detail(c, 400, "API key is required.");
}

static int external_grant(struct ctx *c)
{
    if (config.auth_scheme != SCHEME_EXTERNAL)
        return fail_detail(c, 400, "Unsupported grant type: zenml-external.");
    return by_external(c);
}

/* Neither what the server could not do is a refusal, nor what a form lacks, nor that a device has to wait. */
static int counted(struct ctx *c, enum metric_grant by, int rc)
{
    static const int refusals[] = {401, 403, 422, 429};
    for (size_t i = 0; rc == FAILED && i < ARRAY_LEN(refusals); i++)
        if (c->res.status == refusals[i])
            metric_add(M_LOGINS_REFUSED + by);
    return rc;
}

int login(struct ctx *c)
{
    static const struct {
        const char *type;
        int (*handler)(struct ctx *);
    } grants[METRIC_GRANTS] = {
        [GRANT_PASSWORD] = {"password", password_grant},
        [GRANT_API_KEY] = {"zenml-api-key", api_key_grant},
        [GRANT_DEVICE] = {"urn:ietf:params:oauth:grant-type:device_code", device_grant},
        [GRANT_EXTERNAL] = {"zenml-external", external_grant},
    };
    const char *type = member_str(c->body, "grant_type");
    if (!type)
        type = grants[member_str(c->body, "username")      ? GRANT_PASSWORD
                      : member_str(c->body, "password")    ? GRANT_API_KEY
                      : member_str(c->body, "device_code") ? GRANT_DEVICE
                                                           : GRANT_EXTERNAL]
                   .type;
    for (size_t i = 0; i < ARRAY_LEN(grants); i++)
        if (streq(type, grants[i].type))
            return counted(c, (enum metric_grant)i, grants[i].handler(c));
    return fail_detail(c, 400, "Unsupported grant type: %s", type);
}

/* Tokens for pipelines and schedules ----------------------------------------------------------------------------- */

/* Reads an id of the query; one that the caller's token has must not change. */
static int narrow_claim(struct ctx *c, const char *name, const char *held, const char **out)
{
    *out = uuid_hex(c->mem, member_str(c->query, name));
    if (*out && held && !streq(*out, held))
        return fail(c, EX_AUTHORIZATION, "The token in use is for another %s already",
                    streq(name, "pipeline_id") ? "pipeline" : "schedule");
    return OK;
}

int api_token(struct ctx *c)
{
    const struct auth *auth = c->auth;
    struct json_object *minutes = member(c->query, "expires_minutes");
    const char *server_id;
    audit_about(c, &resource_user, auth->user_id, auth->name);
    if (!auth->token)
        return fail_detail(c, 401, "Not authenticated.");
    struct token t = {.subject = auth->user_id,
                      .device_id = auth->device_id,
                      .api_key_id = auth->api_key_id,
                      .claims = auth->claims,
                      .expires = auth->expires};
    TRY(narrow_claim(c, "pipeline_id", auth->pipeline_id, &t.pipeline_id));
    TRY(narrow_claim(c, "schedule_id", auth->schedule_id, &t.schedule_id));
    TRY(server_id_of(c, &server_id));
    const char *token = auth->token;
    int64_t asked = minutes ? json_object_get_int64(minutes) : 0;
    if (asked > LONGEST_MINUTES || asked < -LONGEST_MINUTES)
        return fail(c, EX_VALUE, "expires_minutes is %lld; expected at most %lld", (long long)asked,
                    (long long)LONGEST_MINUTES);
    if (auth->device_id || auth->api_key_id) {
        int64_t until = (int64_t)time(NULL) + asked * 60;
        if (asked && (!t.expires || until < t.expires))
            t.expires = until;
        t.pipeline_id = t.pipeline_id ? t.pipeline_id : auth->pipeline_id;
        t.schedule_id = t.schedule_id ? t.schedule_id : auth->schedule_id;
        token = token_encode(c->mem, &t, server_id);
    }
    if (!token)
        return no_key(c);
    struct jw w = respond_json(c);
    jw_str(&w, token);
    return OK;
}
