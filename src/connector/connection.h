/*
 * A connector at work: its configuration checked against its type, and the provider asked what it opens
 * (docs/contract/connectors.md#verification).
 *
 * Problems are sentences: of the request or configuration (the callers answer ValueError), or the provider's refusal
 * (AuthorizationException, or an `error` of a verification).
 */
#ifndef KANSO_CONNECTOR_CONNECTION_H
#define KANSO_CONNECTOR_CONNECTION_H

#include "connector/types.h"

struct connection {
    struct arena *mem;
    const struct connector_type *type;
    const char *name; /* NULL: not stored */
    const char *auth_method;
    struct json_object *resource_types; /* list of texts; exactly one: the connector is bound to it */
    const char *resource_id;            /* NULL: any */
    struct json_object *config;         /* all attributes, secrets among them */
    int64_t expiration;                 /* seconds, -1: not given */
    int64_t expires_at;                 /* unix seconds, 0: never */
    int64_t skew;                       /* seconds before expires_at from which it counts as expired; -1: the default */

    /* found out by connection_open() */
    const struct connector_method *method;
    const struct connector_resource *resource; /* NULL: of several kinds */
};

/* Checks what the caller has filled in. Returns NULL, or what is wrong with it. */
const char *connection_open(struct connection *con);

/* What became of one kind of resource. */
struct access {
    const struct connector_resource *resource;
    const char *const *ids; /* NULL: not known */
    size_t count;
    const char *error;
};

struct verification {
    struct access access[8];
    size_t count;
    const char *error;
};

/* Tries the connection on a kind of resource (NULL: all that it may reach) and an id (NULL: any); without `list`, only
 * the credentials themselves unless an id is given. Returns NULL, or what is wrong with the request. */
const char *connection_verify(struct connection *con, const char *resource_type, const char *resource_id, bool list,
                              struct verification *out);

/* The one resource that a client of this connection would work on, verified. Returns NULL, or a problem; *refused then
 * tells whether it is the provider's. */
const char *connection_client(struct connection *con, const char *resource_type, const char *resource_id,
                              struct access *out, bool *refused);

/* Members `resources` and `error` of a verification's object. */
void verification_write(struct jw *w, const struct verification *v);

#endif
