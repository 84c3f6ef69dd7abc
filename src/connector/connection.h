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
    struct json_object *config;         /* all attributes, secrets among them; complete after connection_open() */
    int64_t expiration;                 /* seconds, -1: not given */
    int64_t expires_at;                 /* unix seconds, 0: never */
    int64_t skew;                       /* seconds before expires_at from which it counts as expired; -1: the default */

    double deadline; /* monotonic_ms() until when the provider may take its time; 0: only each call is limited */
    const char *id;  /* of the stored connector, dashed; NULL: not stored */

    /* The administrator has configured it, and no user: implicit methods are allowed, and the egress rule does not
     * hold. */
    bool own;

    /* What the provider's file remembers from call to call, such as a session. */
    void *state;

    /* found out by connection_open() */
    const struct connector_method *method;
    const struct connector_resource *resource; /* NULL: of several kinds */
};

/* Checks what the caller has filled in. Returns NULL, or what is wrong with it. */
const char *connection_open(struct connection *con);

/* Whether the connection is still good, and may be used for the resource, by what it is configured to; the provider is
 * not asked. *resource_id becomes the canonical one. Returns NULL, or a problem. */
const char *connection_admits(struct connection *con, const char *resource_type, const char **resource_id);

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

/* What a client may have to work on the one resource that is asked for: `out` is open, verified and bound to it, with
 * temporary credentials where the provider has such. Returns NULL, or a problem; *refused then tells whether it is the
 * provider's. */
const char *connection_client(struct connection *con, const char *resource_type, const char *resource_id,
                              struct connection *out, bool *refused);

/* For the `client` functions of providers: makes of the copy `out` another connection, whose own state is empty. */
void connection_renew(struct connection *out, const struct connector_type *type, const char *auth_method,
                      struct json_object *configuration, int64_t expires_at);

/* Whether the implicit methods are allowed here: NULL, or why not. */
const char *connection_implicit(const struct connection *con);

/* The present time plus seconds, as expires_at takes it. */
int64_t seconds_from_now(int64_t seconds);

/* Members `resources` and `error` of a verification's object. */
void verification_write(struct jw *w, const struct verification *v);

#endif
