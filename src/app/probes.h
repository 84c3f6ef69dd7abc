/*
 * Whether the instance is alive, and whether it is ready. What has to be asked of the database is asked by a thread
 * with a connection of its own, which waits for it as long as it takes: those who want to know wait a moment, and then
 * are told since when there has been no answer.
 */
#ifndef KANSO_APP_PROBES_H
#define KANSO_APP_PROBES_H

#include "http/context.h"
#include "jobs/queue.h"

/* GET /health: nginx and this process are alive. */
int probe_health(struct ctx *c);

/* GET /ready: there is a database that has the tables and accepts changes; else 503 with the cause. */
int probe_ready(struct ctx *c);

/* What the database had to say. */
struct probe {
    bool answered, ready;
    double ms;  /* that it took, or has taken so far */
    int status; /* unless ready, once it has answered: the answer to whoever asks, and its body */
    char refusal[1024];
    bool knows_jobs;
    struct queue_depth jobs;
};

/* Asks it, and waits for half a second at most; not at all where it has kept somebody waiting for longer already. */
void probe_database(struct probe *out);

#endif
