/* What background work there is. */
#include "jobs/jobs.h"

const struct job_kind *const all_job_kinds[] = {
    NULL,
};
