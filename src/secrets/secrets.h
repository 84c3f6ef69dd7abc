/*
 * The secrets store in SQL: what the `values` column of a secret holds (docs/contract/resources.md#secrets).
 *
 * With a `key` (ZENML_SECRETS_STORE_ENCRYPTION_KEY): base64(nonce || tag || ciphertext) of AES-256-GCM, whose key is
 * the SHA-256 of that text. Without (NULL): base64 of the plain text. The plain text is a JSON object of texts.
 */
#ifndef KANSO_SECRETS_SECRETS_H
#define KANSO_SECRETS_SECRETS_H

#include "base/arena.h"

#include <json-c/json.h>
#include <stdbool.h>

/* Most characters of a stored form: what its column takes. */
enum { SECRET_STORED_MAX = 65535 };

/* The values behind a stored form: an object of texts, owned by the arena. NULL when it cannot be decoded: damaged, or
 * stored with another key. */
struct json_object *secret_values(struct arena *a, const char *key, const char *stored, size_t len);

/* Whether that is an object of texts, as values are; not NULL. */
bool secret_only_texts(struct json_object *values);

/* The form in which an object of texts is stored; a fresh nonce each time. Ends the process when OpenSSL fails. */
char *secret_store(struct arena *a, const char *key, struct json_object *values);

#endif
