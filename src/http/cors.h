/* Cross-origin requests and secure headers (docs/contract/server.md#secure-headers, #other-origins). */
#ifndef KANSO_HTTP_CORS_H
#define KANSO_HTTP_CORS_H

#include "http/context.h"

/* Answers a preflight request; false when it is none. */
bool cors_preflight(struct ctx *c);

/* Adds the headers for a request with an Origin. */
void cors_answer(struct ctx *c);

/* Whether a browser asks for this on behalf of a page of another origin that is not allowed to. Allowed are the origins
 * that ZENML_SERVER_CORS_ALLOW_ORIGINS names (`*` names none: it is for pages without credentials), those of the
 * server's and dashboard's URL, and the host that the request itself names, whatever the scheme, which a proxy may
 * change. What no browser sent says nothing of an origin and is not foreign. */
bool cors_foreign(const struct ctx *c);

/* The header lines that go with every answer, as configured; NULL and *problem when a value is malformed. */
const char *secure_headers(struct arena *a, const char **problem);

/* The same lines for what clients may keep and ask for again; what the configuration says of caching holds for that
 * too. */
const char *secure_headers_kept(struct arena *a, const char *lines);

#endif
