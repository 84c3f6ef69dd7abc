/*
 * A secrets store outside of the database, for the files of this room: one that is configured, and what each kind of
 * store does. How names, labels and values lie there stands in docs/contract/secrets-stores.md#layout.
 */
#ifndef KANSO_SECRETS_VALUES_H
#define KANSO_SECRETS_VALUES_H

#include "base/config.h"
#include "connector/connection.h"
#include "http/fetch.h"
#include "secrets/stores.h"

struct secrets_store {
    const char *title;  /* "secrets store" or "backup secrets store" */
    const char *prefix; /* of its variables */
    const struct secrets_config *settings;
    const struct values_kind *kind;  /* NULL: not outside of the database */
    struct json_object *auth_config; /* of the connection; kinds without one: NULL */
    const char *auth_method;

    /* The connection after signing in, for as long as that is good: in memory of its own, beyond requests. */
    struct arena arena;
    struct connection con;
    const char *token; /* NULL: the kind has no use for one */
    int64_t expires_at;
    bool open;
    bool prepared; /* for the kind: what is done once per process has been done */
};

/* One operation on a store. */
struct values_op {
    struct secrets_store *store;
    struct connection con; /* the store's, with the memory of the request and the time of this operation */
    const char *server;    /* this server's id, dashed */
    const char *id;        /* of the secret, dashed */
    const char *problem;   /* why the outcome is not SECRET_OK */
    bool unreachable;      /* there was no answer */
    bool unauthorized;     /* signing in anew may help */
};

struct values_kind {
    const char *name;
    const struct connector_type *type; /* how one signs in; NULL: otherwise */
    const char *needs; /* an attribute that the connector could do without, but not the store; or NULL */
    /* Fills auth_method and auth_config. Returns NULL, or what is wrong with which variable. */
    const char *(*configure)(struct arena *a, struct secrets_store *s);
    /* Signs in with s->con, which is open when the kind has a type. Returns NULL or a problem. */
    const char *(*sign_in)(struct secrets_store *s);
    enum secret_outcome (*get)(struct values_op *op, struct json_object **values);
    /* Writes, whether there are values already or not; `fresh`: there are none, as far as is known. */
    enum secret_outcome (*put)(struct values_op *op, struct json_object *values, bool fresh);
    enum secret_outcome (*remove)(struct values_op *op);
};

extern const struct values_kind values_aws, values_gcp, values_azure, values_hashicorp;

/* The sentence that a variable of the store is not set. */
const char *values_lacks(struct arena *a, const struct secrets_store *s, const char *variable);

/* The outcome of a call: SECRET_MISSING for the status 404. */
enum secret_outcome values_outcome(struct values_op *op, const struct fetched *f);

/* What marks a secret as this server's: an object of two texts, owned by the arena. */
struct json_object *values_labels(struct values_op *op);

/* Whether the labels (an object of texts, or NULL) are those of this secret; SECRET_MISSING when it is another server's
 * or another secret. */
enum secret_outcome values_verify(struct values_op *op, struct json_object *labels);

/* The values in a JSON text; SECRET_FAILED when it is none, or no object of texts. */
enum secret_outcome values_parse(struct values_op *op, const char *text, struct json_object **values);

/* An object of `count` members: texts, or objects that it then shares. */
struct values_member {
    const char *name, *text;
    struct json_object *object;
};
const char *values_body(struct arena *a, const struct values_member *members, size_t count);
#define VALUES_BODY(a, ...)                                                                                            \
    values_body(a, (struct values_member[]){__VA_ARGS__},                                                              \
                sizeof((struct values_member[]){__VA_ARGS__}) / sizeof(struct values_member))

#endif
