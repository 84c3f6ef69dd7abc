#include "http/cors.h"

#include "base/config.h"
#include "base/text.h"
#include "base/url.h"

#include <string.h>
#include <strings.h>

static bool origin_listed(const char *origin)
{
    size_t len = strlen(origin);
    for (const char *p = config.cors_origins; *p;) {
        p += strspn(p, ", ");
        size_t n = strcspn(p, ", ");
        if (n == len && strncmp(p, origin, n) == 0)
            return true;
        p += n;
    }
    return false;
}

/* A header that answers repeat; absent when it holds what no origin and no name of a header does. */
static const char *repeatable(const struct ctx *c, const char *cgi_name)
{
    const char *value = request_header(c, cgi_name);
    for (const char *p = value; p && *p; p++)
        if (*p < ' ' || *p > '~')
            return NULL;
    return value;
}

bool cors_preflight(struct ctx *c)
{
    const char *origin = repeatable(c, "HTTP_ORIGIN"), *headers = repeatable(c, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS");
    if (!streq(c->req.method, "OPTIONS") || !origin || !request_header(c, "HTTP_ACCESS_CONTROL_REQUEST_METHOD"))
        return false;
    bool allowed = streq(config.cors_origins, "*") || origin_listed(origin);
    respond_header(c, "Vary", "Origin");
    respond_header(c, "Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
    respond_header(c, "Access-Control-Max-Age", "600");
    respond_header(c, "Access-Control-Allow-Credentials", "true");
    if (allowed)
        respond_header(c, "Access-Control-Allow-Origin", origin);
    if (headers)
        respond_header(c, "Access-Control-Allow-Headers", headers);
    c->res.status = allowed ? 200 : 400;
    c->res.content_type = "text/plain; charset=utf-8";
    buf_adds(&c->res.body, allowed ? "OK" : "Disallowed CORS origin");
    return true;
}

void cors_answer(struct ctx *c)
{
    const char *origin = repeatable(c, "HTTP_ORIGIN");
    if (!origin)
        return;
    bool any = streq(config.cors_origins, "*"),
         echo = any ? request_header(c, "HTTP_COOKIE") != NULL : origin_listed(origin);
    respond_header(c, "Access-Control-Allow-Credentials", "true");
    if (any || echo)
        respond_header(c, "Access-Control-Allow-Origin", echo ? origin : "*");
    if (echo)
        respond_header(c, "Vary", "Origin");
}

static unsigned unusual_port(const struct url_host *host)
{
    return host->port == 80 || host->port == 443 ? 0 : host->port;
}

/* Whether a URL or origin is at a host and port. The usual ports of HTTP and HTTPS count as none: behind a proxy nobody
 * here knows which of them the browser speaks. */
static bool is_at(struct arena *a, const char *url, const struct url_host *at)
{
    struct url_host host;
    return url && url_host(a, url, &host) && strcasecmp(host.name, at->name) == 0 &&
           unusual_port(&host) == unusual_port(at);
}

bool cors_foreign(const struct ctx *c)
{
    const char *site = request_header(c, "HTTP_SEC_FETCH_SITE"), *origin = request_header(c, "HTTP_ORIGIN"),
               *host = request_header(c, "HTTP_HOST");
    if (streq(site, "same-origin") || streq(site, "none")) /* browsers let no page say this for itself */
        return false;
    if (!origin)
        return streq(site, "cross-site");
    if (origin_listed(origin))
        return false;
    struct url_host from;
    const char *own = host ? arena_printf(c->mem, "http://%s", host) : NULL;
    return !url_host(c->mem, origin, &from) || !(is_at(c->mem, own, &from) || is_at(c->mem, config.server_url, &from) ||
                                                 is_at(c->mem, config.dashboard_url, &from));
}

#define CSP_DEFAULT                                                                                                    \
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' https://widgets-v3.featureos.app; "           \
    "connect-src 'self' https://sdkdocs.zenml.io https://analytics.zenml.io; "                                         \
    "img-src 'self' data: https://public-flavor-logos.s3.eu-central-1.amazonaws.com https://avatar.vercel.sh; "        \
    "style-src 'self' 'unsafe-inline'; base-uri 'self'; form-action 'self'; font-src 'self';"                          \
    "frame-src https://zenml.hellonext.co https://sdkdocs.zenml.io https://widgets-v3.hellonext.co "                   \
    "https://widgets-v3.featureos.app https://zenml.portal.trainn.co"

static const struct {
    const char *name, *def;
} HEADERS[H_COUNT] = {
    [H_SERVER] = {"Server", NULL}, /* the server's id; nginx passes its own unless told otherwise */
    [H_HSTS] = {"Strict-Transport-Security", "max-age=63072000; includeSubdomains"},
    [H_XFO] = {"X-Frame-Options", "SAMEORIGIN"},
    [H_XXP] = {"X-XSS-Protection", "0"},
    [H_CONTENT] = {"X-Content-Type-Options", "nosniff"},
    [H_CSP] = {"Content-Security-Policy", CSP_DEFAULT},
    [H_REFERRER] = {"Referrer-Policy", "no-referrer-when-downgrade"},
    [H_CACHE] = {"Cache-Control", "no-store, no-cache, must-revalidate"},
    [H_PERMISSIONS] = {"Permissions-Policy",
                       "accelerometer=(), autoplay=(), camera=(), encrypted-media=(), geolocation=(), "
                       "gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), sync-xhr=(), usb=()"},
};

/* 1: the default; 0: left out; -1: a text of its own */
static int keyword(const char *value)
{
    static const char *const on[] = {"enabled", "yes", "true", "on"}, *const off[] = {"disabled", "no", "none", "false",
                                                                                      "off"};
    for (size_t i = 0; i < ARRAY_LEN(on); i++)
        if (strcasecmp(on[i], value) == 0)
            return 1;
    for (size_t i = 0; i < ARRAY_LEN(off); i++)
        if (strcasecmp(off[i], value) == 0)
            return 0;
    return -1;
}

struct directive {
    const char *name, *value;
};

/* Splits a policy into directives; false when one has no value. */
static bool read_policy(struct arena *a, const char *text, struct directive *out, size_t *count, size_t room)
{
    for (const char *p = text; *p;) {
        p += strspn(p, "; ");
        size_t len = strcspn(p, ";"), name = strcspn(p, " ;");
        if (len == 0)
            continue;
        if (name >= len)
            return false;
        const char *key = arena_strndup(a, p, name), *value = arena_strndup(a, p + name + 1, len - name - 1);
        size_t i = 0;
        while (i < *count && !streq(out[i].name, key))
            i++;
        if (i == room)
            return false;
        out[i] = (struct directive){key, value};
        if (i == *count)
            ++*count;
        p += len;
    }
    return true;
}

/* A custom policy, merged per directive over the default. */
static const char *merge_policy(struct arena *a, const char *custom)
{
    struct directive all[64];
    size_t count = 0;
    if (!read_policy(a, CSP_DEFAULT, all, &count, ARRAY_LEN(all)) ||
        !read_policy(a, custom, all, &count, ARRAY_LEN(all)))
        return NULL;
    const char *out = "";
    for (size_t i = 0; i < count; i++)
        out = arena_printf(a, "%s%s%s %s", out, i ? "; " : "", all[i].name, all[i].value);
    return out;
}

const char *secure_headers(struct arena *a, const char **problem)
{
    const char *out = "";
    for (size_t i = 0; i < H_COUNT; i++) {
        const char *value = config.headers[i];
        int word = value ? keyword(value) : 1;
        if (value && strpbrk(value, "\r\n"))
            word = 0;
        const char *text = word == 1 ? HEADERS[i].def : word == 0 ? NULL : value;
        if (i == H_CSP && word < 0 && !(text = merge_policy(a, value))) {
            *problem = "ZENML_SERVER_SECURE_HEADERS_CSP: every directive needs a value";
            return NULL;
        }
        if (text)
            out = arena_printf(a, "%s%s: %s\r\n", out, HEADERS[i].name, text);
    }
    return out;
}

const char *secure_headers_kept(struct arena *a, const char *lines)
{
    const char *line = config.headers[H_CACHE] ? NULL : strstr(lines, "Cache-Control: ");
    if (!line)
        return lines;
    return arena_printf(a, "%.*sCache-Control: no-cache%s", (int)(line - lines), lines, strstr(line, "\r\n"));
}
