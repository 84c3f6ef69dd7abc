/*
 * How to reach a Kubernetes cluster: from within, by the service account of the pod that this runs in; from outside, by
 * a kubeconfig file. Read anew for each use, since tokens in files are replaced while they are valid.
 */
#ifndef KANSO_TEMPLATE_CLUSTER_H
#define KANSO_TEMPLATE_CLUSTER_H

#include "base/arena.h"
#include "http/fetch.h"

struct cluster {
    const char *server; /* URL without a slash at its end */
    const char *space;  /* the namespace that is configured, of the service account, or of the context; "default" */
    const char *token;  /* NULL: none */
    struct fetch_tls tls;
};

/* Fills *out from the settings and the environment. Returns NULL, or what is wrong in a sentence without its period. */
const char *cluster_find(struct arena *a, struct cluster *out);

#endif
