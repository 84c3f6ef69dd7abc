/* API keys of service accounts (docs/contract/auth.md#api-keys). */
#ifndef KANSO_ACCOUNT_API_KEY_H
#define KANSO_ACCOUNT_API_KEY_H

#include "model/model.h"

extern const struct resource resource_api_key;
extern const struct model API_KEY_ROTATION;

/* Handlers; the first path parameter is the service account's id, the second the key's name or id. */
int api_key_create(struct ctx *c);
int api_key_get(struct ctx *c);
int api_key_update(struct ctx *c);
int api_key_rotate(struct ctx *c);
int api_key_delete(struct ctx *c);

/* What a key opens: hex ids. */
struct api_key_login {
    const char *key, *account;
};

/* The id that a key as clients write it claims, as hex; NULL when it is no key. */
const char *api_key_id(struct arena *a, const char *text);

/* Checks a key as clients write it ("ZENKEY_..."); composes the 401 when it does not open. Otherwise begins the
 * transaction of the sign-in, and notes it with the key. */
int api_key_open(struct ctx *c, const char *text, struct api_key_login *out);

#endif
