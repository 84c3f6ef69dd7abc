/*
 * JSON Web Tokens of this server (RFC 7519; docs/contract/auth.md#tokens): signed by HMAC with the configured algorithm
 * and no other (RFC 7518 section 3.2).
 *
 * libjwt signs and verifies. It trusts the header's algorithm, takes a token without a key for good, and looks at no
 * claim, so this file checks form, header and algorithm before it and every claim after it.
 */
#ifndef KANSO_AUTH_TOKEN_H
#define KANSO_AUTH_TOKEN_H

#include "http/context.h"

#include <stdint.h>

struct token {
    const char *subject;                                            /* hex id of a user or service account */
    const char *device_id, *api_key_id, *pipeline_id, *schedule_id; /* hex, or NULL */
    const char *session; /* hex id of the session it was given with (jti), or NULL */
    int64_t expires;     /* unix seconds, 0 = never */
    struct json_object
        *claims; /* all of them, after decoding; when encoding, those to keep besides the ones above, or NULL */
};

/* Makes the signing key of a server that has none configured, from the one in its database and the password to that
 * database: hosts that share the database share the key, and a copy of the tables alone cannot sign. */
void token_derive_key(struct arena *a, const char *stored, const char *password);

/* Signs a token. NULL when the server has no signing key. `server_id` is the default issuer and audience. */
const char *token_encode(struct arena *a, const struct token *t, const char *server_id);

/* Checks form, algorithm, signature, times, issuer, audience and ids, in this order. Returns NULL, or what is wrong
 * with it in the words that clients of the reference see. */
const char *token_decode(struct arena *a, const char *text, const char *server_id, struct token *out);

#endif
