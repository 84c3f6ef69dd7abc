/*
 * Requests to other servers: a thin layer over libcurl. A process keeps one handle and with it the connections, which
 * are used again. Redirects go to http and https only; certificates are always checked against the system's store, to
 * which SSL_CERT_FILE adds.
 */
#ifndef KANSO_HTTP_FETCH_H
#define KANSO_HTTP_FETCH_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct fetch {
    const char *method; /* GET or POST */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const char *body;           /* of a POST */
    long timeout_ms;            /* for connecting, and again for the whole */
    bool redirects;             /* are followed */
};

/* Why there is no answer. FETCH_UNSENT: the request has not reached the server, so it may be sent again. FETCH_TIMEOUT:
 * the time is up. */
enum fetch_failure { FETCH_OK, FETCH_UNSENT, FETCH_FAILED, FETCH_TIMEOUT };

struct fetched {
    enum fetch_failure failure;
    const char *error; /* with a failure: what libcurl says */
    long status;
    const char *body; /* NUL-terminated, of the arena; larger than 8 MiB counts as broken */
    size_t len;
};

struct fetched fetch(struct arena *a, const struct fetch *f);

/* Appends "name=value" percent-encoded to `text`, behind an & unless `text` is empty or ends with ?. */
char *query_append(struct arena *a, const char *text, const char *name, const char *value);

#endif
