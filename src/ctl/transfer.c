/* kansoctl export and import (docs/operations/transfer.md). */
#include "transfer/transfer.h"
#include "audit/audit.h"
#include "base/config.h"
#include "base/new_file.h"
#include "ctl/ctl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct ctl_column columns[] = {{"outcome", CTL_TEXT, 0}, {"workspace", CTL_TEXT, 0}, {"file", CTL_TEXT, 0},
                                            {"rows", CTL_NUMBER, 0},  {"known", CTL_NUMBER, 0},   {NULL, CTL_TEXT, 0}};

static struct transfer transfer_of(const struct ctl_call *call)
{
    return (struct transfer){.m = {.db = call->db, .mem = call->mem, .url = call->url},
                             .workspace = ctl_option(call, "workspace")};
}

static void report(const struct ctl_call *call, const char *outcome, const struct transfer *t)
{
    const struct db_value values[] = {
        ctl_value(outcome),
        ctl_value(t->workspace),
        ctl_value(call->operands[0]),
        ctl_value(arena_printf(call->mem, "%llu", (unsigned long long)t->written)),
        ctl_value(arena_printf(call->mem, "%llu", (unsigned long long)t->known)),
    };
    ctl_row(call, values);
}

static int failed(const struct transfer *t, const char *problem)
{
    return t->missing ? ctl_missing("%s", problem) : ctl_fail("%s", problem);
}

static enum db_status record_import(struct transfer *t)
{
    return audit_operator(t->m.db, t->m.mem, "kansoctl import", "workspace", NULL, t->workspace, "updated");
}

/* Export ----------------------------------------------------------------------------------------------------------- */

static const char *export_to(struct transfer *t, struct new_file *file)
{
    int fd = dup(file->fd); /* fclose() closes it, and more comes after that */
    FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
    if (!to)
        return new_file_trouble(file, strerror(errno));
    const char *problem = transfer_export(t, to);
    if (fclose(to) != 0 && !problem)
        problem = new_file_trouble(file, strerror(errno));
    return problem ? problem : new_file_finish(file);
}

static int export(const struct ctl_call *call)
{
    struct transfer t = transfer_of(call);
    struct new_file file;
    t.secrets = ctl_option(call, "secrets");
    t.runs = !ctl_option(call, "without-runs");
    if (!t.workspace)
        t.workspace = config.default_workspace;
    if (call->json && strcmp(call->operands[0], "-") == 0)
        return ctl_misused(call->command, "- and --json both write standard output");
    const char *problem = new_file_begin(call->mem, call->operands[0], ctl_option(call, "force"), &file);
    if (!problem && audit_operator(call->db, call->mem, t.secrets ? "kansoctl export --secrets" : "kansoctl export",
                                   "workspace", NULL, t.workspace, NULL) != DB_OK)
        problem = "the audit log could not be written";
    if (!problem)
        problem = export_to(&t, &file);
    new_file_abandon(&file);
    if (problem)
        return failed(&t, problem);
    if (file.path)
        report(call, "exported", &t);
    return CTL_DONE;
}

/* Import ----------------------------------------------------------------------------------------------------------- */

static int import(const struct ctl_call *call)
{
    struct transfer t = transfer_of(call);
    t.user = ctl_option(call, "user");
    t.record = record_import;
    FILE *from = fopen(call->operands[0], "re");
    if (!from)
        return errno == ENOENT ? ctl_missing("there is no %s", call->operands[0])
                               : ctl_fail("cannot read %s: %s", call->operands[0], strerror(errno));
    const char *problem = transfer_import(&t, from);
    fclose(from);
    if (problem)
        return failed(&t, problem);
    report(call, "imported", &t);
    return CTL_DONE;
}

const struct ctl_command ctl_export = {
    .name = "export",
    .summary = "write one workspace's objects as lines of JSON",
    .synopsis = "FILE [--workspace NAME] [--secrets] [--without-runs] [--force]",
    .details = "Writes what a workspace holds to FILE (- is standard output), as it is at one moment:\n"
               "stacks, components, flavors, connectors, code repositories, pipelines, models, tags, and\n"
               "builds, schedules, deployments, templates, triggers, runs, steps, artifacts and all that\n"
               "hangs on them. Users stand in it by name. `kansoctl import` reads it.\n",
    .options = {{"workspace", "NAME", "the workspace (the default one)"},
                {"secrets", NULL, "with secrets, their values in clear: keep the file to yourself"},
                {"without-runs", NULL, "definitions only: nothing that came of running pipelines"},
                {"force", NULL, "replace FILE"}},
    .columns = columns,
    .single = true,
    .least_operands = 1,
    .most_operands = 1,
    ON_DATABASE,
    .run = export,
};

const struct ctl_command ctl_import = {
    .name = "import",
    .summary = "add what an export holds to a workspace",
    .synopsis = "FILE [--workspace NAME] [--user NAME]",
    .details = "Adds the objects of FILE, which `kansoctl export` has written, to a workspace: all of them, or\n"
               "none when something is wrong. What is there already is left as it is, so a file can be imported\n"
               "again. Definitions that have the same name as one that is there are taken to be that one.\n",
    .options = {{"workspace", "NAME", "the workspace, which has to be there (the one that FILE names)"},
                {"user", "NAME", "who gets what belongs to users who are not here (nobody)"}},
    .columns = columns,
    .single = true,
    .least_operands = 1,
    .most_operands = 1,
    ON_DATABASE,
    .run = import,
};
