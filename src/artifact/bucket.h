/*
 * Artifact stores in buckets of S3, Google Cloud Storage and Azure (there: containers). What is said in store.h of
 * reading holds.
 *
 * Objects are asked for by ranges, so that no more of them is fetched than is shown, for BUCKET_MS a request at most
 * and only while something comes, with no redirects and under the egress rule (base/egress.h). What a store says of an
 * error is not passed on, but for its status and code: its text may repeat what it was sent.
 */
#ifndef KANSO_ARTIFACT_BUCKET_H
#define KANSO_ARTIFACT_BUCKET_H

#include "artifact/pieces.h"
#include "artifact/store.h"
#include "connector/connection.h"
#include "http/fetch.h"

enum { BUCKET_MS = 30000 };

struct bucket_type;

/* A bucket, and what opens it. */
struct bucket {
    struct arena *mem;
    const struct bucket_type *type;
    const char *root;              /* the store's path without slashes at its end: scheme://NAME or scheme://NAME/... */
    const char *name;              /* of the bucket */
    struct json_object *config;    /* the component's; references to secrets have been replaced by what they mean */
    struct json_object *secret;    /* values of its authentication secret; NULL: it has none */
    struct connection *connection; /* its connector, which may reach the bucket; NULL: it has none */
    void *access;                  /* what the type's open() found out */
    struct fetch_tls tls;
    double deadline; /* monotonic_ms() */
};

/* A request on the store, without its Range. */
struct bucket_call {
    const char *url;
    const char *headers[16]; /* "Name: value", NULL-terminated */
};

/* What sets one provider apart. */
struct bucket_type {
    const char *flavor;
    const char *schemes[3]; /* with ://, NULL-terminated */
    const char *connector;  /* the kind of resource that a connector must open */

    /* Finds the credentials and where to call, from secret, connection and config, in this order. Returns NULL, or why
     * there are none. */
    const char *(*open)(struct bucket *b);

    /* Fills in the call for an object; `range` is the value of its Range header. */
    void (*object)(const struct bucket *b, const char *key, const char *range, struct bucket_call *call);

    /* Fills in the call for one page of the objects whose keys begin with `prefix` and have no slash behind it; `page`
     * is NULL for the first. */
    void (*list)(const struct bucket *b, const char *prefix, const char *page, struct bucket_call *call);

    /* Adds the objects of a page by their whole keys. Returns the next page, or NULL. */
    const char *(*listed)(const struct bucket *b, const char *body, size_t len, struct pieces *out);

    /* Whether the answer means that the call is to be made anew: filled in again, since the bucket has been told that
     * it is elsewhere. NULL: never. */
    bool (*elsewhere)(struct bucket *b, const struct fetched *answer);
};

extern const struct bucket_type bucket_s3, bucket_gcs, bucket_azure;

/* The type of a flavor's stores; NULL for other flavors. */
const struct bucket_type *bucket_type_find(const char *flavor);

/* Opens the bucket of a component by its configuration, the connector (hex id, or NULL) and the workspace (hex), whose
 * secrets it may refer to. */
int bucket_open(struct ctx *c, struct store *s, const struct bucket_type *type, struct json_object *configuration,
                const char *connector, const char *workspace);

int bucket_read(struct ctx *c, const struct store *s, const char *uri, struct span *out);
int bucket_read_part(struct ctx *c, const struct store *s, const char *uri, int64_t offset, int64_t length,
                     struct span *out);

/* For the types: opens a connection with a configuration of the store's own. Returns NULL, or what is wrong with it. */
const char *bucket_connect(const struct bucket *b, const struct connector_type *type, const char *method,
                           struct json_object *config, struct connection *con);

/* For the types: a setting, NULL when it is no text or an empty one; a key as a part of a path, its slashes kept or
 * escaped as well. */
const char *bucket_setting(struct json_object *of, const char *name);
const char *bucket_escape(struct arena *a, const char *key, bool slashes);

#endif
