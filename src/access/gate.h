/* The feature gate (docs/contract/cloud.md#feature-gate): what a subscription allows, and what has been used of it.
 * Does nothing unless ZENML_SERVER_FEATURE_GATE_IMPLEMENTATION_SOURCE is set. */
#ifndef KANSO_ACCESS_GATE_H
#define KANSO_ACCESS_GATE_H

#include "http/context.h"

bool gate_enabled(void);

/* Whether ZENML_SERVER_REPORTABLE_RESOURCES lists a feature. */
bool gate_reportable(struct ctx *c, const char *feature);

/* 402 when the subscription's limit for a feature is reached. */
int gate_check(struct ctx *c, const char *feature);

/* Reports one more (+1) or one less (-1) of a feature; `id` is the resource's, hex. */
int gate_report(struct ctx *c, const char *feature, const char *id, int change);

#endif
