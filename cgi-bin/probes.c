/* Endpoint group: how the instance is. It has a process of its own, so that nobody who is busy holds it up. */
#include "app/probes.h"
#include "app/app.h"
#include "app/metrics.h"

static const struct route routes[] = {
    {"GET", "/health", probe_health, .flags = R_PUBLIC | R_HEAD, .response = "string",
     .open = "says nothing but that it is there", .about = "Says that the server is there."},
    {"GET", "/ready", probe_ready, .flags = R_PUBLIC | R_INTERNAL | R_HEAD, .response = "string",
     .open = "says nothing but whether the database is there"},
    {"GET", "/metrics", metrics_get, .flags = R_PUBLIC | R_INTERNAL | R_HEAD,
     .open = "the handler asks for the listener or the token of metrics"},
};

WORKER(probes, routes)
