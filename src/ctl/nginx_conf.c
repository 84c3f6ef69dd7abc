/*
 * kansoctl nginx-conf: the template with its @NAMES@ filled in. Which path goes to which worker comes from the route
 * tables: a regular expression over the path templates for each worker, and one worker, the one that serves most, takes
 * all that is left under /api, so that it can say 404 and 405.
 */
#include "app/app.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "ctl/plan.h"
#include "db/embedded.h"
#include "http/cors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* nginx refuses parameters beyond 4096 bytes. */
enum { MAX_EXPRESSION = 3900 };

struct locations {
    struct arena *mem;
    const struct plan *plan;
    const struct plan_socket *other; /* takes what is left */
    const char *home;
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

/* Whether another worker has a template that would catch this path as well, and less exactly. */
static bool is_caught(const struct locations *l, const struct plan_socket *own, const char *path)
{
    for (size_t i = 0; i < l->plan->count; i++) {
        const struct plan_socket *s = &l->plan->sockets[i];
        for (size_t g = 0; s != own && g < s->group_count; g++)
            for (size_t r = 0; r < s->groups[g]->count; r++)
                if (fits(path, s->groups[g]->routes[r].path) && !streq(path, s->groups[g]->routes[r].path))
                    return true;
    }
    return false;
}

static void add_expression(struct buf *out, const char *path)
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

/* Locations ------------------------------------------------------------------------------------------------------ */

static void add_pass(struct locations *l, const char *match, const struct plan_socket *s)
{
    buf_addf(l->out, "        location %s { fastcgi_pass unix:%s/run/%s.sock; }\n", match, l->home, s->name);
}

static void add_location(struct locations *l, const struct plan_socket *s, struct buf *expression)
{
    if (expression->len)
        add_pass(l, arena_printf(l->mem, "~ \"^(?:%s)$\"", expression->data), s);
    buf_clear(expression, MAX_EXPRESSION);
}

static bool seen_before(const struct group *g, size_t r)
{
    for (size_t i = 0; i < r; i++)
        if (streq(g->routes[i].path, g->routes[r].path))
            return true;
    return false;
}

/* All paths of a worker that `wanted` picks, in as few locations as nginx allows. */
static void add_socket(struct locations *l, const struct plan_socket *s,
                       bool (*wanted)(const struct locations *, const struct plan_socket *, const char *))
{
    struct buf expression = {0};
    for (size_t g = 0; g < s->group_count; g++) {
        for (size_t r = 0; r < s->groups[g]->count; r++) {
            const char *path = s->groups[g]->routes[r].path;
            if (seen_before(s->groups[g], r) || !wanted(l, s, path))
                continue;
            if (expression.len + 2 * strlen(path) > MAX_EXPRESSION)
                add_location(l, s, &expression);
            if (expression.len)
                buf_addc(&expression, '|');
            add_expression(&expression, path);
        }
    }
    add_location(l, s, &expression);
    buf_free(&expression);
}

/* What is not caught by the location for all of /api, nor has come first. */
static bool is_own(const struct locations *l, const struct plan_socket *s, const char *path)
{
    return !is_caught(l, s, path) && (s != l->other || !starts_with(path, "/api/"));
}

static void add_locations(struct locations *l)
{
    for (size_t i = 0; i < l->plan->count; i++)
        add_socket(l, &l->plan->sockets[i], is_caught);
    for (size_t i = 0; i < l->plan->count; i++)
        add_socket(l, &l->plan->sockets[i], is_own);
    add_pass(l, "/api/", l->other);
}

static const struct plan_socket *largest(const struct plan *plan)
{
    const struct plan_socket *best = plan->sockets;
    for (size_t i = 1; i < plan->count; i++)
        if (plan->sockets[i].group_count > best->group_count)
            best = &plan->sockets[i];
    return best;
}

/* The template --------------------------------------------------------------------------------------------------- */

struct blank {
    const char *name, *text;
};

static void fill(struct buf *out, const char *text, const struct blank *blanks, size_t count)
{
    while (*text) {
        size_t i = 0;
        for (; i < count; i++)
            if (starts_with(text, blanks[i].name))
                break;
        if (i < count) {
            buf_adds(out, blanks[i].text ? blanks[i].text : "");
            text += strlen(blanks[i].name);
        } else {
            buf_addc(out, *text++);
        }
    }
}

/* A variable that goes into the file as it is: nothing in it may end a parameter. */
static const char *safe_env(const char *name, const char *otherwise)
{
    const char *v = ctl_env(name, otherwise);
    if (v && strpbrk(v, " \t\n\r;{}\"'$\\"))
        exit(ctl_fail("%s is '%s'; blanks, quotes, $, ;, \\ and braces cannot be used there", name, v));
    return v;
}

static const char *number_env(const char *name, const char *otherwise, int64_t lowest, int64_t highest)
{
    const char *v = ctl_env(name, otherwise);
    int64_t n;
    if (!parse_int64(v, &n) || n < lowest || n > highest)
        exit(ctl_fail("%s is '%s'; it must be a number from %lld to %lld", name, v, (long long)lowest,
                      (long long)highest));
    return v;
}

static bool bool_env(const char *name, bool otherwise)
{
    const char *v = ctl_env(name, NULL);
    int on = v ? parse_bool_word(v, strlen(v)) : otherwise;
    if (on < 0)
        exit(ctl_fail("%s is '%s'; it must be true or false", name, v));
    return on;
}

/* Behind proxies, the client's address is the nearest one that is no proxy. Workers are told the peer all the same:
 * they read X-Forwarded-For themselves. */
static const char *proxies(struct arena *a)
{
    struct buf out = {0};
    const char *list = config.trusted_proxies ? config.trusted_proxies : "", *blanks = ", \t";
    for (list += strspn(list, blanks); *list; list += strspn(list, blanks)) {
        size_t len = strcspn(list, blanks);
        buf_addf(&out, "    set_real_ip_from %.*s;\n", (int)len, list);
        list += len;
    }
    if (out.len)
        buf_adds(&out, "    real_ip_header X-Forwarded-For;\n    real_ip_recursive on;\n");
    const char *text = out.len ? arena_strdup(a, out.data) : "";
    buf_free(&out);
    return text;
}

static const char GATE_ZONE[] = "    # The first gate for what guesses passwords: floods end here, before each costs a "
                                "worker a bcrypt. The limits\n"
                                "    # of ZENML_SERVER_LOGIN_RATE_LIMIT_* come behind it.\n"
                                "    map $uri $login_client {\n"
                                "        default \"\";\n"
                                "        \"~^/api/v1/(?:login|device_authorization)$\" $binary_remote_addr;\n"
                                "    }\n"
                                "    limit_req_zone $login_client zone=logins:1m rate=10r/s;\n"
                                "    limit_req_status 429;\n";

static const char GATE[] = "        limit_req zone=logins burst=20 nodelay;\n"
                           "        error_page 429 @too_many;\n"
                           "        location @too_many {\n"
                           "            default_type application/json;\n"
                           "            return 429 '{\"detail\":\"Minute request limit exceeded.\"}';\n"
                           "        }\n\n";

static const char *root_path(struct arena *a)
{
    const char *path = safe_env("ZENML_SERVER_ROOT_URL_PATH", "");
    if (!*path)
        return "";
    if (*path != '/' || path[strlen(path) - 1] == '/')
        exit(ctl_fail("ZENML_SERVER_ROOT_URL_PATH is '%s'; it must begin with a slash and not end with one", path));
    struct buf expression = {0};
    add_expression(&expression, path);
    const char *text = arena_printf(a,
                                    "\n        # Every path answers with and without the prefix %s.\n"
                                    "        rewrite \"^%s$\" / last;\n"
                                    "        rewrite \"^%s(/.*)$\" $1 last;\n",
                                    path, expression.data, expression.data);
    buf_free(&expression);
    return text;
}

/* The secure headers of contract/server.md section 3 for files. `Server` is left to nginx, which has one already;
 * Kanso's own pages have a stricter policy than the configured one. */
static const char *file_headers(struct arena *a, bool with_policy)
{
    const char *problem, *lines = secure_headers(a, &problem);
    struct buf out = {0};
    if (!lines)
        exit(ctl_fail("%s", problem));
    for (const char *end; *lines; lines = end + 2) {
        const char *colon = strstr(lines, ": ");
        end = strstr(lines, "\r\n");
        if (starts_with(lines, "Server:") || (!with_policy && starts_with(lines, "Content-Security-Policy:")))
            continue;
        buf_addf(&out, "            add_header %.*s \"", (int)(colon - lines), lines);
        for (const char *c = colon + 2; c < end; c++) {
            if (strchr("\"\\$", *c))
                buf_addc(&out, '\\');
            buf_addc(&out, *c);
        }
        buf_adds(&out, "\" always;\n");
    }
    const char *text = arena_strdup(a, out.data);
    buf_free(&out);
    return text ? text : "";
}

/* What is served beside the API: Kanso's own pages, or the dashboard of KANSO_DASHBOARD_DIR. */
static const char *files(struct arena *a)
{
    const char *dashboard = safe_env("KANSO_DASHBOARD_DIR", "");
    struct buf out = {0};
    if (*dashboard && *dashboard != '/')
        exit(ctl_fail("KANSO_DASHBOARD_DIR is '%s'; it must be an absolute path", dashboard));
    const struct blank blanks[] = {
        {"@DASHBOARD@", dashboard},
        {"@ASSETS@", bool_env("ZENML_SERVER_USE_LEGACY_DASHBOARD", false) ? "static" : "assets"},
        {"@SECURE_HEADERS@\n", file_headers(a, true)},
        {"@PAGE_HEADERS@\n", file_headers(a, false)},
    };
    fill(&out, *dashboard ? nginx_dashboard : nginx_pages, blanks, ARRAY_LEN(blanks));
    const char *text = arena_strdup(a, out.data);
    buf_free(&out);
    return text;
}

/* scripts/kanso names a pipe to kanso-supervise, which keeps the log within its size. */
static const char *access_log(struct arena *a)
{
    if (!bool_env("KANSO_ACCESS_LOG", false))
        return "off";
    return arena_printf(a, "%s kanso", safe_env("KANSO_ACCESS_LOG_FILE", "log/access.log"));
}

static int print_conf(struct arena *a, const struct plan *plan)
{
    struct buf locations = {0}, conf = {0};
    const char *home = safe_env("KANSO_HOME", NULL);
    const char *html = safe_env("KANSO_HTML", NULL);
    if (!home || !html || *home != '/' || *html != '/')
        return ctl_fail("nginx-conf needs KANSO_HOME (sockets, logs) and KANSO_HTML (pages) as absolute paths");
    struct locations l = {.mem = a, .plan = plan, .other = largest(plan), .home = home, .out = &locations};
    add_locations(&l);
    const struct blank blanks[] = {
        {"@NGINX_WORKERS@", number_env("KANSO_NGINX_WORKERS", "1", 1, 64)},
        {"@ACCESS_LOG@", access_log(a)},
        {"@MAX_BODY@", arena_printf(a, "%lld", (long long)config.max_body)},
        {"@ADDRESS@", safe_env("KANSO_ADDRESS", "127.0.0.1")},
        {"@PORT@", number_env("KANSO_PORT", "8080", 1, 65535)},
        {"@HTML@", html},
        {"@ROOT_PATH@", root_path(a)},
        {"@PEER@", config.trusted_proxies ? "$realip_remote_addr" : "$remote_addr"},
        {"@PROXIES@", proxies(a)},
        {"@GATE_ZONE@", config.rate_limit ? GATE_ZONE : ""},
        {"@GATE@", config.rate_limit ? GATE : ""},
        {"@LOCATIONS@", locations.data},
        {"@PAGES@\n", files(a)},
    };
    fill(&conf, nginx_conf, blanks, ARRAY_LEN(blanks));
    bool written = fwrite(conf.data, 1, conf.len, stdout) == conf.len && fflush(stdout) == 0;
    buf_free(&locations);
    buf_free(&conf);
    return written ? CTL_DONE : ctl_fail("nginx-conf: cannot write: is the disk full?");
}

int ctl_nginx_conf(int argc, char **argv)
{
    if (argc > 1) {
        fputs("Usage: kansoctl nginx-conf\n\nPrints a complete nginx.conf for the workers that `kansoctl plan` lists.\n"
              "KANSO_HOME, KANSO_HTML, KANSO_ADDRESS, KANSO_PORT, KANSO_WORKERS, KANSO_MAX_BODY, KANSO_ACCESS_LOG,\n"
              "KANSO_NGINX_WORKERS, KANSO_DASHBOARD_DIR and ZENML_SERVER_ROOT_URL_PATH go into it.\n",
              streq(argv[1], "--help") ? stdout : stderr);
        return streq(argv[1], "--help") ? CTL_DONE : CTL_MISUSED;
    }
    struct arena mem = {0};
    struct plan plan;
    const char *problem = config_load(&mem);
    if (!problem)
        problem = plan_from_env(&mem, &plan);
    int rc = problem ? ctl_fail("%s", problem) : print_conf(&mem, &plan);
    arena_free(&mem);
    return rc;
}
