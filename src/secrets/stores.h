/*
 * The values of secrets, wherever they are: in the configured store (ZENML_SECRETS_STORE_*), which is the column
 * `values` of the row (type sql) or a service outside of the database (aws, gcp, azure, hashicorp), and in a backup
 * store beside it (ZENML_BACKUP_SECRETS_STORE_*). Whoever reads or writes values comes through here.
 *
 * Writing goes to both stores, and is good when one of them took it; reading falls back to the backup store
 * (docs/contract/secrets-stores.md#two-stores). Each operation on a store has STORE_MS; a store that has not answered
 * is not asked again for the same request. Problems are sentences in which no secret appears.
 */
#ifndef KANSO_SECRETS_STORES_H
#define KANSO_SECRETS_STORES_H

#include "base/arena.h"
#include "json/scan.h"

#include <json-c/json.h>
#include <stdbool.h>

enum { STORE_MS = 8000 };

enum secret_outcome {
    SECRET_OK,
    SECRET_MISSING, /* the store has no such values of this server, or cannot decode them */
    SECRET_FAILED,  /* it did not answer, or refused */
    SECRET_NO_STORE /* ZENML_SECRETS_STORE_TYPE is none */
};

enum which_store { STORE_PRIMARY, STORE_BACKUP };

/* What a request, or a command, has had to do with the stores: one for all of it. */
struct secrets {
    struct arena *mem;
    const char *server; /* the id of this server, hex: secrets in shared stores are marked with it */
    bool silent[2];     /* the store has not answered */
    const char *problem;
};

/* Behind config_load(): chooses the stores. Returns NULL, or what is wrong with which variable. */
const char *secrets_configure(struct arena *a);

/* Whether there is such a store; whether one of them is outside of the database; whether the store is the column. */
bool secrets_has(enum which_store which);
bool secrets_outside(void);
bool secrets_in_column(enum which_store which);

/* What the column `values` is to hold for these values; NULL when neither store is the column. */
const char *secrets_column(struct arena *a, struct json_object *values);

/* Reads the values: an object of texts. `column` is what the row's column holds, its text NULL for NULL. `*restore` is
 * set when the primary store lacked them and the backup store had them: the reference then writes them to the primary
 * one, which has been done here unless that is the column. */
enum secret_outcome secrets_get(struct secrets *s, const char *id, struct span column, struct json_object **values,
                                bool *restore);

/* Writes values to the stores outside of the database; `fresh`: for a new secret. */
enum secret_outcome secrets_put(struct secrets *s, const char *id, struct json_object *values, bool fresh);

/* Removes them there; it is no problem when there are none. */
enum secret_outcome secrets_remove(struct secrets *s, const char *id);

/* The same with one store. Writing to the column and clearing it is up to the caller. */
enum secret_outcome secrets_get_from(struct secrets *s, enum which_store which, const char *id, struct span column,
                                     struct json_object **values);
enum secret_outcome secrets_put_to(struct secrets *s, enum which_store which, const char *id,
                                   struct json_object *values, bool fresh);
enum secret_outcome secrets_remove_from(struct secrets *s, enum which_store which, const char *id);

#endif
