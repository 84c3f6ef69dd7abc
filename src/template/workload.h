/*
 * Workload managers: what starts pipelines that run from templates (docs/contract/run-templates.md#workload,
 * docs/automation.md#workload-managers). ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE names one of the table;
 * any other value is the dotted path of a Python class (WorkloadManagerInterface).
 *
 * Operations that fail say why with fail(c, EX_RUNTIME, ...), and return FAILED when trying again is of no use, or
 * RETRY when the manager cannot do it now: jobs try for some minutes. None of them touches the database, and no token
 * reaches a message or a log.
 */
#ifndef KANSO_TEMPLATE_WORKLOAD_H
#define KANSO_TEMPLATE_WORKLOAD_H

#include "http/context.h"

/* What is to run. Ids are UUIDs with dashes: those of the deployment that the run is made from. */
struct workload {
    const char *id, *image;
    const char *const *command, *const *arguments; /* NULL-ended */
    const struct pair *environment;                /* holds a token: no part of it may reach a log or a message */
    size_t n_environment;
    unsigned timeout; /* seconds after which it may be ended; 0: never */
};

enum workload_state {
    WORKLOAD_UNKNOWN /* never started, or gone */,
    WORKLOAD_RUNNING,
    WORKLOAD_SUCCEEDED,
    WORKLOAD_FAILED
};

struct workload_manager {
    const char *name; /* "kanso.docker" */

    /* When a process starts: whether it can work, as far as that shows without asking anybody. FAILED: adds to `why`
     * what is missing, in a sentence without its period. */
    int (*check)(struct buf *why);

    /* Makes the image of a Dockerfile's text under a name ("zenml-runner:<hash>") that stands for its content, so there
     * is nothing to do when it is there. *image: its full name, with its registry. */
    int (*build)(struct ctx *c, const char *id, const char *dockerfile, const char *image_name, const char **image);

    /* Starts a workload. One of that id that is there already, in whatever state, is no error and not started again. */
    int (*run)(struct ctx *c, const struct workload *w);

    /* *reason: why it failed, or NULL. One that has ended stays known until it is removed, so that its end is noticed.
     * The operation itself is NULL for managers that cannot tell; those return from run() when the workload has ended,
     * and are not asked to run it twice. */
    int (*state)(struct ctx *c, const char *id, enum workload_state *state, const char **reason);

    /* Adds what the workload has written so far, as UTF-8; of one that is unknown, nothing. */
    int (*logs)(struct ctx *c, const char *id, struct buf *text);

    /* Ends it if it runs, and leaves nothing of it. One that is unknown is no error. */
    int (*remove)(struct ctx *c, const char *id);
};

/* The kind of the job that has a workload removed; its subject is the deployment (hex id). */
#define JOB_DISCARD "discard"

extern const struct workload_manager workload_docker;     /* kanso.docker */
extern const struct workload_manager workload_kubernetes; /* kanso.kubernetes */
extern const struct workload_manager workload_command;    /* kanso.command */
extern const struct workload_manager workload_python;     /* a class of the operator's */

/* The configured manager; NULL when there is none. */
const struct workload_manager *workload_manager(void);

/* Whether there is one: routes exist only then. */
bool workload_configured(void);

/* The configured manager if it can work; else FAILED with the reference's words. */
int workload_manager_ready(struct ctx *c, const struct workload_manager **m);

/* Looks once whether the manager can work, and warns in the log when it cannot. */
void workload_announce(void);

#endif
