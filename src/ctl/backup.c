/* kansoctl backup and restore (docs/operations/backup.md). */
#include "backup/backup.h"
#include "audit/audit.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HOURS = 12 * 3600, TERMINAL_MS = 200, LOG_MS = 5000 };

/* Progress --------------------------------------------------------------------------------------------------------- */

static struct {
    bool terminal, shown;
    double last;
} screen;

/* On a terminal one line that is written over and over; elsewhere a line now and then. */
static void show_progress(const char *doing, const char *table, uint64_t rows, int percent)
{
    double now = monotonic_ms();
    if (now - screen.last < (screen.terminal ? TERMINAL_MS : LOG_MS))
        return;
    screen.last = now;
    screen.shown = screen.terminal;
    fprintf(stderr, screen.terminal ? "\r\033[K" : "kanso: ");
    if (percent)
        fprintf(stderr, "%3d %%  ", percent);
    fprintf(stderr, "%s %s", doing, table);
    if (rows)
        fprintf(stderr, ", %llu rows", (unsigned long long)rows);
    if (!screen.terminal)
        fputc('\n', stderr);
}

static void end_progress(void)
{
    if (screen.shown)
        fputs("\r\033[K", stderr);
}

static void say_warning(const char *sentence)
{
    end_progress();
    fprintf(stderr, "kanso: warning: %s\n", sentence);
}

static void say_waiting(void)
{
    fputs("kanso: another process prepares this database; waiting for it\n", stderr);
}

static void begin(struct backup *b, const struct ctl_call *call, const struct db_url *url)
{
    screen.terminal = isatty(STDERR_FILENO);
    screen.last = monotonic_ms();
    *b = (struct backup){
        .m = {.mem = call->mem, .url = url, .warn = say_warning},
        .waiting = say_waiting,
        .progress = screen.terminal || ctl_option(call, "progress") ? show_progress : NULL,
    };
}

static const char *connect(struct backup *b, struct db_url *url)
{
    const char *problem = db_url_from_env(b->m.mem, url);
    if (problem)
        return problem;
    url->io_timeout = HOURS;
    b->m.db = db_new(url);
    return db_ready(b->m.db) == DB_OK || migrate_lacks_database(&b->m) ? NULL : migrate_trouble(&b->m);
}

/* Whether the backup itself goes to standard output. */
static bool is_output(const struct ctl_call *call)
{
    return call->command == &ctl_backup && streq(call->operands[0], "-");
}

/* Results ---------------------------------------------------------------------------------------------------------- */

static const struct ctl_column columns[] = {
    {"outcome", CTL_TEXT}, {"file", CTL_TEXT},     {"created", CTL_STAMP}, {"kanso", CTL_TEXT},  {"zenml", CTL_TEXT},
    {"server", CTL_TEXT},  {"database", CTL_TEXT}, {"tables", CTL_NUMBER}, {"rows", CTL_NUMBER}, {NULL, CTL_TEXT},
};

static struct db_value number(const struct ctl_call *call, uint64_t n)
{
    return ctl_value(arena_printf(call->mem, "%llu", (unsigned long long)n));
}

static int report(const struct ctl_call *call, const char *done, const struct backup_facts *f)
{
    const struct db_value values[] = {
        ctl_value(done),        ctl_value(call->operands[0]), ctl_value(f->created),
        ctl_value(f->kanso),    ctl_value(f->schema),         ctl_value(f->server),
        ctl_value(f->database), number(call, f->table_count), number(call, f->rows),
    };
    end_progress();
    if (!is_output(call))
        ctl_row(call, values);
    return CTL_DONE;
}

static int failed(const char *problem)
{
    end_progress();
    return ctl_fail("%s", problem);
}

/* The commands ----------------------------------------------------------------------------------------------------- */

static const char *write_backup(struct backup *b, const struct ctl_call *call)
{
    struct archive_out *out;
    const char *problem =
        archive_create(call->mem, call->operands[0], !ctl_option(call, "plain"), ctl_option(call, "force"), &out);
    if (problem)
        return problem;
    problem = backup_write(b, out);
    if (!problem)
        return archive_finish(out);
    archive_abandon(out);
    return problem;
}

/* The audit log of a restored database is that of the backup, with this behind it. The work is done: that it is not
 * recorded is no reason to call it failed. */
static void record(struct backup *b, const char *operation)
{
    if (audit_operator(b->m.db, b->m.mem, operation, NULL, NULL, NULL, NULL) != DB_OK)
        fprintf(stderr, "kanso: warning: this is not in the audit log: %s\n", db_error(b->m.db));
}

static int backup(const struct ctl_call *call)
{
    struct backup b;
    struct db_url url;
    if (is_output(call) && call->json)
        return ctl_misused(call->command, "- and --json both write standard output");
    if (is_output(call) && isatty(STDOUT_FILENO))
        return ctl_misused(call->command, "a backup is no text for a terminal: send standard output elsewhere");
    begin(&b, call, &url);
    const char *problem = connect(&b, &url);
    if (!problem && migrate_lacks_database(&b.m))
        problem = arena_printf(call->mem, "there is no database '%s'", url.database);
    if (!problem)
        problem = write_backup(&b, call);
    if (!problem)
        record(&b, "kansoctl backup");
    db_free(b.m.db);
    return problem ? failed(problem) : report(call, "written", &b.facts);
}

static void say_what_next(const struct backup_facts *f)
{
    if (!streq(f->schema, SCHEMA_VERSION))
        fprintf(stderr,
                "kanso: warning: its schema is that of ZenML %s, and Kanso works with that of " SCHEMA_VERSION "\n",
                f->schema ? f->schema : "unknown");
    else if (f->level < KANSO_LEVEL)
        fputs("kanso: Kanso's own tables are not in it: `kansoctl migrate`, which each start runs, makes them\n",
              stderr);
    else if (!streq(f->kanso, KANSO_VERSION))
        fprintf(stderr,
                "kanso: it was made by Kanso %s, and this is " KANSO_VERSION
                ": `kansoctl migrate`, which each start runs, "
                "adds what is new\n",
                f->kanso);
}

/* The file is read as a whole before the database is touched. */
static int restore(const struct ctl_call *call)
{
    struct backup b;
    struct db_url url;
    struct archive_in in;
    bool only_check;
    only_check = ctl_option(call, "check");
    begin(&b, call, &url);
    if (!streq(call->operands[0], "-") && access(call->operands[0], F_OK) != 0)
        return ctl_missing("there is no %s", call->operands[0]);
    const char *problem = archive_open(call->mem, call->operands[0], &in);
    if (!problem)
        problem = backup_check(&b, &in);
    if (!problem && !only_check)
        problem = connect(&b, &url);
    if (!problem && !only_check)
        problem = backup_restore(&b, &in, ctl_option(call, "force"));
    if (!problem && !only_check)
        record(&b, "kansoctl restore");
    archive_close(&in);
    db_free(b.m.db);
    if (problem)
        return failed(problem);
    int rc = report(call, only_check ? "whole" : "restored", &b.facts);
    if (!only_check)
        say_what_next(&b.facts);
    return rc;
}

#define PROGRESS                                                                                                       \
    {                                                                                                                  \
        "progress", NULL, "say on standard error how far it is, as on a terminal"                                      \
    }

const struct ctl_command ctl_backup = {
    .name = "backup",
    .summary = "write the database to a file, as it is at this moment",
    .synopsis = "FILE [--force] [--plain] [--progress]",
    .details = "Writes all tables of the database of ZENML_STORE_URL, or of the Kanso in KANSO_HOME,\n"
               "to FILE (- is standard output), as they are at one moment, while the server goes on.\n"
               "FILE is readable to its owner only. It holds everything but the key of secrets\n"
               "(ZENML_SECRETS_STORE_ENCRYPTION_KEY), without which secrets cannot be read.\n",
    .options = {{"force", NULL, "replace FILE"}, {"plain", NULL, "do not compress"}, PROGRESS},
    .columns = columns,
    .single = true,
    .least_operands = 1,
    .most_operands = 1,
    .of_instance = true,
    .configured = true,
    .run = backup,
};

const struct ctl_command ctl_restore = {
    .name = "restore",
    .summary = "make a database what a backup says",
    .synopsis = "FILE [--force] [--progress]\nFILE --check [--progress]",
    .details = "Reads FILE (- is standard input), which `kansoctl backup` has written, checks that it is\n"
               "whole, makes its tables in the database of ZENML_STORE_URL, or of the Kanso in\n"
               "KANSO_HOME, and compares each row. The server has to be stopped on every host. A restore\n"
               "that was cut short leaves a database on which no Kanso starts: run it again with --force.\n",
    .options = {{"force", NULL, "replace what the database holds"},
                {"check", NULL, "see whether FILE is whole, and leave every database alone"},
                PROGRESS},
    .columns = columns,
    .single = true,
    .least_operands = 1,
    .most_operands = 1,
    .of_instance = true,
    .configured = true,
    .run = restore,
};
