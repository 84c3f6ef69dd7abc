/* What the files of several providers need: settings of a connection, names, lists in answers, forms. */
#ifndef KANSO_CONNECTOR_PROVIDER_H
#define KANSO_CONNECTOR_PROVIDER_H

#include "connector/call.h"

/* The header of a form's body. */
#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded"

enum { PAGES_MAX = 50 /* of a list, whatever the provider says */ };

/* A text of the configuration; NULL when it is not given, or empty. */
const char *setting(const struct connection *con, const char *name);

/* Whether that is the kind of resources (NULL: none). */
bool is_resource(const struct connector_resource *r, const char *name);

/* How many characters from `s` on are lower-case letters, digits, with `upper` also upper-case letters, or in `more`.
 */
size_t span_name(const char *s, bool upper, const char *more);

/* The text behind the first of the prefixes (NULL-terminated) that it begins with; the whole without one. */
const char *behind(const char *text, const char *const *prefixes);

/* Adds a member to a configuration, unless the value is NULL. */
void set_text(struct json_object *o, const char *name, const char *value);

/* A member that is a list; an empty one when it is none, or not there. Of the arena. */
struct json_object *member_list(struct arena *a, struct json_object *o, const char *name);

/* Adds a pair to the text of a form, unless the value is NULL. */
const char *form_add(struct arena *a, const char *form, const char *name, const char *value);

/* Asks a server of OAuth 2.0 for an access token. *expires_at: when it ends, 0 when the server does not say; may be
 * NULL. Returns NULL or a problem. */
const char *ask_token(const struct connection *con, const struct call *c, const char **token, int64_t *expires_at);

#endif
