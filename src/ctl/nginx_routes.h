/* nginx's side of the route tables: which path goes to which worker, and what nginx minds on the way there. */
#ifndef KANSO_CTL_NGINX_ROUTES_H
#define KANSO_CTL_NGINX_ROUTES_H

#include "base/buf.h"
#include "ctl/plan.h"

struct nginx_routes {
    const struct plan *plan;
    const char *home;     /* sockets are in its run/ */
    const char *gate;     /* directives for public routes that write, "" for none */
    size_t public_body;   /* PUBLIC_MAX_BODY, or less when no body may be that large */
    size_t delivery_body; /* webhook_max_body() */
    const char *root;     /* regular expression for what may come before a path, or "" */
};

/* Appends `path`, a template or plain text, as part of a regular expression. */
void nginx_expression(struct buf *out, const char *path);

/* Appends a location for every path, once more below /.upload for requests whose caller has to be known (location
 * /.caller) before the body is read: a regular expression over the path templates for each worker and each treatment,
 * and one worker, the one that serves most, gets all that is left under /api, so that it can say 404 and 405. */
void nginx_locations(const struct nginx_routes *routes, struct arena *a, struct buf *out);

/* The name of the socket whose worker serves a path, or NULL. */
const char *nginx_socket_of(const struct plan *plan, const char *path);

/* Appends lines of a map on $uri to 1: a regular expression, with `root` before it, for every path that is public with
 * all of its methods, or for every one that takes deliveries of webhooks. */
void nginx_public_paths(const struct plan *plan, const char *root, bool deliveries, struct buf *out);

#endif
