/* Secrets: named sets of values, one name per workspace, or workspace and user (docs/contract/resources.md#secrets). */
#ifndef KANSO_MODEL_SECRET_H
#define KANSO_MODEL_SECRET_H

#include "model/model.h"

extern const struct model SECRET_UPDATE_QUERY, SECRET_BACKUP_QUERY, SECRET_RESTORE_QUERY;

/* Handlers. The answers of these three show the values. */
int secret_get(struct ctx *c);
int secret_create(struct ctx *c);
int secret_update(struct ctx *c);

/* PUT /secrets_operations/backup and /restore: there is no backup store. */
int secret_no_backup(struct ctx *c);

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

#endif
