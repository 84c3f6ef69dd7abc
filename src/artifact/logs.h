/* The output of steps, read from their artifact store. */
#ifndef KANSO_ARTIFACT_LOGS_H
#define KANSO_ARTIFACT_LOGS_H

#include "http/context.h"

/* GET /steps/{id}/logs: a JSON string. Query: offset (0; negative counts from the end), length (16 MiB). */
int step_logs(struct ctx *c);
extern const struct model STEP_LOGS_QUERY;

#endif
