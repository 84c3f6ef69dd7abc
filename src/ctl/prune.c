/* kansoctl prune (docs/operations/backup.md#pruning). */
#include "prune/prune.h"
#include "base/text.h"
#include "ctl/ctl.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KINDS_MAX = 16, SHOW_MS = 200 };

/* The first Ctrl-C lets the transaction in hand end; a second one ends the process, which is no harm either. */
static volatile sig_atomic_t stopped;

static void stop(int number)
{
    stopped = 1;
    signal(number, SIG_DFL);
}

/* Command line ----------------------------------------------------------------------------------------------------- */

/* Marks the kinds that are named; none is all of them. */
static int read_kinds(const struct ctl_call *call, bool wanted[KINDS_MAX])
{
    for (size_t i = 0; i < call->operand_count; i++) {
        size_t kind = 0;
        while (kind < prune_kinds() && !streq(call->operands[i], prune_name(kind)))
            kind++;
        if (kind == prune_kinds())
            return ctl_misused(call->command, "there is no kind '%s'", call->operands[i]);
        wanted[kind] = true;
    }
    for (size_t kind = 0; kind < prune_kinds() && !call->operand_count; kind++)
        wanted[kind] = true;
    return CTL_DONE;
}

/* Work ------------------------------------------------------------------------------------------------------------- */

static void show_progress(const char *kind, int64_t done)
{
    static double last;
    double now = monotonic_ms();
    if (now - last < SHOW_MS)
        return;
    last = now;
    fprintf(stderr, "\r\033[K%s: %lld deleted", kind, (long long)done);
}

static const char *prune_one(struct prune *p, const struct ctl_call *call, size_t kind, bool yes)
{
    int64_t count = 0;
    const char *problem = yes ? prune_delete(p, kind, &count) : prune_count(p, kind, &count);
    if (p->progress)
        fputs("\r\033[K", stderr);
    const struct db_value values[] = {
        ctl_value(prune_name(kind)),
        ctl_value(yes ? "deleted" : "would be deleted"),
        ctl_value(arena_printf(call->mem, "%lld", (long long)count)),
    };
    if (!problem || count)
        ctl_row(call, values);
    return problem;
}

static int run(const struct ctl_call *call)
{
    const char *age = ctl_option(call, "older-than"), *problem = NULL;
    bool yes = ctl_option(call, "yes"), wanted[KINDS_MAX] = {false};
    struct prune p = {.db = call->db,
                      .mem = call->mem,
                      .keep = 1,
                      .tagged = ctl_option(call, "tagged"),
                      .staged = ctl_option(call, "staged"),
                      .stop = &stopped,
                      .progress = yes && isatty(STDERR_FILENO) ? show_progress : NULL};
    int status = read_kinds(call, wanted);
    if (status == CTL_DONE)
        status = ctl_number(call, "keep", 0, 1000000, &p.keep);
    if (status != CTL_DONE)
        return status;
    if (!age || !ctl_age(age, p.before))
        return ctl_misused(call->command, "--older-than takes a number with h, d or w, such as 90d");
    if (yes && !call->operand_count)
        return ctl_misused(call->command, "with --yes, name the kinds that are to be deleted");
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    for (size_t kind = 0; !problem && !stopped && kind < prune_kinds(); kind++)
        if (wanted[kind])
            problem = prune_one(&p, call, kind, yes);
    if (problem)
        return ctl_fail("%s", problem);
    return stopped ? ctl_fail("stopped: what is deleted so far is deleted, the rest is as it was") : CTL_DONE;
}

static const struct ctl_column columns[] = {
    {"kind", CTL_TEXT, 20}, {"outcome", CTL_TEXT, 16}, {"count", CTL_NUMBER, 0}, {NULL, CTL_TEXT, 0}};

const struct ctl_command ctl_prune = {
    .name = "prune",
    .summary = "delete what has grown old and nobody uses",
    .synopsis = "[KIND ...] --older-than AGE [--keep N] [--tagged] [--staged]\n"
                "KIND ... --older-than AGE --yes [--keep N] [--tagged] [--staged]",
    .details = "Counts what is older than AGE (90d, 12h, 4w) and no longer in use; with --yes, deletes it\n"
               "as a DELETE of the API would, while the server goes on. Without KIND, of all kinds:\n"
               "\n"
               "  runs                runs that have ended, with their steps, logs and metadata\n"
               "  model-versions      model versions that no run and no service refers to\n"
               "  artifact-versions   artifact versions that no step has made or read and no\n"
               "                      model version has; files in artifact stores stay\n"
               "  artifacts           artifacts without versions\n"
               "  deployments         deployments that no run, schedule or template refers to\n"
               "  builds              builds that no deployment and no run refers to\n"
               "  code-references     references to code that no deployment has\n"
               "  trigger-executions  executions of triggers of which no run has come\n"
               "  jobs                background work that has ended, deliveries of events among it\n"
               "  devices             authorized devices that have expired\n"
               "\n"
               "They are deleted in this order, so that what runs leave behind goes with them. Kept in any\n"
               "case: runs under way or of a service, and the latest of each pipeline, artifact and model.\n",
    .options = {{"older-than", "AGE", "a number with h, d or w for hours, days or weeks"},
                {"yes", NULL, "delete; without it nothing is changed"},
                {"keep", "N", "the latest N runs of each pipeline and versions of each artifact\nand model (1)"},
                {"tagged", NULL, "also what has tags"},
                {"staged", NULL, "also model versions with a stage, and their runs"}},
    .columns = columns,
    .most_operands = KINDS_MAX,
    ON_DATABASE,
    .run = run,
};
