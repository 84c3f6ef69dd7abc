/*
 * Requests to other servers: a thin layer over libcurl, which a process loads when it makes the first one: most never
 * do. Where it cannot be loaded, every request fails and says so. A process keeps one handle and with it the
 * connections, which are used again. Redirects go to http and https only; certificates are checked against the system's
 * store, to which SSL_CERT_FILE adds, unless `tls` says otherwise.
 */
#ifndef KANSO_HTTP_FETCH_H
#define KANSO_HTTP_FETCH_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a server is to be known, and how this client proves who it is: PEM texts, NULL where there is none. */
struct fetch_tls {
    const char *authorities; /* instead of the system's store */
    const char *certificate, *key;
    bool insecure; /* whoever answers is believed */
};

struct fetch {
    const char *method; /* GET, HEAD, POST, PUT, PATCH or DELETE */
    const char *url;
    const char *socket;         /* path of a Unix socket that is talked to instead of the URL's host; NULL: none */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const char *body;           /* of a POST, PUT or PATCH; NULL: empty */
    size_t body_len;            /* 0: `body` ends with its NUL */
    long timeout_ms;            /* for connecting, and again for the whole */
    long connect_ms;            /* for connecting, where that is to be shorter; 0: timeout_ms */
    long stall_s;               /* ends when for so many seconds less than a kilobyte a second has come; 0: never */
    bool redirects;             /* are followed */
    bool direct;                /* whatever proxy the environment names */
    bool guarded;               /* a user has chosen the URL: KANSO_EGRESS holds for each address that is called */
    const struct fetch_tls *tls;
    /* Takes the body of an answer with a status below 300 piece by piece, instead of `fetched.body`; false ends the
     * request, which is then broken. NULL: the body is kept. */
    bool (*sink)(void *to, const char *data, size_t len);
    void *sink_to;
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
    bool connected;      /* there was a connection, whatever came of it */
    const char *headers; /* lines of the last answer, each with its line break; at most 64 KiB */
};

struct fetched fetch(struct arena *a, const struct fetch *f);

/* The value of a header of the answer, copied to `a`; NULL when there is none. */
const char *fetched_header(struct arena *a, const struct fetched *f, const char *name);

/* When the server says that it answered, in seconds since 1970; 0 when it does not. */
int64_t fetched_date(struct arena *a, const struct fetched *f);

/* Appends "name=value" percent-encoded to `text`, behind an & unless `text` is empty or ends with ?. */
char *query_append(struct arena *a, const char *text, const char *name, const char *value);

#endif
