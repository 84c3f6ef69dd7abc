/*
 * What comes of events (docs/contract/automation.md#dispatch): the job `delivery` finds the triggers whose filters let
 * an event through, `firing` is the time that a trigger's schedule has named. Both make an execution for each trigger
 * and, in the same transaction, a job `action`, which does what the trigger is for.
 */
#ifndef KANSO_AUTOMATION_DISPATCH_H
#define KANSO_AUTOMATION_DISPATCH_H

#include "jobs/jobs.h"

extern const struct job_kind job_delivery; /* subject: the event source; payload: automation/webhook.h */
extern const struct job_kind job_firing;   /* subject: the trigger; payload: JSON text, what happened */
extern const struct job_kind job_action;   /* subject: the trigger; payload: the id (hex) of the execution */

#endif
