#include "access/cloud.h"

#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 7000, RETRIES = 5, BACKOFF_MS = 100 };

/* The token of this process, until the control plane refuses it. */
static char *token;

const char *cloud_server(struct arena *a)
{
    const char *id = config.external_server_id;
    char hex[UUID_HEX + 1];
    if (!id || !uuid_read(id, strlen(id), hex))
        return id ? id : "None";
    return uuid_dashed(a, hex);
}

static void forget_token(void)
{
    free(token);
    token = NULL;
}

static bool may_repeat(const struct fetch *f, const struct fetched *got)
{
    return got->failure == FETCH_UNSENT || (got->failure == FETCH_FAILED && streq(f->method, "GET"));
}

/* One call, repeated over https while it fails in a way that allows it. */
static struct fetched call(struct arena *a, const struct fetch *f)
{
    struct fetched got = fetch(a, f);
    for (int i = 0; i < RETRIES && starts_with(f->url, "https://") && may_repeat(f, &got); i++) {
        if (i > 0)
            usleep((useconds_t)(BACKOFF_MS << i) * 1000);
        got = fetch(a, f);
    }
    return got;
}

static bool succeeded(const struct fetched *got)
{
    return got->failure == FETCH_OK && got->status >= 200 && got->status < 300;
}

static int fetch_token(struct ctx *c)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    char *form = query_append(c->mem, "", "client_id", config.cloud_client_id);
    form = query_append(c->mem, form, "client_secret", config.cloud_client_secret);
    form = query_append(c->mem, form, "audience", config.cloud_audience);
    form = query_append(c->mem, form, "grant_type", "client_credentials");
    struct fetch f = {.method = "POST",
                      .headers = headers,
                      .body = form,
                      .timeout_ms = TIMEOUT_MS,
                      .url = arena_printf(c->mem, "https://%s/oauth/token", config.cloud_auth0_domain)};
    struct fetched got = fetch(c->mem, &f);
    if (!succeeded(&got)) {
        log_error("control plane: no token: %s, status %ld", got.error, got.status);
        return fail(c, EX_RUNTIME, "The control plane gave no access token: %s",
                    got.failure ? got.error : "it refused");
    }
    struct json_object *o = json_tree(c->mem, got.body, got.len);
    struct json_object *v = json_object_is_type(o, json_type_object) ? json_object_object_get(o, "access_token") : NULL;
    if (!json_object_is_type(v, json_type_string) || !json_object_get_string_len(v) ||
        strpbrk(json_object_get_string(v), "\r\n"))
        return fail(c, EX_RUNTIME, "The control plane's answer holds no access token");
    token = strdup(json_object_get_string(v));
    return token ? OK : fail(c, EX_RUNTIME, "Out of memory");
}

/* Calls with the token, once more with a new one after a 401. */
static int authorized(struct ctx *c, struct fetch *f, struct fetched *got)
{
    for (int try = 0; try < 2; try++) {
        if (!token)
            TRY(fetch_token(c));
        const char *headers[] = {arena_printf(c->mem, "Authorization: Bearer %s", token),
                                 f->body ? "Content-Type: application/json" : NULL, NULL};
        f->headers = headers;
        *got = call(c->mem, f);
        f->headers = NULL;
        if (got->failure != FETCH_OK || got->status != 401)
            return OK;
        forget_token();
    }
    return OK;
}

static int run(struct ctx *c, struct fetch *f, const char *endpoint, struct cloud_answer *out)
{
    struct fetched got = {0};
    *out = (struct cloud_answer){0};
    f->url = arena_printf(c->mem, "%.*s%s", (int)config.cloud_api_url_len, config.cloud_api_url, endpoint);
    f->timeout_ms = TIMEOUT_MS;
    TRY(authorized(c, f, &got));
    if (got.failure != FETCH_OK) {
        log_error("control plane: %s %.*s: %s", f->method, (int)strcspn(endpoint, "?"), endpoint, got.error);
        return fail(c, EX_RUNTIME, "The control plane cannot be reached: %s", got.error);
    }
    *out = (struct cloud_answer){got.status, got.body, got.len};
    if (got.status < 400)
        return OK;
    log_error("control plane: %s %.*s: status %ld", f->method, (int)strcspn(endpoint, "?"), endpoint, got.status);
    if (got.status == 402 && streq(f->method, "GET"))
        return fail(c, EX_SUBSCRIPTION, "%s", got.body);
    return fail(c, EX_RUNTIME, "The control plane answered with status %ld: %.400s", got.status, got.body);
}

int cloud_get(struct ctx *c, const char *endpoint, struct cloud_answer *out)
{
    struct fetch f = {.method = "GET"};
    return run(c, &f, endpoint, out);
}

int cloud_post(struct ctx *c, const char *endpoint, const char *json, struct cloud_answer *out)
{
    struct fetch f = {.method = "POST", .body = json};
    return run(c, &f, endpoint, out);
}
