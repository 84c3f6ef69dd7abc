/* Cross-origin requests and secure headers (contract/server.md sections 3 and 4). */
#ifndef KANSO_HTTP_CORS_H
#define KANSO_HTTP_CORS_H

#include "http/context.h"

/* Answers a preflight request; false when it is none. */
bool cors_preflight(struct ctx *c);

/* Adds the headers for a request with an Origin. */
void cors_answer(struct ctx *c);

/* The header lines that go with every answer, as configured; NULL and *problem when a value is malformed. */
const char *secure_headers(struct arena *a, const char **problem);

#endif
