/*
 * Which endpoint groups share a worker, and how many processes it has: KANSO_WORKERS.
 *
 *   default            what suits two cores: logins apart, the rest in a few processes
 *   all                everything in two processes, but for `probes`
 *   each               one process for each group
 *   GROUPS:COUNT;...   a list of one's own; GROUPS is names with commas, `rest` all that are not named. `probes`, when
 * it is not named, has a process of its own
 */
#ifndef KANSO_CTL_PLAN_H
#define KANSO_CTL_PLAN_H

#include "base/arena.h"
#include "http/route.h"

struct plan_socket {
    const char *name; /* of the first group, or `all` or `rest` */
    unsigned count;   /* of processes */
    const struct group **groups;
    size_t group_count;
};

struct plan {
    struct plan_socket *sockets;
    size_t count;
};

/* Reads a plan over the given groups; each is in exactly one socket afterwards. Returns NULL, or what is wrong. */
const char *plan_read(struct arena *a, const char *text, const struct group *const *groups, size_t count,
                      struct plan *out);

/* The plan of KANSO_WORKERS over all groups. */
const char *plan_from_env(struct arena *a, struct plan *out);

#endif
