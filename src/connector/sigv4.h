/*
 * Signatures of requests to AWS (Signature Version 4). libcurl signs headers only; the tokens of EKS clusters are URLs
 * with the signature in their query, so both forms are made here.
 */
#ifndef KANSO_CONNECTOR_SIGV4_H
#define KANSO_CONNECTOR_SIGV4_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

struct sigv4_key {
    const char *id, *secret;
    const char *session; /* token of temporary credentials; NULL: none */
    const char *region, *service;
};

struct sigv4_request {
    const char *method, *host;
    const char *path;           /* absolute, percent-encoded */
    const char *query;          /* name=value pairs, percent-encoded, sorted by name; "" for none */
    const char *const *headers; /* "name: value", signed as well: names in lower case, sorted; NULL-terminated */
    const char *body;           /* NULL: empty */
    int64_t now;                /* seconds since 1970 */
};

/* The headers to send with the request: those given, and those of the signature. NULL-terminated. */
const char *const *sigv4_headers(struct arena *a, const struct sigv4_key *key, const struct sigv4_request *r);

/* The https URL of the request, signed for that many seconds. Its headers must be sent with it. */
const char *sigv4_url(struct arena *a, const struct sigv4_key *key, const struct sigv4_request *r, int64_t seconds);

#endif
