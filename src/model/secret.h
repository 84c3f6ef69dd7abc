/* Secrets: named sets of values, one name per workspace, or workspace and user (docs/contract/resources.md#secrets). */
#ifndef KANSO_MODEL_SECRET_H
#define KANSO_MODEL_SECRET_H

#include "model/model.h"
#include "secrets/stores.h"

extern const struct model SECRET_UPDATE_QUERY, SECRET_BACKUP_QUERY, SECRET_RESTORE_QUERY;

/* Handlers. The answers of these three show the values. */
int secret_get(struct ctx *c);
int secret_create(struct ctx *c);
int secret_update(struct ctx *c);

/* PUT /secrets_operations/backup and /restore: all secrets from one store to the other (secret_backup.c). */
int secrets_backup(struct ctx *c);
int secrets_restore(struct ctx *c);

/*
 * Where values are kept outside of the database (secrets/stores.h), they are changed right before the COMMIT of the
 * row's change, as the last thing that can fail before it (resource/sql.h, sql_at_commit):
 *
 * - a request that is refused, fails or is rolled back leaves both as they were: a value that was written is taken away
 *   or replaced by the old one again, one that was removed is put back. A store that does not answer ends the request
 *   with 500 within STORE_MS for each store, and nothing is committed;
 * - a worker that is killed in between leaves, of a new secret, values under an id that no row has and nobody can ask
 *   for; of a change, the new values with the row as it was; of a deletion, a row whose values are missing (404), which
 *   deleting again removes. It never leaves a row of a new secret without its values;
 * - when the connection ends during COMMIT, nobody knows whether it took effect: values stay, or are put back, so that
 *   a row that is there has its own.
 *
 * The locks of such a transaction (the secret's row, its name, the rows that it refers to) are held meanwhile.
 */

/* The id of this server (hex), which marks its secrets in stores that others use, too. */
int secret_server(struct ctx *c, const char **id);

/* The answer for what became of an operation: OK, or FAILED with 404 KeyError, 500 or 501. */
int secret_refuse(struct ctx *c, enum secret_outcome outcome, const char *problem);

/* The values of a secret (id: hex), whose column `values` holds `column` (its text NULL for NULL), from whichever store
 * has them. NULL when they are missing or cannot be decoded; 500 when the store does not answer, 501 when there is
 * none.
 */
int secret_read(struct ctx *c, const char *id, struct span column, struct json_object **values);

/*
 * Secrets that belong to another object (a connector, an event source). These run inside the transaction that the
 * caller has begun and return OK, FAILED or RETRY. Ids are hex; `values` is an object of texts.
 */

/* Makes a secret of the workspace's scope; its id goes to `id`. 409 when the name is taken, 400 when it is too long. */
int secret_create_row(struct ctx *c, const char *name, const char *workspace, const char *user,
                      struct json_object *values, char id[33]);

/* Reads the values: NULL when there is no such secret, or they cannot be decoded. */
int secret_read_row(struct ctx *c, const char *id, struct json_object **values);

/* Replaces the values; 404 KeyError when there is no such secret any more. */
int secret_update_row(struct ctx *c, const char *id, struct json_object *values);

/* Deletes it; no matter when it is gone already. */
int secret_delete_row(struct ctx *c, const char *id);

/* Removes the values of a workspace's secrets from stores outside of the database; their rows go with the workspace's.
 * 403 when there are too many of them. */
int secrets_delete_within(struct ctx *c, const char *workspace);

#endif
