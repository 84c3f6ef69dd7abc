/*
 * Counters that all processes of an instance share: a file in $KANSO_HOME/tmp that each of them maps. A cell is one
 * word and is changed by one atomic addition, so nobody waits for anybody, and a process that is killed at any moment
 * leaves every cell as it was before or after. What has to agree (how many requests, and how many in each class of
 * durations) is read off the same cells.
 *
 * The file outlives processes and starts. It belongs to one meaning of its cells: a program that knows other operations
 * makes a new file, and those that still run keep counting in the old one until they end. Without KANSO_HOME, or when
 * there is no room, nothing is counted.
 */
#ifndef KANSO_BASE_METRICS_H
#define KANSO_BASE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Upper bounds of the classes of durations, in milliseconds; the last class has none. */
enum { METRIC_BOUNDS = 14, METRIC_CLASSES = METRIC_BOUNDS + 1 };
extern const double metric_bounds[METRIC_BOUNDS];

/* The answers that are told apart; the last stands for all others (0). */
enum { METRIC_CODES = 16 };
extern const int metric_codes[METRIC_CODES];

/* Single counters. Those of one family stand in a row, in the order of what they count. */
enum metric {
    M_REQUESTS_ABANDONED,
    M_CONNECTIONS,
    M_CONNECTION_FAILURES,
    M_TRANSACTION_RETRIES,
    M_DATABASE_ERRORS, /* by enum db_status, at most 16 */
    M_LOGINS_GRANTED = M_DATABASE_ERRORS + 16,
    M_LOGINS_REFUSED = M_LOGINS_GRANTED + 4, /* both by enum metric_grant */
    M_LIMITED = M_LOGINS_REFUSED + 4,        /* by enum limiter, at most 8 */
    M_SLOW_REQUESTS = M_LIMITED + 8,
    METRIC_COUNTERS
};

enum metric_grant { GRANT_PASSWORD, GRANT_API_KEY, GRANT_DEVICE, GRANT_EXTERNAL, METRIC_GRANTS };

/* What has come of an attempt to do a job. */
enum metric_attempt { ATTEMPT_DONE, ATTEMPT_LATER, ATTEMPT_FAILED, ATTEMPT_KILLED, METRIC_ATTEMPTS };
enum { METRIC_KINDS = 16 };

/* Of the program, said by room app (app/operations.c): how many operations there are, and a number that is another one
 * when one of them, or of the kinds of jobs, is. */
size_t metrics_operations(void);
uint64_t metrics_meaning(void);

/* Opens the file, or makes it, and counts the start of this process. `process`: what it is called there, at most 31
 * characters. Again in a child: it is a process of its own. Before that, and when it fails, all is counted for nobody.
 * Returns NULL, or why there are no counters though there is a KANSO_HOME, in a sentence. */
const char *metrics_open(const char *process);

/* Counts one. */
void metric_add(enum metric which);
void metric_job(size_t kind, enum metric_attempt outcome);

/* A statement of the database, and an answered request: its operation (metrics_operations() and more: none), status and
 * duration. */
void metric_statement(double ms);
void metric_request(size_t operation, int status, double ms);

/* This process has a request in hand since then (monotonic_ms()), or none. */
void metric_busy(double since);
void metric_idle(void);

/* Reading ---------------------------------------------------------------------------------------------------------- */

uint64_t metric_value(enum metric which);
uint64_t metric_job_value(size_t kind, enum metric_attempt outcome);

/* Durations: how many in each class, not added up, and their sum. */
struct metric_times {
    uint64_t classes[METRIC_CLASSES];
    double seconds;
};
void metric_statement_times(struct metric_times *out);
void metric_request_times(size_t operation, struct metric_times *out);

/* Answers with metric_codes[code]. */
uint64_t metric_request_count(size_t operation, size_t code);

/* Processes that live, by what they are called. */
struct metric_process {
    const char *name;
    uint64_t starts; /* since the file was made */
    size_t count, in_hand;
    double oldest;     /* ms since when the oldest request is in hand */
    uint64_t resident; /* bytes */
};
enum { METRIC_NAMES = 64 };

/* Fills `out` and returns how many there are. */
size_t metric_processes(struct metric_process out[METRIC_NAMES]);

/* When the counting began, in seconds since 1970. */
int64_t metric_began(void);

#endif
