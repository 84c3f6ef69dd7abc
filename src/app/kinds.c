/* What background work there is. */
#include "automation/dispatch.h"
#include "jobs/jobs.h"
#include "launch/launch.h"

const struct job_kind *const all_job_kinds[] = {
    &job_delivery, &job_firing, &job_action, &job_workload, &job_watch, &job_discard, NULL,
};
