/* Pairs of names and values from query strings and form bodies. */
#ifndef KANSO_HTTP_FORM_H
#define KANSO_HTTP_FORM_H

#include "http/context.h"

/* Reads application/x-www-form-urlencoded text (a query string, a body) into c->req.query. */
void form_read(struct ctx *c, const char *text, size_t len);

/* Reads multipart/form-data (RFC 7578): fields only, files are passed over. Malformed parts end the reading. */
void form_read_multipart(struct ctx *c, const char *content_type, const char *body, size_t len);

#endif
