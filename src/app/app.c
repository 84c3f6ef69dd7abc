#include "app/app.h"

#include "app/dispatch.h"
#include "app/operations.h"
#include "app/tables.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "base/text.h"
#include "db/db.h"
#include "http/cors.h"
#include "http/worker.h"
#include "resource/filter.h"
#include "secrets/stores.h"

#include <stdio.h>
#include <string.h>

static void usage(const char *program)
{
    printf(
        "usage: %s [--groups NAME[,NAME...]|all] [--routes] [--help] [--version]\n\n"
        "A Kanso worker. It serves FastCGI requests on the listening socket that it gets as descriptor 0, or a single\n"
        "request when it finds a CGI environment. Configuration comes from the environment:\n\n"
        "  %-52s %s\n",
        program, "ZENML_STORE_URL", "mysql://user:password@host:port/database[?unix_socket=PATH]");
    config_print();
    printf("\nGroups:");
    for (const struct group *const *g = all_groups; *g; g++)
        printf(" %s", (*g)->name);
    printf("\n");
}

static void print_routes(void)
{
    for (const struct group *const *g = all_groups; *g; g++)
        for (size_t i = 0; i < (*g)->count; i++)
            printf("%s %s %s\n", (*g)->name, (*g)->routes[i].method, (*g)->routes[i].path);
}

const struct group *find_group(const char *name)
{
    for (const struct group *const *g = all_groups; *g; g++)
        if (streq((*g)->name, name))
            return *g;
    return NULL;
}

/* Fills app->groups from a comma list; NULL, or the name that is no group. */
static const char *choose_groups(struct arena *a, struct app *app, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        const char *name = arena_strndup(a, list, len);
        const struct group *g = find_group(name);
        if (streq(name, "all"))
            for (const struct group *const *k = all_groups; *k && app->group_count < ARRAY_LEN(app->groups); k++)
                app->groups[app->group_count++] = *k;
        else if (g && app->group_count < ARRAY_LEN(app->groups))
            app->groups[app->group_count++] = g;
        else
            return name;
        list += len + (list[len] == ',');
    }
    return NULL;
}

static int refuse(const char *what)
{
    fprintf(stderr, "kanso: %s\n", what);
    return 2;
}

#ifdef KANSO_DEBUG
/* A worker of a debugging build serves no tables that contradict themselves. */
static const char *check_tables(struct arena *a)
{
    struct buf found = {0};
    size_t count = tables_check(&found);
    const char *problem = count ? arena_printf(a, "its tables have faults:\n%.*s", (int)found.len, found.data) : NULL;
    buf_free(&found);
    return problem;
}
#else
static const char *check_tables(struct arena *a)
{
    (void)a;
    return NULL;
}
#endif

static struct db_url url;

const struct db_url *app_database(void)
{
    return &url;
}

static int run(struct app *app, struct arena *a, const char *own)
{
    const char *problem = config_load(a);
    if (!problem)
        problem = secrets_configure(a);
    if (!problem)
        problem = check_tables(a);
    if (!problem)
        problem = db_url_from_env(a, &url);
    const char *headers = problem ? NULL : secure_headers(a, &problem);
    if (problem)
        return refuse(problem);
    if (config.pagination_limit)
        filter_default_size = filter_max_size = config.pagination_limit;
    const char *alone = metrics_open(own);
    if (alone)
        log_info("nothing is counted: %s", alone);
    app->db = db_new(&url);
    struct worker w = {.root_path = config.root_url_path,
                       .max_body = (size_t)config.max_body,
                       .max_requests = (unsigned)config.max_requests,
                       .memory = (size_t)config.worker_memory,
                       .headers = headers,
                       .kept_headers = secure_headers_kept(a, headers),
                       .app = app,
                       .handle = dispatch,
                       .count = operation_count,
                       .finish = dispatch_finish};
    int status = worker_run(&w);
    db_free(app->db);
    return status;
}

int app_main(int argc, char **argv, const char *own)
{
    struct arena a = {0};
    struct app app = {0};
    const char *groups = own, *unreadable = settings_receive();
    if (unreadable)
        return refuse(unreadable);
    if (getenv("GATEWAY_INTERFACE")) /* CGI: arguments are words of a query without "=" (RFC 3875, 4.4), of anybody */
        argc = 1;
    for (int i = 1; i < argc; i++) {
        if (streq(argv[i], "--help")) {
            usage(argv[0]);
            return 0;
        }
        if (streq(argv[i], "--version")) {
            puts("kanso " KANSO_VERSION " (ZenML 0.66.0)");
            return 0;
        }
        if (streq(argv[i], "--routes")) {
            print_routes();
            return 0;
        }
        if (!streq(argv[i], "--groups") || ++i == argc)
            return refuse(arena_printf(&a, "unknown argument '%s'; see --help", argv[i < argc ? i : argc - 1]));
        groups = argv[i];
    }
    log_open(own);
    const char *unknown = choose_groups(&a, &app, groups);
    int status = unknown ? refuse(arena_printf(&a, "there is no group '%s'; see --help", unknown)) : run(&app, &a, own);
    arena_free(&a);
    return status;
}
