/* Pairs of names and values from query strings and form bodies. */
#ifndef KANSO_HTTP_FORM_H
#define KANSO_HTTP_FORM_H

#include "http/context.h"

enum { FORM_MAX_PAIRS = 1000 };

/* Why pairs are refused. FORM_NO_TEXT: a name or value is not UTF-8, or holds NUL. */
enum form_fault { FORM_GOOD, FORM_TOO_MANY, FORM_NO_TEXT };

/* Reads application/x-www-form-urlencoded text (a query string, a body) into c->req.query. */
enum form_fault form_read(struct ctx *c, const char *text, size_t len);

/* Reads multipart/form-data (RFC 7578): fields only, files are passed over. Malformed parts end the reading. */
enum form_fault form_read_multipart(struct ctx *c, const char *content_type, const char *body, size_t len);

/* Composes the refusal of pairs from `where` ("query", "form"); `too_many` is the status for FORM_TOO_MANY. Always
 * returns FAILED. */
int form_refuse(struct ctx *c, const char *where, int too_many, enum form_fault fault);

#endif
