/* The rows of kanso_job, for those who run jobs. What others may do with them stands in jobs.h. */
#ifndef KANSO_JOBS_QUEUE_H
#define KANSO_JOBS_QUEUE_H

#include "db/db.h"
#include "jobs/jobs.h"

/* A row that has just been claimed, and by whom: host, process, and a random part for each claim, so that whoever had
 * an earlier lease of the same job is not mistaken for who has this one. */
struct claim {
    char id[33], kind[33], owner[129];
    unsigned attempt;
    bool cancelled;
};

/* Says whether there may be something to claim, and how late it is by the database's clock. One statement. */
enum db_status queue_look(struct db *db, struct arena *a, bool *due, int64_t *now);

/* The clock of the database may be set back. What was written by the clock of before, more than CLOCK_SKEW seconds in
 * the future, then is due for long: who waits is due at once instead, and who runs has a lease from now on. */
enum { CLOCK_SKEW = 60 };
enum db_status queue_set_back(struct db *db, struct arena *a);

/* Takes the leases of at most `room` jobs of the given kinds that are due, or whose lease has run out, for
 * KANSO_JOBS_LEASE seconds: *count are in `out`. */
enum db_status queue_claim(struct db *db, struct arena *a, const struct job_kind *const *kinds, struct claim *out,
                           size_t room, size_t *count);

/* How a claimed job stands. */
enum standing {
    HELD,      /* the lease is ours */
    SETTLED,   /* it has ended, or waits for its next run */
    LOST,      /* somebody else has the lease */
    CANCELLED, /* ours, but it is not wanted any more */
};

/* Renews the leases of `count` jobs, if `renew`, and says how each stands. */
enum db_status queue_keep(struct db *db, struct arena *a, const struct claim *claims, size_t count, bool renew,
                          enum standing *out);

/* Gives a lease back after an attempt that came to nothing: it is tried again after `seconds`. Nothing happens when the
 * lease is not ours any more. */
enum db_status queue_release(struct db *db, struct arena *a, const struct claim *claim, const char *why,
                             unsigned seconds);

/* Gives a lease back as if it had never been taken. */
enum db_status queue_return(struct db *db, struct arena *a, const struct claim *claim);

/* Deletes a thousand of the jobs that ended more than so many days ago; *more says whether there are others. */
enum db_status queue_sweep(struct db *db, struct arena *a, int64_t days, bool *more);

/* How many there are: those that could be taken up now, those of later, those in hand, and those that have failed and
 * are kept. */
struct queue_depth {
    uint64_t due, later, running, failed;
    int64_t oldest; /* seconds for which the oldest of the due ones has been waiting */
};
enum db_status queue_count(struct db *db, struct arena *a, struct queue_depth *out);

/* Seconds until the next attempt after `attempt` have failed. */
unsigned queue_backoff(unsigned attempt);

/* For the process that runs a claimed job: loads it. FAILED when the lease is gone. */
int job_load(struct ctx *c, const struct claim *claim, struct job *out);

/* What came of a run; each does nothing when the job has been settled already, or the lease is gone. */
int job_finish(struct ctx *c, const struct job *job);
int job_later(struct ctx *c, const struct job *job, unsigned attempts_used, unsigned seconds, const char *why);
int job_fail(struct ctx *c, const struct job *job, const char *why);

#endif
