/* Pairs of names and values from query strings and form bodies. */
#ifndef KANSO_HTTP_FORM_H
#define KANSO_HTTP_FORM_H

#include "http/context.h"

enum { FORM_MAX_PAIRS = 1000 };

/* Reads application/x-www-form-urlencoded text (a query string, a body) into c->req.query; false when there are more
 * than FORM_MAX_PAIRS. */
bool form_read(struct ctx *c, const char *text, size_t len);

/* Reads multipart/form-data (RFC 7578): fields only, files are passed over. Malformed parts end the reading; false
 * when there are more parts than FORM_MAX_PAIRS. */
bool form_read_multipart(struct ctx *c, const char *content_type, const char *body, size_t len);

#endif
