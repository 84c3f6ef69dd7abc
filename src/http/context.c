#include "http/context.h"

#include "base/text.h"

#include <poll.h>
#include <stdarg.h>
#include <string.h>

static const struct {
    const char *name;
    int status;
} EXCEPTIONS[] = {
    [EX_STACK_EXISTS] = {"StackExistsError", 409},
    [EX_COMPONENT_EXISTS] = {"StackComponentExistsError", 409},
    [EX_ENTITY_EXISTS] = {"EntityExistsError", 409},
    [EX_ILLEGAL_OPERATION] = {"IllegalOperationError", 403},
    [EX_AUTHORIZATION] = {"AuthorizationException", 401},
    [EX_SUBSCRIPTION] = {"SubscriptionUpgradeRequiredError", 402},
    [EX_NOT_FOUND] = {"DoesNotExistException", 404},
    [EX_KEY] = {"KeyError", 404},
    [EX_VALUE] = {"ValueError", 400},
    [EX_INVALID_VALUE] = {"ValueError", 422},
    [EX_RUNTIME] = {"RuntimeError", 500},
    [EX_NOT_IMPLEMENTED] = {"NotImplementedError", 501},
    [EX_UNAVAILABLE] = {"RuntimeError", 503},
};

const char *request_env(const struct ctx *c, const char *name)
{
    size_t len = strlen(name);
    for (char **e = c->req.env; e && *e; e++)
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
            return *e + len + 1;
    return NULL;
}

const char *const request_headers[] = {
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS",
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD",
    "HTTP_AUTHORIZATION",
    "HTTP_COOKIE",
    "HTTP_HOST",
    "HTTP_IF_NONE_MATCH",
    "HTTP_ORIGIN",
    "HTTP_SEC_FETCH_SITE",
    "HTTP_USER_AGENT",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_HUB_SIGNATURE",
    "HTTP_X_HUB_SIGNATURE_256",
    "HTTP_X_REQUEST_ID",
    "HTTP_X_SYSTEM_REQUEST",
    NULL,
};

const char *request_header(const struct ctx *c, const char *cgi_name)
{
    const char *v = request_env(c, cgi_name);
    return v && *v ? v : NULL;
}

const struct pair *request_query(const struct ctx *c, const char *name)
{
    for (size_t i = c->req.query_count; i-- > 0;)
        if (strcmp(c->req.query[i].name, name) == 0)
            return &c->req.query[i];
    return NULL;
}

const char *request_cookie(const struct ctx *c, const char *name)
{
    const char *p = request_header(c, "HTTP_COOKIE"), *found = NULL;
    size_t name_len = strlen(name), found_len = 0;
    while (p && *p) {
        p += strspn(p, " \t;");
        size_t len = strcspn(p, ";");
        if (len > name_len && strncmp(p, name, name_len) == 0 && p[name_len] == '=') {
            found = p + name_len + 1;
            found_len = len - name_len - 1;
        }
        p += len;
    }
    if (!found)
        return NULL;
    while (found_len && strchr(" \t", found[found_len - 1]))
        found_len--;
    if (found_len >= 2 && found[0] == '"' && found[found_len - 1] == '"') {
        found++;
        found_len -= 2;
    }
    return arena_strndup(c->mem, found, found_len);
}

int request_read_body(struct ctx *c)
{
    struct request *r = &c->req;
    if (r->body)
        return OK;
    char *body = arena_alloc(c->mem, size_add(r->content_length, 1));
    r->body = body;
    r->body_len = r->source.get(r->source.stream, body, r->content_length);
    if (r->body_len < r->content_length)
        return fail_detail(c, 400, "The body ended after %zu of %zu bytes", r->body_len, r->content_length);
    return OK;
}

bool request_abandoned(const struct ctx *c)
{
    struct pollfd p = {.fd = c->req.connection, .events = POLLRDHUP};
    return p.fd >= 0 && poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

bool respond_kept(struct ctx *c, const char *tag)
{
    const char *known = request_header(c, "HTTP_IF_NONE_MATCH");
    c->res.kept = true;
    respond_header(c, "ETag", tag);
    if (!known || !strstr(known, tag)) /* nginx marks the tag of what it compresses: W/"..." */
        return false;
    c->res.status = 304;
    return true;
}

void respond_header(struct ctx *c, const char *name, const char *value)
{
    struct header *h = arena_alloc(c->mem, sizeof *h);
    *h = (struct header){.name = name, .value = value, .next = c->res.headers};
    c->res.headers = h;
}

void respond_reset(struct ctx *c)
{
    c->res.status = UNANSWERED;
    c->res.content_type = "application/json";
    c->res.headers = NULL;
    c->res.body.len = 0;
}

static struct jw begin_failure(struct ctx *c, int status)
{
    c->res.status = status;
    c->res.content_type = "application/json";
    c->res.body.len = 0;
    return respond_json(c);
}

/* The message of a refusal, which may repeat what was sent: not all of it when that is long. */
static const char *message_text(struct arena *mem, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static const char *message_text(struct arena *mem, const char *fmt, va_list ap)
{
    enum { MESSAGE_SHOWN = 8000 };
    char *text = arena_vprintf(mem, fmt, ap);
    size_t len = MESSAGE_SHOWN;
    if (strlen(text) <= len)
        return text;
    while (((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return arena_printf(mem, "%.*s\xe2\x80\xa6", (int)len, text);
}

int fail(struct ctx *c, enum exception e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *message = message_text(c->mem, fmt, ap);
    va_end(ap);
    if (e == EX_KEY && *message)
        message = python_repr(c->mem, message);
    struct jw w = begin_failure(c, EXCEPTIONS[e].status);
    jw_open(&w, '{');
    jw_key(&w, "detail");
    jw_open(&w, '[');
    jw_str(&w, EXCEPTIONS[e].name);
    jw_str(&w, message);
    jw_close(&w, ']');
    jw_close(&w, '}');
    return FAILED;
}

int fail_detail(struct ctx *c, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *message = message_text(c->mem, fmt, ap);
    va_end(ap);
    struct jw w = begin_failure(c, status);
    jw_open(&w, '{');
    jw_key(&w, "detail");
    jw_str(&w, message);
    jw_close(&w, '}');
    return FAILED;
}

int fail_abandoned(struct ctx *c)
{
    return fail_detail(c, 499, "The client has gone");
}

int fail_check(struct ctx *c)
{
    const char *problems = check_text(c->check);
    struct jw w = begin_failure(c, 422);
    jw_open(&w, '[');
    jw_str(&w, "ValueError");
    jw_str(&w, problems);
    jw_close(&w, ']');
    return FAILED;
}

struct check *request_check(struct ctx *c)
{
    if (!c->check)
        c->check = check_new(c->mem);
    return c->check;
}
