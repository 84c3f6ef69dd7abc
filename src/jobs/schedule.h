/* When a trigger fires by itself: what its schedule, as it is stored, says about times (docs/automation.md). */
#ifndef KANSO_JOBS_SCHEDULE_H
#define KANSO_JOBS_SCHEDULE_H

#include "base/arena.h"
#include "base/cron.h"
#include "json/scan.h"

/* Times in seconds since 1970, UTC; -1: not given. A cron expression counts over an interval, and that over a single
 * time, as with most orchestrators. */
struct schedule {
    enum { BY_CRON, BY_INTERVAL, ONCE } by;
    struct cron cron;
    int64_t interval;   /* seconds, counted from `start` */
    int64_t start, end; /* first and last moment when it may fire */
    bool catchup;       /* of firings that were missed all are made up for, not the latest only */
};

/* Reads a schedule's JSON text. Returns NULL, or what is wrong, in a sentence. */
const char *schedule_read(struct arena *a, struct span text, struct schedule *out);

/* The first firing after `after`, and the last one until `until`; -1: there is none. */
int64_t schedule_next(const struct schedule *s, int64_t after);
int64_t schedule_last(const struct schedule *s, int64_t until);

#endif
