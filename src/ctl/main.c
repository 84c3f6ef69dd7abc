/* The list of the commands, and which of them a command line means. */
#include "base/settings.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "db/migrate.h"

#include <stdio.h>
#include <string.h>

#define ROW(name) &ctl_##name,
const struct ctl_command *const ctl_commands[] = {EACH_COMMAND(ROW) NULL};

const char *const ctl_statuses[] = {
    [CTL_DONE] = "done",
    [CTL_FAILED] = "failed, for the reason on standard error",
    [CTL_MISUSED] = "wrong command line: nothing was done",
    [CTL_FOUND] = "done, and what was looked for was found: something that needs mending",
    [CTL_MISSING] = "what the command line names is not there",
    NULL,
};

/* Version ---------------------------------------------------------------------------------------------------------- */

static const struct ctl_column version_columns[] = {{"kanso", CTL_TEXT, 0}, {"zenml", CTL_TEXT, 0}, {NULL}};

static int print_version(const struct ctl_call *call)
{
    const struct db_value values[] = {ctl_value(KANSO_VERSION), ctl_value(SCHEMA_VERSION)};
    if (call->json)
        ctl_row(call, values);
    else
        puts("kanso " KANSO_VERSION " (ZenML " SCHEMA_VERSION ")");
    return CTL_DONE;
}

const struct ctl_command ctl_version = {
    .name = "version",
    .summary = "print the version",
    .details = "Prints the version of Kanso, and that of ZenML whose server it is.\n",
    .columns = version_columns,
    .single = true,
    .run = print_version,
};

/* Finding a command ------------------------------------------------------------------------------------------------ */

bool ctl_in_group(const struct ctl_command *command, const struct ctl_command *group)
{
    size_t len = strlen(group->name);
    return !group->run && starts_with(command->name, group->name) && command->name[len] == ' ';
}

/* How many of the words are a command's name: 0 unless all of its are there. */
static int name_words(const char *name, int count, char **line)
{
    for (int i = 0; i < count; i++) {
        size_t len = strcspn(name, " ");
        if (strlen(line[i]) != len || strncmp(line[i], name, len) != 0)
            return 0;
        name += len;
        if (!*name++)
            return i + 1;
    }
    return 0;
}

const struct ctl_command *ctl_find(int count, char **line, int *words)
{
    const struct ctl_command *best = NULL;
    *words = 0;
    for (size_t i = 0; ctl_commands[i]; i++) {
        int n = name_words(ctl_commands[i]->name, count, line);
        if (n > *words) {
            best = ctl_commands[i];
            *words = n;
        }
    }
    return best;
}

static void usage(FILE *to)
{
    fputs("Usage: kansoctl COMMAND [ARGUMENTS]\n\nCommands:\n", to);
    for (size_t i = 0; ctl_commands[i]; i++)
        if (ctl_commands[i]->run)
            fprintf(to, "  %-23s %s\n", ctl_commands[i]->name, ctl_commands[i]->summary);
    fputs("\nSettings come from the environment and kanso.conf; see docs/configuration.md. `kansoctl COMMAND --help`\n"
          "says more; commands that print results take --json.\n\nExit status:\n",
          to);
    for (size_t i = 0; ctl_statuses[i]; i++)
        fprintf(to, "  %zu  %s\n", i, ctl_statuses[i]);
}

/* Help ------------------------------------------------------------------------------------------------------------- */

static const struct ctl_column help_columns[] = {
    {"name", CTL_TEXT, 0},
    {"summary", CTL_TEXT, 0},
    {"group", CTL_BOOL, 0},
    {"options", CTL_TEXT, 0},
    {"columns", CTL_TEXT, 0},
    {"single", CTL_BOOL, 0},
    {"least_operands", CTL_NUMBER, 0},
    {"most_operands", CTL_NUMBER, 0},
    {"connects", CTL_BOOL, 0},
    {NULL},
};

static const char *joined(struct arena *a, const char *list, const char *word)
{
    return list ? arena_printf(a, "%s %s", list, word) : word;
}

static void print_row(const struct ctl_call *call, const struct ctl_command *c)
{
    const char *options = NULL, *columns = NULL;
    for (size_t i = 0; i < CTL_MAX_OPTIONS && c->options[i].name; i++)
        options = joined(call->mem, options, c->options[i].name);
    for (size_t i = 0; c->columns && c->columns[i].name; i++)
        columns = joined(call->mem, columns, c->columns[i].name);
    const struct db_value values[] = {
        ctl_value(c->name),
        ctl_value(c->summary),
        ctl_value(c->run ? "0" : "1"),
        ctl_value(options),
        ctl_value(columns),
        ctl_value(c->single ? "1" : "0"),
        ctl_value(arena_printf(call->mem, "%zu", c->least_operands)),
        ctl_value(arena_printf(call->mem, "%zu", c->most_operands)),
        ctl_value(c->connects ? "1" : "0"),
    };
    ctl_row(call, values);
}

static int help(const struct ctl_call *call)
{
    int words;
    if (call->operand_count) {
        const struct ctl_command *c = ctl_find((int)call->operand_count, call->operands, &words);
        if (!c || (size_t)words < call->operand_count)
            return ctl_missing("there is no command '%s'", call->operands[c ? (size_t)words : 0]);
        if (!call->json)
            return ctl_print_help(c);
        print_row(call, c);
        return CTL_DONE;
    }
    for (size_t i = 0; call->json && ctl_commands[i]; i++)
        print_row(call, ctl_commands[i]);
    if (!call->json)
        usage(stdout);
    return CTL_DONE;
}

const struct ctl_command ctl_help = {
    .name = "help",
    .summary = "list the commands, or explain one",
    .synopsis = "[COMMAND]",
    .details = "Lists the commands; or says of one what its --help says.\n",
    .columns = help_columns,
    .most_operands = 2,
    .run = help,
};

/* ------------------------------------------------------------------------------------------------------------------ */

static int unknown(const char *name)
{
    if (name)
        fprintf(stderr, "kansoctl: unknown command '%s' (see `kansoctl --help`)\n", name);
    else
        usage(stderr);
    return CTL_MISUSED;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL, *problem = settings_receive();
    int words;
    if (problem)
        return ctl_fail("%s", problem);
    if (streq(name, "--help") || streq(name, "-h")) {
        usage(stdout);
        return CTL_DONE;
    }
    const struct ctl_command *command = ctl_find(argc - 1, argv + 1, &words);
    return command ? ctl_run(command, argc - words, argv + words) : unknown(name);
}
