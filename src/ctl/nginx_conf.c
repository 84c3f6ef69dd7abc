/* kansoctl nginx-conf: the template with its @NAMES@ filled in, from the environment and the route tables. */
#include "app/app.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "ctl/nginx_routes.h"
#include "ctl/plan.h"
#include "db/embedded.h"
#include "http/cors.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What of a request's target and headers fits into the one record of 65535 bytes that nginx sends them in, besides
 * their names and what nginx adds itself. */
#define HEAD_LIMIT "64800"

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

/* Whether who connects is a trusted proxy, whose word on what the request is called counts. */
static const char *trusted_peers(struct arena *a)
{
    struct buf out = {0};
    const char *list = config.trusted_proxies ? config.trusted_proxies : "", *blanks = ", \t";
    bool sockets = false;
    buf_adds(&out, "    geo $realip_remote_addr $trusted_network {\n        default \"\";\n");
    for (list += strspn(list, blanks); *list; list += strspn(list, blanks)) {
        size_t len = strcspn(list, blanks);
        if (len == 5 && starts_with(list, "unix:"))
            sockets = true;
        else
            buf_addf(&out, "        %.*s 1;\n", (int)len, list);
        list += len;
    }
    buf_addf(&out,
             "    }\n    map $realip_remote_addr $trusted_peer {\n        default $trusted_network;\n"
             "        \"unix:\" \"%s\";\n    }\n",
             sockets ? "1" : "");
    const char *text = arena_strdup(a, out.data);
    buf_free(&out);
    return text;
}

/* Where nginx listens: an address, in brackets or not, or a name. `::` is every address, those of IPv4 included, which
 * have a socket of their own so that they look as they do elsewhere. */
static const char *listen_lines(struct arena *a)
{
    const char *address = safe_env("KANSO_ADDRESS", "127.0.0.1"), *port = number_env("KANSO_PORT", "8080", 1, 65535);
    if (starts_with(address, "unix:/"))
        return arena_printf(a, "        listen %s backlog=1024;\n", address);
    size_t len = strlen(address);
    struct in6_addr parsed;
    bool brackets = *address == '[' && address[len - 1] == ']';
    const char *bare = brackets ? arena_strndup(a, address + 1, len - 2) : address;
    bool v6 = inet_pton(AF_INET6, bare, &parsed) == 1;
    if (!v6 && strpbrk(address, ":[]"))
        exit(ctl_fail("KANSO_ADDRESS is '%s'; it must be an address such as 127.0.0.1, 0.0.0.0, ::1 or ::, a name, or "
                      "unix:/PATH; the port is KANSO_PORT",
                      address));
    const char *text =
        arena_printf(a, "        listen %s%s%s:%s backlog=1024;\n", v6 ? "[" : "", bare, v6 ? "]" : "", port);
    if (v6 && IN6_IS_ADDR_UNSPECIFIED(&parsed))
        text = arena_printf(a, "%s        listen 0.0.0.0:%s backlog=1024;\n", text, port);
    return text;
}

/* Where the counters can be read: a listener of its own, which leads to nothing else. */
static const char *metrics(struct arena *a, const struct plan *plan, const char *home)
{
    const char *at = safe_env("KANSO_METRICS", "off"), *colon = strrchr(at, ':');
    int64_t port;
    if (streq(at, "off"))
        return "";
    bool socket = starts_with(at, "unix:/");
    if (!socket && (!parse_int64(colon ? colon + 1 : at, &port) || port < 1 || port > UINT16_MAX || colon == at ||
                    (colon && strchr(at, ':') != colon && *at != '[')))
        exit(ctl_fail("KANSO_METRICS is '%s'; it must be off, a port, an address with a port such as 127.0.0.1:9464 or "
                      "[::1]:9464, or unix:/PATH",
                      at));
    return arena_printf(a,
                        "    server {\n"
                        "        listen %s%s;\n"
                        "        access_log off;\n"
                        "        location = /metrics {\n"
                        "            fastcgi_param KANSO_LISTENER metrics;\n"
                        "            fastcgi_param REQUEST_METHOD $request_method;\n"
                        "            fastcgi_param REQUEST_URI    /metrics;\n"
                        "            fastcgi_param REQUEST_ID     $kanso_request_id;\n"
                        "            fastcgi_param REMOTE_ADDR    $remote_addr;\n"
                        "            fastcgi_param HTTP_AUTHORIZATION $http_authorization if_not_empty;\n"
                        "            fastcgi_pass unix:%s/run/%s.sock;\n"
                        "        }\n"
                        "        location / {\n"
                        "            return 404;\n"
                        "        }\n"
                        "    }\n",
                        socket || colon ? "" : "127.0.0.1:", at, home, nginx_socket_of(plan, "/metrics"));
}

/* The gate for sign-ins: a client's requests beyond `rate` a second wait, at most for the time that clients wait for an
 * answer; what would wait longer is refused. */
enum { GATE_SECONDS = 25, GATE_AT_ONCE_SECONDS = 2 };

static const char *gate_zone(struct arena *a, const char *rate)
{
    if (streq(rate, "0"))
        return "";
    return arena_printf(
        a,
        "    # Sign-ins and activations cost a worker bcrypt: what one client asks beyond so many a second"
        " waits here.\n"
        "    # The limits of ZENML_SERVER_LOGIN_RATE_LIMIT_* come behind it.\n"
        "    map $request_method $login_client {\n"
        "        default $client;\n"
        "        OPTIONS \"\";\n"
        "    }\n"
        "    limit_req_zone $login_client zone=logins:1m rate=%sr/s;\n"
        "    limit_req_status 429;\n"
        "    limit_req_log_level info;\n\n",
        rate);
}

static const char *gate(struct arena *a, const char *rate)
{
    long n = strtol(rate, NULL, 10);
    if (n == 0)
        return "";
    return arena_printf(a, "limit_req zone=logins burst=%ld delay=%ld; ", n * GATE_SECONDS, n * GATE_AT_ONCE_SECONDS);
}

/* A regular expression for the decimal numbers above `limit`, written as nginx finds them in Content-Length. */
static const char *number_above(struct arena *a, size_t limit)
{
    const char *digits = arena_printf(a, "%zu", limit);
    size_t len = strlen(digits);
    const char *out = arena_printf(a, "^0*(?:[1-9][0-9]{%zu,}", len);
    for (size_t i = 0; i < len; i++)
        if (digits[i] != '9')
            out = arena_printf(a, "%s|%.*s[%c-9][0-9]{%zu}", out, (int)i, digits, digits[i] + 1, len - i - 1);
    return arena_printf(a, "%s)$", out);
}

/* FastCGI parameters for the headers that workers read, and their values in a row. */
static const char *header_params(struct arena *a, const char **values)
{
    const char *out = "", *all = "";
    for (const char *const *h = request_headers; *h; h++) {
        char *variable = arena_strdup(a, *h);
        for (char *c = variable; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        out = arena_printf(a, "%s    fastcgi_param %s $%s if_not_empty;\n", out, *h, variable);
        all = arena_printf(a, "%s$%s", all, variable);
    }
    *values = all;
    return out;
}

/* Cross-origin requests as in http/cors.c, for what nginx answers itself. Of a request that it could not read it does
 * not know the origin. */
static const char *cors_maps(struct arena *a)
{
    const char *out = "    map $http_origin $cors_credentials {\n"
                      "        \"\" \"\";\n"
                      "        default true;\n"
                      "    }\n";
    if (streq(config.cors_origins, "*")) {
        out = arena_printf(a,
                           "%s    map $http_cookie $cors_any {\n"
                           "        \"\" *;\n"
                           "        default $http_origin;\n"
                           "    }\n"
                           "    map $status $cors_unread {\n"
                           "        default \"\";\n"
                           "        400 *;\n"
                           "        414 *;\n"
                           "        431 *;\n"
                           "        505 *;\n"
                           "    }\n"
                           "    map $http_origin $cors_origin {\n"
                           "        \"\" $cors_unread;\n"
                           "        \"~[^ -~]\" \"\";\n"
                           "        default $cors_any;\n"
                           "    }\n",
                           out);
    } else {
        out = arena_printf(a, "%s    map $http_origin $cors_origin {\n        default \"\";\n", out);
        const char *p = config.cors_origins;
        for (size_t len; *(p += strspn(p, ", ")); p += len) {
            struct buf expression = {0};
            len = strcspn(p, ", ");
            const char *origin = arena_strndup(a, p, len);
            if (strpbrk(origin, "\t\r\n;{}\"'$\\"))
                exit(ctl_fail("ZENML_SERVER_CORS_ALLOW_ORIGINS: '%s' is no origin", origin));
            nginx_expression(&expression, origin);
            out = arena_printf(a, "%s        \"~^%s$\" $http_origin;\n", out, expression.data);
            buf_free(&expression);
        }
        out = arena_printf(a, "%s    }\n", out);
    }
    return arena_printf(a,
                        "%s    map $cors_origin $cors_vary {\n"
                        "        \"\" \"\";\n"
                        "        \"*\" \"\";\n"
                        "        default Origin;\n"
                        "    }\n",
                        out);
}

/* The prefix that paths may have, as a regular expression; "" for none. */
static const char *root_expression(struct arena *a)
{
    const char *path = safe_env("ZENML_SERVER_ROOT_URL_PATH", "");
    if (!*path)
        return "";
    if (*path != '/' || path[strlen(path) - 1] == '/')
        exit(ctl_fail("ZENML_SERVER_ROOT_URL_PATH is '%s'; it must begin with a slash and not end with one", path));
    struct buf expression = {0};
    nginx_expression(&expression, path);
    const char *text = arena_strdup(a, expression.data);
    buf_free(&expression);
    return text;
}

static const char *root_path(struct arena *a, const char *expression)
{
    if (!*expression)
        return "";
    return arena_printf(a,
                        "\n        # Every path answers with and without the prefix. What is rewritten counts as "
                        "internal, so\n"
                        "        # nothing is that begins as the locations do that are.\n"
                        "        rewrite \"^%s$\" / last;\n"
                        "        rewrite \"^%s(/(?!\\.).*)$\" $1 last;\n",
                        expression, expression);
}

/* The secure headers of docs/contract/server.md#secure-headers for what nginx answers itself. `Server` is left to
 * nginx, which has one already; Kanso's own pages have a stricter policy than the configured one. Files may be kept and
 * asked for again (ETag), unless the configuration says otherwise. */
static const char *add_headers(struct arena *a, bool file, bool with_policy)
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
        if (file && !config.headers[H_CACHE] && starts_with(lines, "Cache-Control:")) {
            buf_adds(&out, "            add_header Cache-Control no-cache always;\n");
            continue;
        }
        buf_addf(&out, "            add_header %.*s \"", (int)(colon - lines), lines);
        for (const char *c = colon + 2; c < end; c++) {
            if (strchr("\"\\$", *c))
                buf_addc(&out, '\\');
            buf_addc(&out, *c);
        }
        buf_adds(&out, "\" always;\n");
    }
    buf_adds(&out, "            add_header X-Request-ID $kanso_request_id always;\n");
    const char *text = arena_strdup(a, out.data);
    buf_free(&out);
    return text;
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
        {"@FILE_HEADERS@\n", add_headers(a, true, true)},
        {"@PAGE_HEADERS@\n", add_headers(a, true, false)},
        {"@VERSION@", KANSO_VERSION},
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
    return arena_printf(a, "%s kanso_%s", safe_env("KANSO_ACCESS_LOG_FILE", "log/access.log"), config.log_format);
}

static int print_conf(struct arena *a, const struct plan *plan)
{
    struct buf locations = {0}, public_paths = {0}, delivery_paths = {0}, conf = {0};
    const char *home = safe_env("KANSO_HOME", NULL), *html = safe_env("KANSO_HTML", NULL);
    if (!home || !html || *home != '/' || *html != '/')
        return ctl_fail("nginx-conf needs KANSO_HOME (sockets, logs) and KANSO_HTML (pages) as absolute paths");
    const char *rate = number_env("KANSO_LOGIN_RATE", "3", 0, 1000), *prefix = root_expression(a), *header_values;
    const char *root = *prefix ? arena_printf(a, "(?:%s)?", prefix) : "";
    size_t max_body = (size_t)config.max_body;
    size_t public_body = max_body < PUBLIC_MAX_BODY ? max_body : PUBLIC_MAX_BODY;
    struct nginx_routes routes = {plan, home, gate(a, rate), public_body, webhook_max_body(), root};
    nginx_locations(&routes, a, &locations);
    nginx_public_paths(plan, root, false, &public_paths);
    nginx_public_paths(plan, root, true, &delivery_paths);
    const struct blank blanks[] = {
        {"@NGINX_WORKERS@", number_env("KANSO_NGINX_WORKERS", "1", 1, 64)},
        {"@ACCESS_LOG@", access_log(a)},
        {"@MAX_BODY@", arena_printf(a, "%zu", max_body)},
        {"@PUBLIC_BODY@", arena_printf(a, "%zu", public_body)},
        {"@OVER_MAX_BODY@", number_above(a, max_body)},
        {"@OVER_PUBLIC_BODY@", number_above(a, public_body)},
        {"@PUBLIC_PATHS@\n", public_paths.data},
        {"@DELIVERY_BODY@", arena_printf(a, "%zu", webhook_max_body())},
        {"@OVER_DELIVERY_BODY@", number_above(a, webhook_max_body()) + 1}, /* behind something else */
        {"@DELIVERY_PATHS@\n", delivery_paths.data},
        {"@HEAD_LIMIT@", HEAD_LIMIT},
        {"@HEADER_PARAMS@\n", header_params(a, &header_values)},
        {"@HEADER_VALUES@", header_values},
        {"@CLIENT_REQUESTS@", number_env("KANSO_CLIENT_REQUESTS", "512", 1, 65535)},
        {"@CLIENT_UPLOADS@", number_env("KANSO_CLIENT_UPLOADS", "32", 1, 65535)},
        {"@LISTEN@", listen_lines(a)},
        {"@HOME@", home},
        {"@CALLER_SOCKET@", nginx_socket_of(plan, "/api/v1/current-user")},
        {"@HTML@", html},
        {"@ROOT@", root},
        {"@ROOT_PATH@\n", root_path(a, prefix)},
        {"@PEER@", config.trusted_proxies ? "$realip_remote_addr" : "$remote_addr"},
        {"@PROXIES@", proxies(a)},
        {"@TRUSTED_PEERS@\n", trusted_peers(a)},
        {"@GATE_ZONE@\n", gate_zone(a, rate)},
        {"@CORS@\n", cors_maps(a)},
        {"@REFUSAL_HEADERS@\n", add_headers(a, false, true)},
        {"@LOCATIONS@", locations.data},
        {"@PAGES@\n", files(a)},
        {"@METRICS@\n", metrics(a, plan, home)},
    };
    fill(&conf, nginx_conf, blanks, ARRAY_LEN(blanks));
    bool written = fwrite(conf.data, 1, conf.len, stdout) == conf.len && fflush(stdout) == 0;
    buf_free(&locations);
    buf_free(&public_paths);
    buf_free(&delivery_paths);
    buf_free(&conf);
    return written ? CTL_DONE : ctl_fail("nginx-conf: cannot write: is the disk full?");
}

/* A location for a server block of another nginx, which passes requests on to Kanso's own: that one keeps what protects
 * the workers, and this one needs to know nothing of it. */
static int print_site(struct arena *a)
{
    const char *address = safe_env("KANSO_ADDRESS", "127.0.0.1"), *port = number_env("KANSO_PORT", "8080", 1, 65535);
    const char *prefix = safe_env("ZENML_SERVER_ROOT_URL_PATH", "");
    root_expression(a); /* refuses what is no prefix */
    bool local = starts_with(address, "unix:/"), v6 = !local && strchr(address, ':') && *address != '[';
    if (streq(address, "0.0.0.0"))
        address = "127.0.0.1";
    const char *to = local ? arena_printf(a, "%s:", address) : arena_printf(a, v6 ? "[%s]:%s" : "%s:%s", address, port);
    printf(
        "# Made by `kansoctl nginx-conf --site`, to be included in a server block of the nginx that is there already.\n"
        "location %s/ {\n"
        "    proxy_pass http://%s;\n"
        "    proxy_http_version 1.1;\n"
        "    proxy_set_header Connection \"\";\n"
        "    proxy_set_header Host $host;\n"
        "    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
        "    proxy_set_header X-Forwarded-Proto $scheme;\n"
        "    proxy_set_header X-Request-ID $request_id; # not the caller's own: Kanso believes its proxy\n"
        "    proxy_request_buffering off;\n"
        "    proxy_redirect off;\n"
        "    proxy_read_timeout 300s;\n"
        "    client_max_body_size 0; # Kanso's own nginx knows how large bodies may be\n"
        "}\n",
        prefix, to);
    return CTL_DONE;
}

static int run(const struct ctl_call *call)
{
    struct plan plan;
    if (ctl_option(call, "site"))
        return print_site(call->mem);
    const char *problem = plan_from_env(call->mem, &plan);
    return problem ? ctl_fail("%s", problem) : print_conf(call->mem, &plan);
}

const struct ctl_command ctl_nginx_conf = {
    .name = "nginx-conf",
    .summary = "print nginx.conf, made from the route tables",
    .options =
        {{"site", NULL,
          "a location for a server block of an nginx that is there already,\nwhich passes requests on to Kanso's own"}},
    .details = "Prints a complete nginx.conf for the workers that `kansoctl plan` lists.\n"
               "KANSO_HOME, KANSO_HTML, KANSO_ADDRESS, KANSO_PORT, KANSO_WORKERS, KANSO_MAX_BODY,\n"
               "KANSO_WEBHOOK_MAX_BODY, KANSO_ACCESS_LOG, KANSO_NGINX_WORKERS, KANSO_LOGIN_RATE,\n"
               "KANSO_CLIENT_REQUESTS, KANSO_CLIENT_UPLOADS, KANSO_DASHBOARD_DIR,\n"
               "KANSO_METRICS, KANSO_LOG_FORMAT,\n"
               "KANSO_TRUSTED_PROXIES, ZENML_SERVER_CORS_ALLOW_ORIGINS,\n"
               "ZENML_SERVER_SECURE_HEADERS_* and ZENML_SERVER_ROOT_URL_PATH go into it.\n",
    .of_instance = true,
    .configured = true,
    .run = run,
};
