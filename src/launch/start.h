/* What the job `workload` is told: who runs what. The token is made of it when the workload starts. */
#ifndef KANSO_LAUNCH_START_H
#define KANSO_LAUNCH_START_H

#include "launch/launch.h"

/* Ids are hex; NULL: there is none. */
struct start {
    const char *run; /* the placeholder */
    const char *user, *pipeline, *schedule, *device, *api_key, *session;
    struct json_object *claims; /* of the caller's token, to be kept */
};

/* Adds the job for a deployment within the open transaction. */
int start_add(struct ctx *c, const char *deployment_id, const struct start *s);

/* The token that the workload calls back with: never expires, names the pipeline. 500 without a signing key. */
int start_token(struct ctx *c, const struct start *s, const char **token);

/* Reads what start_add() has written. False when it is damaged. */
bool start_read(struct arena *a, struct span payload, struct start *out);

#endif
