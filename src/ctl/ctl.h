/* kansoctl: each command is described in a row, which its file holds and EACH_COMMAND lists. */
#ifndef KANSO_CTL_CTL_H
#define KANSO_CTL_CTL_H

#include "base/arena.h"
#include "base/timestamp.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a command returns, and with it the process. The list stands in --help and in the man page (CTL_STATUSES). */
enum ctl_status {
    CTL_DONE = 0,
    CTL_FAILED = 1,
    CTL_MISUSED = 2,
    CTL_FOUND = 3,
    CTL_MISSING = 4,
};

struct ctl_option {
    const char *name;  /* without dashes */
    const char *value; /* what its value is called; NULL: it takes none */
    const char *help;  /* in --help: a line, or several */
};

enum { CTL_MAX_OPTIONS = 24 };

/* How a value of a result is written; NULL is null in JSON, and "-" in a table. */
enum ctl_form {
    CTL_TEXT,
    CTL_ID,     /* 32 hex digits: with dashes */
    CTL_STAMP,  /* a time as SQL writes it */
    CTL_NUMBER, /* decimal digits */
    CTL_BOOL,   /* "0" or "1" */
    CTL_JSON,   /* text that is JSON */
};

struct ctl_column {
    const char *name; /* in JSON; in the head of a table in capitals, with blanks for underscores */
    enum ctl_form form;
    int width; /* at least, in a table; CTL_HIDDEN: in JSON only */
};

enum { CTL_HIDDEN = -1 };

/* Where the instance is that a person means. */
struct ctl_place {
    const char *tree; /* the directory of scripts/kanso; NULL when it cannot be told */
    const char *conf; /* the file of settings, which need not be there; NULL: none */
    const char *home; /* $KANSO_HOME or its default; NULL when there is no tree either */
};

/* A command line that fits its command's row. */
struct ctl_call {
    const struct ctl_command *command;
    struct arena *mem;                   /* until the command has returned */
    const char *values[CTL_MAX_OPTIONS]; /* by the option's place: what it was given, "" without a value, or NULL */
    bool json;                           /* --json was given */
    char **operands;                     /* what is no option */
    size_t operand_count;                /* from command->least_operands to command->most_operands */
    struct ctl_place place;              /* with command->of_instance */
    struct db_url *url;                  /* with command->connects: the database, which has been reached */
    struct db *db;
    struct ctl_output *output;
};

/*
 * A command writes results to standard output and complaints, as one line each, to standard error. One whose results
 * have columns writes them by ctl_row() and takes --json for that.
 */
struct ctl_command {
    const char *name;     /* "user list" is the command `list` of the group `user` */
    const char *summary;  /* in the list of commands */
    const char *synopsis; /* what stands behind the name, a line for each form; NULL: nothing. --json is added */
    const char *details;  /* what --help says below that, before the options: whole lines; indented ones stay as they
                             are in the man page, others are filled */
    struct ctl_option options[CTL_MAX_OPTIONS];
    const struct ctl_column *columns; /* of its results, ended by one without a name; NULL: it has none */
    bool single;                      /* the result is one row: an object, or a line for each column */
    bool bare;                        /* its table has no head, and one blank between two values: scripts read it */
    size_t least_operands, most_operands;
    bool of_instance; /* settings are completed as scripts/kanso does (ctl_instance()), for a person who calls it */
    bool configured;  /* the configuration is loaded before */
    bool connects;    /* the database of ZENML_STORE_URL is reached before */
    int (*run)(const struct ctl_call *call); /* NULL: a group, whose commands follow its row */
};

/* Of a command that works on the database of the instance. */
#define ON_DATABASE .of_instance = true, .configured = true, .connects = true

/* Every command, in the order of the lists; those of a group stand behind its row. */
#define EACH_COMMAND(X)                                                                                                \
    X(api_key)                                                                                                         \
    X(api_key_list)                                                                                                    \
    X(api_key_create)                                                                                                  \
    X(api_key_rotate)                                                                                                  \
    X(api_key_activate)                                                                                                \
    X(api_key_deactivate)                                                                                              \
    X(api_key_delete)                                                                                                  \
    X(audit)                                                                                                           \
    X(backup)                                                                                                          \
    X(check)                                                                                                           \
    X(config)                                                                                                          \
    X(default_user)                                                                                                    \
    X(deploy)                                                                                                          \
    X(deploy_up)                                                                                                       \
    X(deploy_down)                                                                                                     \
    X(deploy_status)                                                                                                   \
    X(deploy_list)                                                                                                     \
    X(deploy_logs)                                                                                                     \
    X(deploy_connect)                                                                                                  \
    X(deploy_disconnect)                                                                                               \
    X(deploy_serve)                                                                                                    \
    X(device)                                                                                                          \
    X(device_list)                                                                                                     \
    X(device_lock)                                                                                                     \
    X(device_unlock)                                                                                                   \
    X(device_delete)                                                                                                   \
    X(doctor)                                                                                                          \
    X(events)                                                                                                          \
    X(export)                                                                                                          \
    X(help)                                                                                                            \
    X(import)                                                                                                          \
    X(jobs)                                                                                                            \
    X(jobs_list)                                                                                                       \
    X(jobs_show)                                                                                                       \
    X(jobs_retry)                                                                                                      \
    X(jobs_cancel)                                                                                                     \
    X(man)                                                                                                             \
    X(migrate)                                                                                                         \
    X(nginx_conf)                                                                                                      \
    X(openapi)                                                                                                         \
    X(plan)                                                                                                            \
    X(probe)                                                                                                           \
    X(prune)                                                                                                           \
    X(restore)                                                                                                         \
    X(secret)                                                                                                          \
    X(secret_reencrypt)                                                                                                \
    X(security_context)                                                                                                \
    X(security_context_encode)                                                                                         \
    X(security_context_decode)                                                                                         \
    X(security_context_show)                                                                                           \
    X(setup)                                                                                                           \
    X(store_roots)                                                                                                     \
    X(user)                                                                                                            \
    X(user_list)                                                                                                       \
    X(user_add)                                                                                                        \
    X(user_reset_password)                                                                                             \
    X(user_activate)                                                                                                   \
    X(user_deactivate)                                                                                                 \
    X(user_admin)                                                                                                      \
    X(version)

#define CTL_DECLARE(name) extern const struct ctl_command ctl_##name;
EACH_COMMAND(CTL_DECLARE)
#undef CTL_DECLARE

/* The rows of EACH_COMMAND, ended by NULL. */
extern const struct ctl_command *const ctl_commands[];

/* What each status means, a line each, ended by NULL. */
extern const char *const ctl_statuses[];

/* The command that the words of a command line begin with; *words is how many of them are its name. NULL: none. */
const struct ctl_command *ctl_find(int count, char **line, int *words);

/* Whether a command is one of a group's. */
bool ctl_in_group(const struct ctl_command *command, const struct ctl_command *group);

/* What --json does, for --help and the man page. */
#define CTL_JSON_HELP "the results as JSON"

/* Runs a command; argv[0] is the last word of its name: answers --help, and refuses what its row does not have. */
int ctl_run(const struct ctl_command *command, int argc, char **argv);

/* --help of a command, on standard output. */
int ctl_print_help(const struct ctl_command *command);

/* What an option was given: its value, "" when it takes none; NULL when it was not given. */
const char *ctl_option(const struct ctl_call *call, const char *name);

/* The value of an option that is a number from `least` to `most`; `*out` stays as it is when it was not given. Returns
 * CTL_DONE, or CTL_MISUSED, and has complained. */
int ctl_number(const struct ctl_call *call, const char *name, int64_t least, int64_t most, int64_t *out);

/* The time so long ago as the text says, "90d" or "12h" (h, d or w), in SQL form; false when it says something else. */
bool ctl_age(const char *text, char before[STAMP_LEN + 1]);

/* Writes a row of results, a value for each column of the command; at once, so that there may be any number of them.
 * ctl_run() completes what was begun when the command returns CTL_DONE or CTL_FOUND: without rows, an empty list. */
void ctl_row(const struct ctl_call *call, const struct db_value *values);

/* Writes the rows of a statement that selects what the columns of the command say. Returns CTL_DONE, or CTL_FAILED, and
 * has complained. */
int ctl_select(const struct ctl_call *call, const char *sql, const struct db_param *params, size_t count);

/* A value for ctl_row(); NULL is one. */
struct db_value ctl_value(const char *text);

/* "kansoctl NAME: ... (see `kansoctl NAME --help`)" on standard error; returns CTL_MISUSED. */
int ctl_misused(const struct ctl_command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "kanso: ..." on standard error; returns CTL_FAILED. */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same for what the command line names and is not there; returns CTL_MISSING. */
int ctl_missing(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same for a statement that failed on call->db; returns CTL_FAILED. */
int ctl_db_failed(const struct ctl_call *call);

/* Completes the environment as scripts/kanso does: from kanso.conf, and where no database is named with the private one
 * under $KANSO_HOME and its key. What the environment has already wins. */
struct ctl_place ctl_instance(struct arena *a);

/* Whether Kanso is a service of this host: its package has brought the unit, and systemd runs. */
bool ctl_is_service(void);

/* What a person types to `start` or `restart` the instance. */
const char *ctl_run_command(struct arena *a, const struct ctl_place *place, const char *verb);

/* After that: where the value of a variable comes from: a path, "environment", "the private database" or "default". */
const char *ctl_origin(const char *name);

/* Whether ctl_instance() has found no database named, but Kanso's own. */
bool ctl_database_is_private(void);

/* Makes a database ready as `kansoctl migrate` does, with the configuration that has been loaded, and says on standard
 * error what it does. NULL, or what is wrong in a sentence. */
const char *ctl_prepare_database(struct arena *mem, const struct db_url *url);

/* A warning on standard error when the database takes less at once than a request may hold. */
void ctl_warn_packet(struct db *db);

/* The value of an environment variable; an empty one counts as unset. */
const char *ctl_env(const char *name, const char *otherwise);

#endif
