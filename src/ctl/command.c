/* The command line of a command: options, --help, and what is wrong with it. */
#include "ctl/ctl.h"

#include "base/config.h"
#include "base/text.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP = CTL_MAX_OPTIONS };

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

static void print_options(const struct ctl_option *options)
{
    enum { COLUMN = 20 };
    for (size_t i = 0; i < CTL_MAX_OPTIONS && options[i].name; i++) {
        const struct ctl_option *o = &options[i];
        int width = printf("%s  --%s%s%s", i ? "" : "\n", o->name, o->value ? " " : "", o->value ? o->value : "");
        width -= i == 0;
        printf("%*s", width < COLUMN ? COLUMN - width : 1, "");
        print_lines(o->help, COLUMN);
    }
}

static int print_help(const struct ctl_command *command)
{
    const char *form = command->synopsis ? command->synopsis : "", *head = "Usage:";
    do {
        size_t len = strcspn(form, "\n");
        printf("%-6s kansoctl %s%s%.*s\n", head, command->name, len ? " " : "", (int)len, form);
        form += len + (form[len] != '\0');
        head = "";
    } while (*form);
    printf("\n%s", command->details);
    print_options(command->options);
    return fflush(stdout) == 0 ? CTL_DONE : ctl_fail("the help could not be written");
}

/* Reads options into the call, and leaves the operands behind them. Returns CTL_DONE, or what the process ends with: -1
 * for --help. */
static int read_options(struct ctl_call *call, int argc, char **argv)
{
    struct option known[CTL_MAX_OPTIONS + 2] = {{"help", no_argument, NULL, HELP}};
    for (int i = 0; i < CTL_MAX_OPTIONS && call->command->options[i].name; i++)
        known[i + 1] = (struct option){call->command->options[i].name,
                                       call->command->options[i].value ? required_argument : no_argument, NULL, i};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        if (option == HELP || option == 'h')
            return -1;
        if (option == ':')
            return ctl_misused(call->command, "%s needs a value", argv[optind - 1]);
        if (option == '?')
            return ctl_misused(call->command, "unknown option %s", argv[optind - 1]);
        call->values[option] = optarg ? optarg : "";
    }
    call->operands = argv + optind;
    call->operand_count = (size_t)(argc - optind);
    if (call->operand_count > call->command->most_operands)
        return ctl_misused(call->command, "unexpected '%s'", call->operands[call->command->most_operands]);
    return CTL_DONE;
}

int ctl_run(const struct ctl_command *command, int argc, char **argv)
{
    struct arena mem = {0};
    struct ctl_call call = {.command = command, .mem = &mem};
    int status = read_options(&call, argc, argv);
    if (status < 0)
        return print_help(command);
    if (status != CTL_DONE)
        return status;
    if (command->of_instance)
        ctl_instance(&mem);
    const char *problem = command->configured ? config_load(&mem) : NULL;
    status = problem ? ctl_fail("%s", problem) : command->run(&call);
    arena_free(&mem);
    return status;
}
