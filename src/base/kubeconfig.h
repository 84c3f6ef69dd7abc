/*
 * kubeconfig documents: how to reach the cluster of the current context, and as whom. Programs that get credentials
 * (exec, auth-provider) are not run.
 */
#ifndef KANSO_BASE_KUBECONFIG_H
#define KANSO_BASE_KUBECONFIG_H

#include "base/arena.h"

#include <stdbool.h>

enum { KUBECONFIG_MOST = 1024 * 1024 }; /* bytes of one, and of each file that it names */

/* Texts of the arena; NULL where the document has none. */
struct kubeconfig {
    const char *cluster;                         /* its name in the document */
    const char *server;                          /* URL; always there */
    const char *space;                           /* the namespace of the context */
    const char *token;                           /* there is one, or a certificate */
    const char *authorities, *certificate, *key; /* PEM */
    bool insecure;                               /* whoever answers is believed */
};

/* Reads a document. Files that it names are read when it lies at `path` itself, relative to that; NULL: it has come
 * from elsewhere, and a document that needs a file of this machine is refused. Returns NULL, or what is wrong in a
 * sentence without its period. */
const char *kubeconfig_read(struct arena *a, const char *text, const char *path, struct kubeconfig *out);

#endif
