/* The counters of this instance as text for Prometheus (format 0.0.4). */
#ifndef KANSO_APP_METRICS_H
#define KANSO_APP_METRICS_H

#include "http/context.h"

/* GET /metrics: for who comes by the listener of KANSO_METRICS, and shows KANSO_METRICS_TOKEN where that is set; by any
 * other listener with the token only. Else there is no such path. */
int metrics_get(struct ctx *c);

#endif
