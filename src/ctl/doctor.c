/* kansoctl doctor: everything that somebody who helps would ask for first. */
#include "ctl/doctor.h"

#include "base/config.h"
#include "base/spawn.h"
#include "base/text.h"
#include "ctl/config.h"
#include "db/migrate.h"
#include "template/workload.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ctl_column columns[] = {{"check", CTL_TEXT, 11},
                                            {"state", CTL_TEXT, 7},
                                            {"finding", CTL_TEXT, 0},
                                            {"advice", CTL_TEXT, CTL_HIDDEN},
                                            {NULL}};

static void __attribute__((format(printf, 4, 0)))
found(struct doctor *d, const char *state, const char *advice, const char *fmt, va_list ap)
{
    const char *finding = arena_vprintf(d->mem, fmt, ap);
    if (advice && !d->call->json) /* on a terminal, what to do stands behind it */
        finding = arena_printf(d->mem, "%s: %s", finding, advice);
    const struct db_value values[] = {ctl_value(d->check), ctl_value(state), ctl_value(finding), ctl_value(advice)};
    ctl_row(d->call, values);
}

void found_good(struct doctor *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    found(d, "ok", NULL, fmt, ap);
    va_end(ap);
}

void found_warning(struct doctor *d, const char *advice, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    found(d, "warning", advice, fmt, ap);
    va_end(ap);
}

void found_problem(struct doctor *d, const char *advice, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    found(d, "problem", advice, fmt, ap);
    va_end(ap);
    d->problems++;
}

unsigned doctor_connections(const struct doctor *d)
{
    unsigned n = d->configured && config.jobs ? (unsigned)config.jobs + 1 : 0;
    for (size_t i = 0; i < d->plan.count; i++)
        n += d->plan.sockets[i].count;
    return n;
}

/* Settings --------------------------------------------------------------------------------------------------------- */

static void check_settings(struct doctor *d)
{
    const char *name, *problem = config_load(d->mem);
    size_t at = 0;
    d->configured = !problem;
    if (problem)
        found_problem(d, "mend it in kanso.conf or the environment; `kansoctl config` says where it comes from", "%s",
                      problem);
    problem = plan_from_env(d->mem, &d->plan);
    if (problem) {
        d->plan = (struct plan){0};
        found_problem(d, "see `kansoctl plan --help`", "%s", problem);
    }
    while ((name = unknown_variable(d->mem, &at)))
        found_warning(d, "correct its name, or remove it", "Kanso knows no variable %s, set in %s", name,
                      ctl_origin(name));
    if (d->configured && d->plan.count)
        found_good(d, "read from %s",
                   d->place.conf && access(d->place.conf, F_OK) == 0 ? d->place.conf : "the environment");
}

static void check_versions(struct doctor *d)
{
    found_good(d, "Kanso " KANSO_VERSION " for ZenML " SCHEMA_VERSION ", %s", OpenSSL_version(OPENSSL_VERSION));
}

static void check_workloads(struct doctor *d)
{
    struct buf why = {0};
    const struct workload_manager *m = d->configured ? workload_manager() : NULL;
    if (m && m->check(&why) != OK)
        found_warning(d, "see docs/configuration.md#run-templates", "templates cannot be run: %s",
                      why.data ? why.data : m->name);
    else if (m)
        found_good(d, "templates can be run by %s", m->name);
    buf_free(&why);
}

static const struct doctor_check own_checks[] = {{"settings", check_settings, false},
                                                 {"versions", check_versions, false},
                                                 {"templates", check_workloads, false},
                                                 {NULL}};

/* ------------------------------------------------------------------------------------------------------------------ */

/* What nginx would be started with: made by this program anew, while the environment still has all settings. */
static void make_nginx_conf(struct doctor *d)
{
    enum { MOST = 4 << 20, SECONDS = 20 };
    char self[4096] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return;
    setenv("KANSO_ACCESS_LOG", "off", 1); /* it goes to a descriptor that only scripts/kanso has */
    if (!ctl_env("KANSO_HTML", NULL) && d->place.tree)
        setenv("KANSO_HTML", arena_printf(d->mem, "%s/nginx/html", d->place.tree), 1);
    const char *const argv[] = {self, "nginx-conf", NULL};
    struct spawned done = spawn(d->mem, &(struct spawn){.argv = argv, .max_output = MOST, .timeout = SECONDS});
    if (done.end == SPAWN_EXITED && done.code == 0)
        d->nginx_conf = done.output;
    else
        d->nginx_problem = arena_strndup(d->mem, done.errors, strcspn(done.errors, "\n"));
}

/* Whether systemd runs Kanso here, by the unit of its package. */
static bool is_service_up(struct arena *a)
{
    enum { SECONDS = 10 };
    const char *const argv[] = {"systemctl", "--quiet", "is-active", "kanso.service", NULL};
    if (!ctl_is_service())
        return false;
    struct spawned done = spawn(a, &(struct spawn){.argv = argv, .max_output = SPAWN_ERRORS_KEPT, .timeout = SECONDS});
    return done.end == SPAWN_EXITED && done.code == 0;
}

static void run_checks(struct doctor *d, const struct doctor_check *checks)
{
    for (; checks->name; checks++) {
        if (checks->on_database && !d->db)
            continue;
        d->check = checks->name;
        checks->run(d);
    }
}

static int examine(const struct ctl_call *call)
{
    struct doctor d = {.call = call, .mem = call->mem};
    d.place = ctl_instance(call->mem);
    d.service = is_service_up(d.mem);
    d.up = d.service || (d.place.home && access(arena_printf(d.mem, "%s/run/up", d.place.home), F_OK) == 0);
    make_nginx_conf(&d);
    run_checks(&d, own_checks);
    run_checks(&d, host_checks);
    run_checks(&d, database_checks);
    db_free(d.db);
    return d.problems ? CTL_FOUND : CTL_DONE;
}

const struct ctl_command ctl_doctor = {
    .name = "doctor",
    .summary = "look for everything that is or will be wrong, and say what to do",
    .details =
        "Looks at settings, files, sockets, nginx, time-outs and limits of this host, and at the database: its\n"
        "version, tables, indexes, rights, clock and limits. Says of each `ok`, `warning` or `problem`, and what\n"
        "to do. Changes nothing. Ends with 3 when there is a problem. Call it as the user that starts Kanso.\n",
    .columns = columns,
    .run = examine,
};
