/*
 * Files of artifact stores: of local ones, which lie in the server's own file system, and of buckets of S3, Google
 * Cloud Storage and Azure.
 *
 * A local file is read only when it is inside the store's root once every symbolic link has been followed, the root in
 * one of the directories where stores may lie, and never when it is one of the server's own ($KANSO_HOME) or the
 * kernel's (/proc, /sys, /dev). An object is read only when its name begins with the store's path.
 *
 * The functions return OK, or FAILED with the answer composed: 404 DoesNotExistException for what is not there or not
 * inside; 501 NotImplementedError for stores that this server cannot open (custom flavors, buckets without credentials
 * or out of reach); 500 RuntimeError where the store refuses. RETRY as sql().
 */
#ifndef KANSO_ARTIFACT_STORE_H
#define KANSO_ARTIFACT_STORE_H

#include "http/context.h"
#include "json/scan.h"

enum { STORE_READ_MAX = 64 * 1024 * 1024 }; /* bytes read for one answer */

struct store {
    const char *name;
    struct bucket *bucket; /* NULL: a local store */
    const char *root;      /* of a local store: absolute, without symbolic links */
    int fd;                /* the root, open until the request has been answered */
};

/* The directories (a:b) where local stores may lie: KANSO_STORE_ROOTS, else where clients keep theirs. */
const char *store_roots(struct arena *a);

/* Finds the artifact store that a component describes, and what opens it. `id` is hex; NULL when the component has been
 * deleted. */
int store_find(struct ctx *c, const char *id, struct store *s);

/* Reads a whole file, at most STORE_READ_MAX bytes long (400 ValueError beyond). The bytes live in the arena. */
int store_read(struct ctx *c, const struct store *s, const char *uri, struct span *out);

/* Reads a part of a file, or of the files of a directory, one behind the other in the order of their names: `length`
 * bytes (all when negative, and never more than STORE_READ_MAX) from `offset`, which counts from the end when
 * negative. */
int store_read_part(struct ctx *c, const struct store *s, const char *uri, int64_t offset, int64_t length,
                    struct span *out);

/* The bytes as UTF-8: what is none becomes U+FFFD. */
struct span store_text(struct arena *a, struct span bytes);

/* Answers that local stores and buckets share; each returns FAILED. What is not there and what is there and none of the
 * store's have one: nobody learns from it what else there is. */
int store_lacks(struct ctx *c, const struct store *s, const char *uri);
int store_is_empty(struct ctx *c, const struct store *s, const char *uri);
int store_too_large(struct ctx *c, const char *uri, int64_t size);

#endif
