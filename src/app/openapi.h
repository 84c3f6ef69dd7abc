/*
 * The OpenAPI document, made from the route tables, the resources' descriptors and the documents that bodies are
 * checked against. Components bear the names that clients of ZenML know.
 *
 * What an answer holds is said in a short notation (struct column.schema, struct route.response) where the descriptor
 * does not show it:
 *
 *   string, uuid, time, duration, int, number, bool, object, any, password, or the name of a component
 *   [T]        list of T
 *   {T}        object whose members are T
 *   A|B        either
 *   <N         behind string: at most N characters
 *   ?          may be null, and need not be there
 *   !          behind ?: must be there all the same
 *   ~          need not be there
 *   =JSON      likewise, with that default
 *
 * A column's notation may leave out what stands before these marks: "?" is the type that the column has, or null.
 */
#ifndef KANSO_APP_OPENAPI_H
#define KANSO_APP_OPENAPI_H

#include "http/context.h"

/* The document as JSON text, of this configuration; made once per process, which keeps it. */
const char *openapi_text(size_t *len);

/* One sentence on what a route does: its own (.about), or made of its operation and its resource; NULL when there is
 * neither. */
const char *openapi_about(struct arena *mem, const struct route *r);

/* The first word in a text of the notation above that is neither a type nor a component; NULL when all are. Valid until
 * the next call. */
const char *openapi_unknown(const char *notation);

/* GET /openapi.json */
int openapi_get(struct ctx *c);

#endif
