/* What background work there is. */
#include "jobs/jobs.h"
#include "launch/launch.h"

const struct job_kind *const all_job_kinds[] = {
    &job_workload,
    &job_watch,
    &job_discard,
    NULL,
};
