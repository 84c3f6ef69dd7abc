#include "http/route.h"

#include "base/config.h"
#include "base/text.h"

#include <string.h>

size_t webhook_max_body(void)
{
    return (size_t)(config.webhook_max_body < config.max_body ? config.webhook_max_body : config.max_body);
}

const char *route_param_name(const char *path, size_t n, size_t *len)
{
    for (const char *p = path; (p = strchr(p, '{')); p++)
        if (n-- == 0) {
            *len = strcspn(p + 1, "}");
            return p + 1;
        }
    return NULL;
}

/* Matches a decoded path against a template; fills the parameters. */
static bool match(struct arena *mem, const char *template, const char *path, const char *param[])
{
    size_t n = 0;
    while (*template) {
        if (*template == '{') {
            size_t len = strcspn(path, "/");
            if (len == 0 || n == MAX_PATH_PARAMS)
                return false;
            param[n++] = arena_strndup(mem, path, len);
            path += len;
            template += strcspn(template, "}") + 1;
        } else if (*template ++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

static bool method_fits(const struct route *r, const char *method)
{
    if (r->exists && !r->exists())
        return false;
    return streq(r->method, method) || (r->flags & R_HEAD && streq(method, "HEAD"));
}

static void allow(struct ctx *c, const struct group *const *groups, size_t count)
{
    struct buf list = {0};
    const char *unused[MAX_PATH_PARAMS];
    buf_adds(&list, "GET");
    for (size_t g = 0; g < count; g++)
        for (size_t i = 0; i < groups[g]->count; i++) {
            const struct route *r = &groups[g]->routes[i];
            if (!strstr(list.data, r->method) && method_fits(r, r->method) &&
                match(c->mem, r->path, c->req.path, unused))
                buf_addf(&list, ", %s", r->method);
        }
    respond_header(c, "Allow", arena_strdup(c->mem, list.data));
    buf_free(&list);
}

int route_find(struct ctx *c, const struct group *const *groups, size_t count)
{
    const struct route *best = NULL;
    for (size_t g = 0; g < count; g++)
        for (size_t i = 0; i < groups[g]->count; i++) {
            const struct route *r = &groups[g]->routes[i];
            const char *param[MAX_PATH_PARAMS] = {0};
            if (!match(c->mem, r->path, c->req.path, param) || !method_fits(r, c->req.method))
                continue;
            /* a literal segment beats a parameter */
            if (best && strcspn(best->path, "{") >= strcspn(r->path, "{"))
                continue;
            best = r;
            memcpy(c->param, param, sizeof param);
        }
    c->route = best;
    if (best)
        return OK;
    if (streq(c->req.method, "GET"))
        return fail_detail(c, 404, "Not Found");
    allow(c, groups, count);
    return fail_detail(c, 405, "Method Not Allowed");
}
