/*
 * Calls on providers: with a time limit for each and one for all calls of a request, no redirects, the egress rule
 * (base/egress.h), and error texts in which no credentials appear.
 */
#ifndef KANSO_CONNECTOR_CALL_H
#define KANSO_CONNECTOR_CALL_H

#include "connector/connection.h"
#include "http/fetch.h"
#include "json/model.h"

struct call {
    const char *method, *url;
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const char *body;           /* of a POST */
    const struct fetch_tls *tls;
    bool nearby; /* to a service of the machine itself: no proxy comes between, and who does not answer at once is not
                    there */
};

/* The URL under which a provider's host is called, without a slash at its end: https://HOST, or what
 * KANSO_CONNECTOR_ENDPOINTS has for it. */
const char *call_base(struct arena *a, const char *host);

/* The URL under which the one of a service is called: KANSO_CONNECTOR_ENDPOINTS may have another place for its host.
 * One with a port stays as it is. */
const char *call_url(struct arena *a, const char *url);

/* The answer, whatever its status. */
struct fetched call_send(const struct connection *con, const struct call *c);

/* NULL when the answer is there and its status 2xx; else what is wrong, in words: the failure or the status, and what
 * the provider says about it, without secrets of the connection; and that the clocks differ, where they do: providers
 * refuse what seems to come from another time with words that do not say so. */
const char *call_problem(const struct connection *con, const struct fetched *f);

/* Reads an answer, a JSON object. Returns NULL or a problem; *out is NULL then. */
const char *call_read(const struct connection *con, const struct fetched *f, struct json_object **out);

/* Sends the call and reads the answer. */
const char *call_json(const struct connection *con, const struct call *c, struct json_object **out);

/* "Authorization: Bearer TOKEN" as a list of headers; with `more` (NULL: none) as the second. */
const char *const *call_bearer(struct arena *a, const char *token, const char *more);

/* The text of the first element of that name at or behind *at, which moves behind it; NULL when there is none. For
 * answers whose names and nesting are known: elements without attributes, entities of XML decoded. */
const char *xml_next(struct arena *a, const char **at, const char *name);

/* The text of the first element of that name; NULL when there is none. */
const char *xml_first(struct arena *a, const char *xml, const char *name);

/* The bytes of base64 in either alphabet, with or without padding and line breaks, as text; NULL when it is none. */
const char *base64_any(struct arena *a, const char *s);

#endif
