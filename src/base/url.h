/* Hosts in URLs (RFC 3986): of databases, origins and this server. Where a request is made to, libcurl says
 * (http/fetch.c). */
#ifndef KANSO_BASE_URL_H
#define KANSO_BASE_URL_H

#include "base/arena.h"

#include <stdbool.h>

struct url_host {
    const char *name; /* or address; one of IPv6 without brackets, with its zone if it has one: fe80::1%eth0 */
    unsigned port;    /* 0: the URL says none */
};

/* Reads the host of scheme://[user[:password]@]host[:port][/...], whatever the scheme. False, and `out` is untouched,
 * for any other text, and for one whose port is empty, 0 or above 65535. */
bool url_host(struct arena *a, const char *url, struct url_host *out);

/* To be shown: asterisks in the place of a password. Any other text as it is. */
const char *url_without_password(struct arena *a, const char *url);

#endif
