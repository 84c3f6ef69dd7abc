/* What an operator sees of jobs and does with them. */
#ifndef KANSO_JOBS_OPERATE_H
#define KANSO_JOBS_OPERATE_H

#include "db/db.h"

/* The largest limit of a list. */
enum { JOBS_LISTED_MAX = 10000 };

/* Which jobs: what is NULL does not matter. */
struct job_choice {
    const char *id, *subject; /* hex */
    const char *kind, *state;
    bool events; /* deliveries and firings only */
    int64_t limit;
};

/* The columns of jobs_list(). */
enum {
    JOB_ID,
    JOB_KIND,
    JOB_SUBJECT,      /* hex */
    JOB_SUBJECT_NAME, /* of the event source, trigger or run; NULL for others, and when it is gone */
    JOB_KEY,          /* may be NULL */
    JOB_STATE,        /* waiting, running, done or failed */
    JOB_CANCELLED,    /* 0 or 1 */
    JOB_ATTEMPT,
    JOB_CREATED, /* stamps, UTC */
    JOB_UPDATED,
    JOB_DUE,     /* when something happens next, or it ended */
    JOB_OWNER,   /* who runs it, or NULL */
    JOB_OUTCOME, /* may be NULL */
    JOB_PAYLOAD, /* bytes of it */
    JOB_COLUMNS,
};

/* The latest jobs that fit, newest first. */
enum db_status jobs_list(struct db *db, struct arena *a, const struct job_choice *choice, struct db_rows *out);

/* Lets a failed job start anew, or ends one that has not ended. *done: there was such a job in such a state. */
enum db_status jobs_retry(struct db *db, struct arena *a, const char *id, bool *done);
enum db_status jobs_cancel(struct db *db, struct arena *a, const char *id, bool *done);

#endif
