#include "ctl/ctl.h"

#include "base/settings.h"
#include "base/text.h"
#include "db/migrate.h"

#include <stdio.h>

static int print_version(const struct ctl_call *call)
{
    (void)call;
    puts("kanso " KANSO_VERSION " (ZenML " SCHEMA_VERSION ")");
    return CTL_DONE;
}

const struct ctl_command ctl_version = {
    .name = "version",
    .summary = "print the version",
    .details = "Prints the version of Kanso, and that of ZenML whose server it is.\n",
    .run = print_version,
};

static const struct ctl_command *const commands[] = {
    &ctl_check,   &ctl_default_user, &ctl_events,           &ctl_jobs,        &ctl_migrate, &ctl_nginx_conf,
    &ctl_openapi, &ctl_plan,         &ctl_security_context, &ctl_store_roots, &ctl_version,
};

static void usage(FILE *to)
{
    fputs("Usage: kansoctl COMMAND [ARGUMENTS]\n\nCommands:\n", to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  %-18s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nSettings come from the environment; see docs/configuration.md. `kansoctl COMMAND --help` says more.\n"
          "Exit status: 0 done; 1 failed, for the reason on standard error; 2 wrong command line.\n",
          to);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL, *problem = settings_receive();
    if (problem)
        return ctl_fail("%s", problem);
    if (streq(name, "--help") || streq(name, "-h") || streq(name, "help")) {
        usage(stdout);
        return CTL_DONE;
    }
    for (size_t i = 0; name && i < ARRAY_LEN(commands); i++)
        if (streq(name, commands[i]->name))
            return ctl_run(commands[i], argc - 1, argv + 1);
    if (name)
        fprintf(stderr, "kansoctl: unknown command '%s'\n\n", name);
    usage(stderr);
    return CTL_MISUSED;
}
