/* kansoctl: one table of commands (main.c), one file for each. */
#ifndef KANSO_CTL_CTL_H
#define KANSO_CTL_CTL_H

/* What a command returns, and with it the process. */
enum { CTL_DONE = 0, CTL_FAILED = 1, CTL_MISUSED = 2 };

/* A command gets its own name as argv[0]. It writes results to standard output and complaints, as one line each, to
 * standard error. */
int ctl_check(int argc, char **argv);
int ctl_default_user(int argc, char **argv);
int ctl_events(int argc, char **argv);
int ctl_jobs(int argc, char **argv);
int ctl_migrate(int argc, char **argv);
int ctl_nginx_conf(int argc, char **argv);
int ctl_openapi(int argc, char **argv);
int ctl_plan(int argc, char **argv);
int ctl_security_context(int argc, char **argv);
int ctl_store_roots(int argc, char **argv);

struct arena;

/* Completes the environment as scripts/kanso does: from kanso.conf, and where no database is named with the private one
 * under $KANSO_HOME and its key. What the environment has already wins. */
void ctl_instance(struct arena *a);

/* "kanso: ..." on standard error; returns CTL_FAILED. */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A warning on standard error when the database takes less at once than a request may hold. */
struct db;
void ctl_warn_packet(struct db *db);

/* The value of an environment variable; an empty one counts as unset. */
const char *ctl_env(const char *name, const char *otherwise);

#endif
