/* Where a request comes from and what it is called, as far as that can be trusted. */
#ifndef KANSO_HTTP_CLIENT_H
#define KANSO_HTTP_CLIENT_H

#include "http/context.h"

/*
 * nginx tells in REMOTE_ADDR who connected to it; it speaks to the workers over a private socket, so that is never
 * made up. When that peer is one of KANSO_TRUSTED_PROXIES, X-Forwarded-For is read from its end: the first address in
 * it that is no trusted proxy is the client. From any other peer the header counts for nothing. "127.0.0.1" when
 * nothing is known.
 */
const char *client_address(struct ctx *c);

/*
 * The id that log lines, answer (X-Request-ID), transactions and the web server's log share for a request: 8 to 64
 * characters of A-Z a-z 0-9 . _ -, whoever made it up. nginx tells it in REQUEST_ID. Behind another web server it is
 * the X-Request-ID of a peer that is one of KANSO_TRUSTED_PROXIES; else it is made here. What is not of that form is
 * not believed.
 */
const char *request_id(struct ctx *c);

#endif
