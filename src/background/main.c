/* kanso-jobs: the process that does background work. */
#include "jobs/jobs.h"

int main(int argc, char **argv)
{
    return jobs_main(argc, argv, all_job_kinds);
}
