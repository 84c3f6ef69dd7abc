/*
 * Runs that start from templates (docs/contract/run-templates.md#running).
 *
 * template_run() makes a deployment, a placeholder run and a job in one transaction. The job `workload` has the
 * configured workload manager build an image and start a container in it, whose program takes the placeholder over; the
 * job `watch` looks after that until it has, and marks the run failed when it cannot any more.
 */
#ifndef KANSO_LAUNCH_LAUNCH_H
#define KANSO_LAUNCH_LAUNCH_H

#include "jobs/jobs.h"

/* Makes a run of a template (hex id) for the caller, within the open transaction: all of it is there when that commits.
 * `config`: the JSON text of a PipelineRunConfiguration, or NULL. `run_id` gets the hex id of the placeholder. What is
 * refused is a ValueError, an unknown template a KeyError; 409 when there is a run of that name. */
int template_run(struct ctx *c, const char *template_id, const struct span *config, char run_id[33]);

/* POST /run_templates/{id}/runs */
int template_run_create(struct ctx *c);

/* GET /pipeline_deployments/{id}/logs: what Kanso has noted about the start, then what the workload has written. */
int deployment_logs(struct ctx *c);

/* Adds a line to the log of a deployment's workload (hex id), within the open transaction if there is one. */
int workload_log(struct ctx *c, const char *deployment_id, const char *message);

extern const struct job_kind job_workload; /* starts it */
extern const struct job_kind job_watch;    /* until its run has begun, or it has ended */
extern const struct job_kind job_discard;  /* ends and removes it when its deployment is gone */

#endif
