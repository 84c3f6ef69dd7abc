#include "ctl/plan.h"

#include "app/app.h"
#include "base/text.h"
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

/* Logins cost a quarter of a second of CPU each, and service connectors and files of artifact stores wait for their
 * providers: they get processes of their own, so that nobody else waits for them. */
#define DEFAULT_PLAN "auth:1;service_connectors:1;artifact_files:2;rest:3"

/* Who asks how the instance is must not wait for those who work: a plan that does not say otherwise gives that group a
 * process of its own. */
#define PROBES "probes"

/* With an external authenticator, two of them may be waiting for it (EXTERNAL_CALLS) while one serves the others. */
#define EXTERNAL_PLAN "auth:3;service_connectors:1;artifact_files:2;rest:3"

/* And in front of either, where secrets are kept in a store outside of the database. */
#define SECRETS_PLAN "secrets:1;"

enum { MAX_PROCESSES = 256 };

struct reader {
    struct arena *mem;
    const struct group *const *groups;
    size_t count;
    bool *taken; /* by the group's position */
    struct plan *plan;
};

static struct plan_socket *add_socket(struct reader *r, const char *name, unsigned processes)
{
    struct plan_socket *s = &r->plan->sockets[r->plan->count++];
    *s = (struct plan_socket){.name = name, .count = processes};
    s->groups = arena_array(r->mem, r->count, sizeof(void *));
    return s;
}

static void take(struct reader *r, struct plan_socket *s, size_t i)
{
    r->taken[i] = true;
    s->groups[s->group_count++] = r->groups[i];
}

static void take_probes(struct reader *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!r->taken[i] && streq(r->groups[i]->name, PROBES))
            take(r, add_socket(r, PROBES, 1), i);
}

static void take_rest(struct reader *r, struct plan_socket *s)
{
    for (size_t i = 0; i < r->count; i++)
        if (!r->taken[i])
            take(r, s, i);
}

static const char *take_named(struct reader *r, struct plan_socket *s, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!streq(name, r->groups[i]->name))
            continue;
        if (r->taken[i])
            return arena_printf(r->mem, "KANSO_WORKERS names group '%s' twice", name);
        take(r, s, i);
        return NULL;
    }
    return arena_printf(r->mem, "KANSO_WORKERS: there is no endpoint group '%s' (kansoctl plan lists them)", name);
}

/* GROUPS:COUNT. A `rest` is filled when all other entries have been read: *rest is set instead. */
static const char *read_entry(struct reader *r, char *entry, struct plan_socket **rest)
{
    char *colon = strrchr(entry, ':');
    int64_t processes = 1;
    if (colon) {
        *colon = '\0';
        if (!parse_int64(colon + 1, &processes) || processes < 1 || processes > MAX_PROCESSES)
            return arena_printf(r->mem, "KANSO_WORKERS: '%s' processes; it must be a number from 1 to %d", colon + 1,
                                MAX_PROCESSES);
    }
    char *save, *name = strtok_r(entry, ",", &save);
    if (!name)
        return "KANSO_WORKERS: an entry names no group; expected GROUP,...:COUNT;...";
    struct plan_socket *s = add_socket(r, name, (unsigned)processes);
    for (; name; name = strtok_r(NULL, ",", &save)) {
        const char *problem = NULL;
        if (!streq(name, "rest"))
            problem = take_named(r, s, name);
        else if (*rest)
            problem = "KANSO_WORKERS names `rest` twice";
        else
            *rest = s;
        if (problem)
            return problem;
    }
    return NULL;
}

/* A plan without `rest` leaves groups without a worker, which nobody means. */
static const char *check_complete(struct reader *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!r->taken[i])
            return arena_printf(r->mem, "KANSO_WORKERS leaves out group '%s'; add `;rest:1`", r->groups[i]->name);
    return NULL;
}

static const char *read_entries(struct reader *r, const char *text)
{
    struct plan_socket *rest = NULL;
    char *save, *copy = arena_strdup(r->mem, text);
    for (char *e = strtok_r(copy, "; ", &save); e; e = strtok_r(NULL, "; ", &save)) {
        const char *problem =
            r->plan->count <= r->count ? read_entry(r, e, &rest) : "KANSO_WORKERS has too many entries";
        if (problem)
            return problem;
    }
    take_probes(r);
    if (rest)
        take_rest(r, rest);
    if (rest && !rest->group_count)
        return "KANSO_WORKERS: no group is left for `rest`";
    return check_complete(r);
}

const char *plan_read(struct arena *a, const char *text, const struct group *const *groups, size_t count,
                      struct plan *out)
{
    struct reader r = {.mem = a, .groups = groups, .count = count, .plan = out};
    r.taken = arena_array(a, count, sizeof *r.taken);
    *out = (struct plan){.sockets = arena_array(a, count + 2, sizeof *out->sockets)};
    if (streq(text, "all")) {
        take_probes(&r);
        take_rest(&r, add_socket(&r, "all", 2));
        return NULL;
    }
    if (streq(text, "each")) {
        for (size_t i = 0; i < count; i++)
            take(&r, add_socket(&r, groups[i]->name, 1), i);
        return NULL;
    }
    return read_entries(&r, streq(text, "default") ? DEFAULT_PLAN : text);
}

/* Whether secrets are asked of a service that may take its time. */
static bool secrets_are_outside(void)
{
    static const char *const variables[] = {"ZENML_SECRETS_STORE_TYPE", "ZENML_BACKUP_SECRETS_STORE_TYPE"};
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        const char *type = ctl_env(variables[i], "sql");
        if (!streq(type, "sql") && !streq(type, "none"))
            return true;
    }
    return false;
}

const char *plan_from_env(struct arena *a, struct plan *out)
{
    size_t count = 0;
    while (all_groups[count])
        count++;
    const char *text = ctl_env("KANSO_WORKERS", "default");
    if (streq(text, "default")) {
        text = streq(ctl_env("ZENML_SERVER_AUTH_SCHEME", ""), "EXTERNAL") ? EXTERNAL_PLAN : DEFAULT_PLAN;
        if (secrets_are_outside())
            text = arena_printf(a, SECRETS_PLAN "%s", text);
    }
    return plan_read(a, text, all_groups, count, out);
}

static const struct ctl_column columns[] = {
    {"socket", CTL_TEXT, 0}, {"processes", CTL_NUMBER, 0}, {"groups", CTL_TEXT, 0}, {NULL}};

static void print_socket(const struct ctl_call *call, const struct plan_socket *s)
{
    struct buf groups = {0};
    for (size_t i = 0; i < s->group_count; i++)
        buf_addf(&groups, "%s%s", i ? "," : "", s->groups[i]->name);
    const struct db_value values[] = {ctl_value(s->name), ctl_value(arena_printf(call->mem, "%u", s->count)),
                                      ctl_value(groups.data)};
    ctl_row(call, values);
    buf_free(&groups);
}

static int print_plan(const struct ctl_call *call)
{
    struct plan plan;
    const char *problem = plan_from_env(call->mem, &plan);
    if (problem)
        return ctl_fail("%s", problem);
    for (size_t i = 0; i < plan.count; i++)
        print_socket(call, &plan.sockets[i]);
    return CTL_DONE;
}

const struct ctl_command ctl_plan = {
    .name = "plan",
    .summary = "print which endpoint groups share a worker: SOCKET PROCESSES GROUPS",
    .details = "Prints SOCKET PROCESSES GROUPS for each worker, as KANSO_WORKERS says:\n"
               "  default   " DEFAULT_PLAN ";\n"
               "            with the scheme EXTERNAL " EXTERNAL_PLAN ";\n"
               "            with a secrets store outside of the database " SECRETS_PLAN " besides\n"
               "  all       everything in two processes, and one for probes\n"
               "  each      one process for each endpoint group\n"
               "  GROUP,...:COUNT;...   a plan of one's own; `rest` means all groups not named, but for `probes`, "
               "which has a\n"
               "                        process of its own unless it is named\n",
    .columns = columns,
    .bare = true,
    .run = print_plan,
};
