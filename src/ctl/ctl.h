/* kansoctl: one file for each command, which describes it in a row; main.c lists the rows. */
#ifndef KANSO_CTL_CTL_H
#define KANSO_CTL_CTL_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/* What a command returns, and with it the process. */
enum { CTL_DONE = 0, CTL_FAILED = 1, CTL_MISUSED = 2 };

struct ctl_option {
    const char *name;  /* without dashes */
    const char *value; /* what its value is called; NULL: it takes none */
    const char *help;  /* in --help: a line, or several */
};

enum { CTL_MAX_OPTIONS = 8 };

/* A command line that fits its command's row. */
struct ctl_call {
    const struct ctl_command *command;
    struct arena *mem;                   /* until the command has returned */
    const char *values[CTL_MAX_OPTIONS]; /* by the option's place: what it was given, "" without a value, or NULL */
    char **operands;                     /* what is no option */
    size_t operand_count;                /* at most command->most_operands */
};

/* A command writes results to standard output and complaints, as one line each, to standard error. */
struct ctl_command {
    const char *name;
    const char *summary;  /* in the list of commands */
    const char *synopsis; /* what stands behind the name, a line for each form; NULL: nothing */
    const char *details;  /* what --help says below that, before the options: whole lines */
    struct ctl_option options[CTL_MAX_OPTIONS];
    size_t most_operands;
    bool of_instance; /* settings are completed as scripts/kanso does (ctl_instance()), for a person who calls it */
    bool configured;  /* the configuration is loaded before */
    int (*run)(const struct ctl_call *call);
};

extern const struct ctl_command ctl_check, ctl_default_user, ctl_events, ctl_jobs, ctl_migrate, ctl_nginx_conf,
    ctl_openapi, ctl_plan, ctl_security_context, ctl_store_roots, ctl_version;

/* Runs a command, whose own name is argv[0]: answers --help, and refuses what its row does not have. */
int ctl_run(const struct ctl_command *command, int argc, char **argv);

/* What an option was given: its value, "" when it takes none; NULL when it was not given. */
const char *ctl_option(const struct ctl_call *call, const char *name);

/* "kansoctl NAME: ... (see `kansoctl NAME --help`)" on standard error; returns CTL_MISUSED. */
int ctl_misused(const struct ctl_command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "kanso: ..." on standard error; returns CTL_FAILED. */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Completes the environment as scripts/kanso does: from kanso.conf, and where no database is named with the private one
 * under $KANSO_HOME and its key. What the environment has already wins. */
void ctl_instance(struct arena *a);

/* A warning on standard error when the database takes less at once than a request may hold. */
struct db;
void ctl_warn_packet(struct db *db);

/* The value of an environment variable; an empty one counts as unset. */
const char *ctl_env(const char *name, const char *otherwise);

#endif
