/*
 * Schedules of triggers: adds a job `firing` for each time that has come (its subject is the trigger, its payload the
 * time as JSON text). Any number of hosts may do so at once: up to when each trigger's firings have been seen to stands
 * in kanso_trigger_schedule, which is changed in the transaction that adds the jobs.
 */
#ifndef KANSO_JOBS_SCHEDULER_H
#define KANSO_JOBS_SCHEDULER_H

#include "db/db.h"
#include "http/context.h"

/* How often schedules are looked at, in seconds: so late at most a new one is seen. */
enum { SCHEDULER_EVERY = 10 };

/* Adds the jobs of all firings that have come; *wait is how many seconds there are until the next look. */
int scheduler_fire(struct ctx *c, int64_t *wait);

/* Forgets triggers that are not there any more. */
enum db_status scheduler_sweep(struct db *db, struct arena *a);

#endif
