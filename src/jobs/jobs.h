/*
 * Work that goes on after the answer has left: rows of kanso_job, which the process kanso-jobs of any host takes up.
 *
 * A job is added within the transaction that makes it necessary, and exists when that commits. One process at a time
 * has its lease, and runs it in a child of its own; a child that dies, or a host that stops, counts as an attempt. A
 * handler whose effects are rows calls job_done() in the transaction that makes them: either both are there or neither,
 * and whoever has lost his lease meanwhile commits nothing. One with effects elsewhere is run again after it was cut
 * short: it has to find out by the job's subject what is there already.
 */
#ifndef KANSO_JOBS_JOBS_H
#define KANSO_JOBS_JOBS_H

#include "http/context.h"
#include "json/scan.h"

/* A job in hand. */
struct job {
    const char *id;      /* hex */
    const char *kind;    /* at most 32 characters */
    const char *subject; /* hex: what an operator looks for it by, such as an event source, a trigger, a run */
    struct span payload; /* whatever the kind has made it; NUL-terminated */
    unsigned attempt;    /* 1 for the first */
    const char *owner;   /* who has the lease */
    const char *reason;  /* within gave_up(): why; else NULL */
};

/* Adds a job within the open transaction. `key`: NULL, or a text of at most 128 characters that is unique for the kind;
 * where there is one of that key already, nothing is added and that is no error. `due`: not before that second since
 * 1970, by the database's clock; 0 is at once. */
int job_add(struct ctx *c, const char *kind, const char *subject, const char *key, struct span payload, int64_t due);

/* Ends the job with the open transaction, before its commit: well within run(), as a failure within gave_up().
 * `outcome` tells an operator what came of it; NULL: nothing to tell. FAILED when somebody else has the job now: then
 * nothing of the transaction must be committed. */
int job_done(struct ctx *c, const struct job *job, const char *outcome);

/* Instead of job_done(): the job is run again after so many seconds, with its attempts counted anew; for what is looked
 * at until it ends. */
int job_again(struct ctx *c, const struct job *job, int64_t seconds, const char *outcome);

/*
 * What is done with jobs of one kind. Handlers run with a context that has no request: there is an arena, a database
 * and, once authenticate_as() has been called, a caller. They begin and commit their own transactions.
 *
 * run() returns OK when the job is done: if it has not said so itself by job_done() or job_again(), it is marked done.
 * RETRY: the database asked for it; it is run anew at once, as with requests. FAILED: fail() has said why. What was
 * refused (a status below 500) is final. What was not possible now (EX_RUNTIME, EX_UNAVAILABLE) is tried again after 2,
 * 4, 8, ... at most 300 seconds, until the attempts are used up. The text is the job's outcome.
 *
 * gave_up() is called once a job has come to its end without success, in a transaction of its own that it ends by
 * job_done(); NULL: there is nothing to do then. It is tried anew itself when it fails.
 *
 * Programs that a handler starts belong to its process group and are ended when its process ends, in whatever way.
 */
struct job_kind {
    const char *name;
    const char *about; /* what its subject is: the name of a resource */
    int (*run)(struct ctx *c, const struct job *job);
    int (*gave_up)(struct ctx *c, const struct job *job); /* job->reason says why */
    unsigned attempts;                                    /* at most */
    unsigned timeout;                                     /* seconds for one; its process is killed then */
    void (*ready)(
        void); /* once, when kanso-jobs starts and has its settings: what it learns, each job knows; or NULL */
};

/* All kinds, NULL-terminated (src/app/kinds.c). */
extern const struct job_kind *const all_job_kinds[];

/* main() of kanso-jobs, for jobs of these kinds. */
int jobs_main(int argc, char **argv, const struct job_kind *const *kinds);

#endif
