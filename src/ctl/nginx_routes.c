#include "ctl/nginx_routes.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* nginx refuses parameters beyond 4096 bytes. */
enum { MAX_EXPRESSION = 3900 };

/* How nginx treats a path, whatever the method. */
enum treatment {
    TREAT_SMALL = 1,    /* all of its routes are public: small bodies only */
    TREAT_GATED = 2,    /* one of them is public and writes: sign-in, activation */
    TREAT_PLAIN = 4,    /* one of them answers with credentials: not compressed */
    TREAT_DELIVERY = 8, /* a webhook: nobody signs in, bodies of a size of their own */
    TREATMENTS = 16,
};

struct locations {
    const struct nginx_routes *routes;
    struct arena *mem;
    const struct plan_socket *other; /* takes what is left */
    bool upload;                     /* these are those below /.upload */
    struct buf *out;
};

/* Paths ---------------------------------------------------------------------------------------------------------- */

static const char *next_segment(const char *path, size_t *len)
{
    if (!*path)
        return NULL;
    *len = strcspn(path + 1, "/");
    return path + 1;
}

/* Whether `path`, a template, also fits the template `general`: the latter has a parameter where they differ. */
static bool fits(const char *path, const char *general)
{
    size_t n, m;
    const char *p, *g;
    while ((p = next_segment(path, &n)) && (g = next_segment(general, &m))) {
        if (*g != '{' && (n != m || strncmp(p, g, n) != 0))
            return false;
        path = p + n;
        general = g + m;
    }
    return !*path && !*general;
}

static unsigned treatment_of(const struct plan_socket *s, const char *path)
{
    unsigned t = TREAT_SMALL;
    for (size_t g = 0; g < s->group_count; g++) {
        for (size_t r = 0; r < s->groups[g]->count; r++) {
            const struct route *route = &s->groups[g]->routes[r];
            if (!streq(route->path, path))
                continue;
            if (route->flags & R_DELIVERY)
                t = (t & ~(unsigned)TREAT_SMALL) | TREAT_DELIVERY;
            else if (!(route->flags & R_PUBLIC))
                t &= ~(unsigned)TREAT_SMALL;
            else if (!streq(route->method, "GET"))
                t |= TREAT_GATED;
            if (route->flags & R_CREDENTIALS)
                t |= TREAT_PLAIN;
        }
    }
    return t;
}

/* Whether another location has a template that would catch this path as well, and less exactly. */
static bool is_caught(const struct locations *l, const struct plan_socket *own, const char *path)
{
    const struct plan *plan = l->routes->plan;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_socket *s = &plan->sockets[i];
        for (size_t g = 0; g < s->group_count; g++) {
            for (size_t r = 0; r < s->groups[g]->count; r++) {
                const char *general = s->groups[g]->routes[r].path;
                if (fits(path, general) && !streq(path, general) &&
                    (s != own || treatment_of(s, general) != treatment_of(own, path)))
                    return true;
            }
        }
    }
    return false;
}

void nginx_expression(struct buf *out, const char *path)
{
    for (; *path; path++) {
        if (*path == '{') {
            buf_adds(out, "[^/]+");
            path += strcspn(path, "}");
        } else {
            if (strchr(".+*?()[]|^$\\", *path))
                buf_addc(out, '\\');
            buf_addc(out, *path);
        }
    }
}

static bool seen_before(const struct group *g, size_t r)
{
    for (size_t i = 0; i < r; i++)
        if (streq(g->routes[i].path, g->routes[r].path))
            return true;
    return false;
}

/* Locations ------------------------------------------------------------------------------------------------------ */

static void add_pass(struct locations *l, const char *match, const struct plan_socket *s, unsigned treatment)
{
    buf_addf(l->out, "        location %s { ", match);
    if (l->upload)
        buf_adds(l->out, "internal; ");
    if (l->upload && !(treatment & (TREAT_SMALL | TREAT_DELIVERY)))
        buf_adds(l->out, "auth_request /.caller; ");
    if (treatment & TREAT_GATED)
        buf_adds(l->out, l->routes->gate);
    if (treatment & TREAT_SMALL)
        buf_addf(l->out, "client_max_body_size %zu; ", l->routes->public_body);
    if (treatment & TREAT_DELIVERY)
        buf_addf(l->out, "client_max_body_size %zu; ", l->routes->delivery_body);
    if (treatment & TREAT_PLAIN)
        buf_adds(l->out, "gzip off; ");
    buf_addf(l->out, "fastcgi_pass unix:%s/run/%s.sock; }\n", l->routes->home, s->name);
}

static void add_location(struct locations *l, const struct plan_socket *s, unsigned treatment, struct buf *expression)
{
    if (expression->len)
        add_pass(l,
                 arena_printf(l->mem, l->upload ? "~ \"^/\\.upload%s(?:%s)$\"" : "~ \"^%s(?:%s)$\"",
                              l->upload ? l->routes->root : "", expression->data),
                 s, treatment);
    buf_clear(expression, MAX_EXPRESSION);
}

typedef bool chooser(const struct locations *, const struct plan_socket *, const char *path);

/* All paths of a worker that have this treatment and are `wanted`. Those without parameters are looked up in no time
 * and before all others; the rest shares as few locations as nginx allows. */
static void add_socket(struct locations *l, const struct plan_socket *s, unsigned treatment, chooser *wanted)
{
    struct buf expression = {0};
    for (size_t g = 0; g < s->group_count; g++) {
        for (size_t r = 0; r < s->groups[g]->count; r++) {
            const char *path = s->groups[g]->routes[r].path;
            if (seen_before(s->groups[g], r) || treatment_of(s, path) != treatment || !wanted(l, s, path))
                continue;
            if (!strchr(path, '{') && !l->upload) {
                add_pass(l, arena_printf(l->mem, "= %s", path), s, treatment);
                continue;
            }
            if (expression.len + 2 * strlen(path) > MAX_EXPRESSION)
                add_location(l, s, treatment, &expression);
            if (expression.len)
                buf_addc(&expression, '|');
            nginx_expression(&expression, path);
        }
    }
    add_location(l, s, treatment, &expression);
    buf_free(&expression);
}

/* What is not caught by the location for all of /api, nor has come first. */
static bool is_own(const struct locations *l, const struct plan_socket *s, const char *path)
{
    return !is_caught(l, s, path) && (s != l->other || treatment_of(s, path) || !starts_with(path, "/api/"));
}

static void add_sockets(struct locations *l, chooser *wanted)
{
    for (size_t i = 0; i < l->routes->plan->count; i++)
        for (unsigned treatment = 0; treatment < TREATMENTS; treatment++)
            add_socket(l, &l->routes->plan->sockets[i], treatment, wanted);
}

static const struct plan_socket *largest(const struct plan *plan)
{
    const struct plan_socket *best = plan->sockets;
    for (size_t i = 1; i < plan->count; i++)
        if (plan->sockets[i].group_count > best->group_count)
            best = &plan->sockets[i];
    return best;
}

void nginx_locations(const struct nginx_routes *routes, struct arena *a, struct buf *out)
{
    struct locations l = {.routes = routes, .mem = a, .other = largest(routes->plan), .out = out};
    add_sockets(&l, is_caught);
    add_sockets(&l, is_own);
    add_pass(&l, "/api/", l.other, 0);
    l.upload = true;
    add_sockets(&l, is_caught);
    add_sockets(&l, is_own);
    add_pass(&l, "/.upload/", l.other, 0);
}

const char *nginx_socket_of(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->count; i++)
        for (size_t g = 0; g < plan->sockets[i].group_count; g++)
            for (size_t r = 0; r < plan->sockets[i].groups[g]->count; r++)
                if (streq(plan->sockets[i].groups[g]->routes[r].path, path))
                    return plan->sockets[i].name;
    return NULL;
}

void nginx_public_paths(const struct plan *plan, const char *root, bool deliveries, struct buf *out)
{
    unsigned wanted = deliveries ? TREAT_DELIVERY : TREAT_SMALL;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_socket *s = &plan->sockets[i];
        for (size_t g = 0; g < s->group_count; g++) {
            for (size_t r = 0; r < s->groups[g]->count; r++) {
                const char *path = s->groups[g]->routes[r].path;
                if (seen_before(s->groups[g], r) || !(treatment_of(s, path) & wanted))
                    continue;
                buf_addf(out, "        \"~^%s", root);
                nginx_expression(out, path);
                buf_adds(out, "$\" 1;\n");
            }
        }
    }
}
