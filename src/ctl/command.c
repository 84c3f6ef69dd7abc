/* The command line of a command: options, --help, and what is wrong with it. */
#include "ctl/ctl.h"

#include "base/config.h"
#include "base/text.h"
#include "ctl/output.h"
#include "db/migrate.h"
#include "secrets/stores.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HELP = CTL_MAX_OPTIONS, JSON };

static void __attribute__((format(printf, 2, 0))) complain(const char *prefix, const char *fmt, va_list ap)
{
    fputs(prefix, stderr);
    vfprintf(stderr, fmt, ap);
}

int ctl_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    complain("kanso: ", fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return CTL_FAILED;
}

int ctl_missing(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    complain("kanso: ", fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return CTL_MISSING;
}

int ctl_db_failed(const struct ctl_call *call)
{
    return ctl_fail("the database says: %s", db_error(call->db));
}

int ctl_select(const struct ctl_call *call, const char *sql, const struct db_param *params, size_t count)
{
    struct db_rows rows = {0};
    if (db_run(call->db, call->mem, &rows, sql, params, count) != DB_OK)
        return ctl_db_failed(call);
    for (size_t i = 0; i < rows.count; i++)
        ctl_row(call, db_row(&rows, i));
    return CTL_DONE;
}

int ctl_misused(const struct ctl_command *command, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "kansoctl %s", command->name);
    va_start(ap, fmt);
    complain(": ", fmt, ap);
    va_end(ap);
    fprintf(stderr, " (see `kansoctl %s --help`)\n", command->name);
    return CTL_MISUSED;
}

const char *ctl_env(const char *name, const char *otherwise)
{
    const char *v = getenv(name);
    return v && *v ? v : otherwise;
}

const char *ctl_option(const struct ctl_call *call, const char *name)
{
    for (size_t i = 0; i < CTL_MAX_OPTIONS && call->command->options[i].name; i++)
        if (streq(call->command->options[i].name, name))
            return call->values[i];
    abort();
}

static void print_lines(const char *text, int indent)
{
    for (bool first = true; *text; first = false) {
        size_t len = strcspn(text, "\n");
        printf("%*s%.*s\n", first ? 0 : indent, "", (int)len, text);
        text += len + (text[len] != '\0');
    }
}

static void print_option(const char *name, const char *value, const char *help)
{
    enum { COLUMN = 20 };
    int width = printf("  --%s%s%s", name, value ? " " : "", value ? value : "");
    printf("%*s", width < COLUMN ? COLUMN - width : 1, "");
    print_lines(help, COLUMN);
}

static void print_forms(const struct ctl_command *command)
{
    const char *form = command->synopsis ? command->synopsis : "", *head = "Usage:";
    do {
        size_t len = strcspn(form, "\n");
        printf("%-6s kansoctl %s%s%.*s%s\n", head, command->name, len ? " " : "", (int)len, form,
               command->columns ? " [--json]" : "");
        form += len + (form[len] != '\0');
        head = "";
    } while (*form);
}

static void print_group(const struct ctl_command *group)
{
    printf("Usage: kansoctl %s COMMAND [ARGUMENTS]\n\n%s\nCommands:\n", group->name, group->details);
    for (size_t i = 0; ctl_commands[i]; i++)
        if (ctl_in_group(ctl_commands[i], group))
            printf("  %-23s %s\n", ctl_commands[i]->name, ctl_commands[i]->summary);
}

int ctl_print_help(const struct ctl_command *command)
{
    if (!command->run) {
        print_group(command);
    } else {
        print_forms(command);
        printf("\n%s", command->details);
        if (command->options[0].name || command->columns)
            putchar('\n');
        for (size_t i = 0; i < CTL_MAX_OPTIONS && command->options[i].name; i++)
            print_option(command->options[i].name, command->options[i].value, command->options[i].help);
        if (command->columns)
            print_option("json", NULL, CTL_JSON_HELP);
    }
    return fflush(stdout) == 0 ? CTL_DONE : ctl_fail("the help could not be written");
}

/* The options of a command, as getopt knows them, with those that every command has. */
static void list_options(const struct ctl_command *command, struct option *known)
{
    *known++ = (struct option){"help", no_argument, NULL, HELP};
    if (command->columns)
        *known++ = (struct option){"json", no_argument, NULL, JSON};
    for (int i = 0; i < CTL_MAX_OPTIONS && command->options[i].name; i++)
        *known++ = (struct option){command->options[i].name,
                                   command->options[i].value ? required_argument : no_argument, NULL, i};
}

static int check_operands(const struct ctl_call *call)
{
    const struct ctl_command *command = call->command;
    if (call->operand_count > command->most_operands)
        return ctl_misused(command, "unexpected '%s'", call->operands[command->most_operands]);
    if (call->operand_count < command->least_operands)
        return ctl_misused(command, "an argument is missing");
    return CTL_DONE;
}

/* Reads options into the call, and leaves the operands behind them. Returns CTL_DONE, or what the process ends with: -1
 * for --help. */
static int read_options(struct ctl_call *call, int argc, char **argv)
{
    struct option known[CTL_MAX_OPTIONS + 3] = {{0}};
    int option;
    list_options(call->command, known);
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        if (option == HELP || option == 'h')
            return -1;
        if (option == ':')
            return ctl_misused(call->command, "%s needs a value", argv[optind - 1]);
        if (option == '?')
            return ctl_misused(call->command, "unknown option %s", argv[optind - 1]);
        if (option == JSON)
            call->json = true;
        else
            call->values[option] = optarg ? optarg : "";
    }
    call->operands = argv + optind;
    call->operand_count = (size_t)(argc - optind);
    return check_operands(call);
}

bool ctl_age(const char *text, char before[STAMP_LEN + 1])
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    int64_t number = strtoll(text, &end, 10), most = 100 * 366;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (*end == units[i].letter && !end[1] && number <= most) {
            stamp_from_seconds((int64_t)time(NULL) - number * units[i].seconds, before);
            return true;
        }
    return false;
}

int ctl_number(const struct ctl_call *call, const char *name, int64_t least, int64_t most, int64_t *out)
{
    const char *text = ctl_option(call, name);
    int64_t n;
    if (!text)
        return CTL_DONE;
    if (!parse_int64(text, &n) || n < least || n > most)
        return ctl_misused(call->command, "--%s takes a whole number from %lld to %lld, not '%s'", name,
                           (long long)least, (long long)most, text);
    *out = n;
    return CTL_DONE;
}

static const char *connect(struct ctl_call *call)
{
    call->url = arena_alloc(call->mem, sizeof *call->url);
    const char *problem = db_url_from_env(call->mem, call->url);
    if (problem)
        return problem;
    call->db = db_new(call->url);
    struct migration m = {.db = call->db, .mem = call->mem, .url = call->url};
    return db_ready(call->db) == DB_OK ? NULL : migrate_trouble(&m);
}

/* Makes ready what the command's row asks for, and runs it. */
static int perform(struct ctl_call *call)
{
    const struct ctl_command *command = call->command;
    if (command->of_instance)
        call->place = ctl_instance(call->mem);
    const char *problem = command->configured ? config_load(call->mem) : NULL;
    if (!problem && command->configured)
        problem = secrets_configure(call->mem);
    if (!problem && command->connects)
        problem = connect(call);
    int status = problem ? ctl_fail("%s", problem) : command->run(call);
    db_free(call->db);
    if ((status == CTL_DONE || status == CTL_FOUND) && !output_complete(call))
        return ctl_fail("the results could not be written");
    return status;
}

/* What stands behind a group's name is none of its commands, or nothing at all. */
static int refuse_group(const struct ctl_command *group, int argc, char **argv)
{
    if (argc > 1 && (streq(argv[1], "--help") || streq(argv[1], "-h")))
        return ctl_print_help(group);
    if (argc > 1 && argv[1][0] == '-')
        return ctl_misused(group, "unknown option %s", argv[1]);
    return argc > 1 ? ctl_misused(group, "unexpected '%s'", argv[1]) : ctl_misused(group, "a command is missing");
}

int ctl_run(const struct ctl_command *command, int argc, char **argv)
{
    struct arena mem = {0};
    struct ctl_output output = {0};
    struct ctl_call call = {.command = command, .mem = &mem, .output = &output};
    if (!command->run)
        return refuse_group(command, argc, argv);
    int status = read_options(&call, argc, argv);
    if (status < 0)
        return ctl_print_help(command);
    if (status == CTL_DONE)
        status = perform(&call);
    buf_free(&output.text);
    arena_free(&mem);
    return status;
}
