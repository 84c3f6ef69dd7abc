/* The address a request comes from, as far as it can be trusted. */
#ifndef KANSO_AUTH_CLIENT_H
#define KANSO_AUTH_CLIENT_H

#include "http/context.h"

/*
 * nginx tells in REMOTE_ADDR who connected to it; it speaks to the workers over a private socket, so that is never
 * made up. When that peer is one of KANSO_TRUSTED_PROXIES, X-Forwarded-For is read from its end: the first address in
 * it that is no trusted proxy is the client. From any other peer the header counts for nothing. "127.0.0.1" when
 * nothing is known.
 */
const char *client_address(struct ctx *c);

#endif
