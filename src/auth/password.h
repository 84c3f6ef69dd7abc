/* Passwords and keys: bcrypt with cost 12, ident $2b$, through libxcrypt (docs/contract/auth.md#passwords). */
#ifndef KANSO_AUTH_PASSWORD_H
#define KANSO_AUTH_PASSWORD_H

#include "base/arena.h"

#include <json-c/json.h>
#include <stdbool.h>

/* The hash of a secret (of its first 72 bytes). Ends the process when libxcrypt has no bcrypt. */
char *password_hash(struct arena *a, const char *secret);

/* Whether a secret fits a hash ($2a$, $2b$ or $2y$). A NULL hash takes as long as a real one and fits nothing. */
bool password_matches(const char *secret, const char *hash);

/* The same for secrets that come with every request: a pair that fitted lately is known again without bcrypt, by a
 * keyed digest in this process's memory. A changed hash is another pair. */
bool password_matches_cached(const char *secret, const char *hash);

/* Whether password_matches_cached() would know a pair without bcrypt. */
bool password_is_cached(const char *secret, const char *hash);

/* What keeps a JSON string from being a password: a NUL byte, more than 4096 characters; else NULL. */
const char *password_problem(struct json_object *secret);

/* A fresh secret of so many random bytes, in hex. */
char *secret_token(struct arena *a, size_t bytes);

#endif
