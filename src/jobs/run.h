/* One job, in the process that was made for it. */
#ifndef KANSO_JOBS_RUN_H
#define KANSO_JOBS_RUN_H

#include "base/metrics.h"
#include "jobs/queue.h"

/* Runs a claimed job and settles it. Returns whether it is settled, or is somebody else's now: what is not comes up
 * again when its lease has run out, or is given back. *outcome is what the attempt counts as. */
bool job_run(struct db *db, const struct job_kind *kind, const struct claim *claim, enum metric_attempt *outcome);

#endif
