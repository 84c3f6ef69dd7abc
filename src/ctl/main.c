#include "ctl/ctl.h"

#include "base/settings.h"
#include "base/text.h"
#include "db/migrate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int print_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("kanso " KANSO_VERSION " (ZenML " SCHEMA_VERSION ")");
    return CTL_DONE;
}

static const struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"check", "say what is wrong with the settings", ctl_check},
    {"default-user", "say whether the configured password of the first user fits", ctl_default_user},
    {"events", "what came of deliveries to webhooks and firings of schedules", ctl_events},
    {"jobs", "background work: list, show, retry, cancel", ctl_jobs},
    {"migrate", "make an empty database ready, or check and complete one of ZenML", ctl_migrate},
    {"nginx-conf", "print nginx.conf, made from the route tables", ctl_nginx_conf},
    {"openapi", "print the OpenAPI document", ctl_openapi},
    {"plan", "print which endpoint groups share a worker: SOCKET PROCESSES GROUPS", ctl_plan},
    {"security-context", "encode, decode and show execution security contexts", ctl_security_context},
    {"store-roots", "print the directories where the server reads artifact stores", ctl_store_roots},
    {"version", "print the version", print_version},
};

static void usage(FILE *to)
{
    fputs("Usage: kansoctl COMMAND [ARGUMENTS]\n\nCommands:\n", to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  %-18s %s\n", commands[i].name, commands[i].summary);
    fputs("\nSettings come from the environment; see docs/configuration.md. `kansoctl COMMAND --help` says more.\n",
          to);
}

int ctl_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("kanso: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return CTL_FAILED;
}

const char *ctl_env(const char *name, const char *otherwise)
{
    const char *v = getenv(name);
    return v && *v ? v : otherwise;
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
        if (streq(name, commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    if (name)
        fprintf(stderr, "kansoctl: unknown command '%s'\n\n", name);
    usage(stderr);
    return CTL_MISUSED;
}
