/* Endpoint group: secrets */
#include "access/needs.h"
#include "app/app.h"
#include "model/model.h"
#include "model/secret.h"

static const struct route routes[] = {
    LIST("/api/v1/secrets", resource_secret, .flags = R_CREDENTIALS),
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/secrets", secret_create, &resource_secret, OP_CREATE,
     .flags = R_CREDENTIALS, .needs = NEEDS({&resource_secret, "create", NEED_TYPE, NULL}), WITHIN_WORKSPACE},
    {"GET", "/api/v1/secrets/{secret_id}", secret_get, &resource_secret, OP_GET, .flags = R_HYDRATE | R_CREDENTIALS,
     .needs = NEEDS({&resource_secret, "read", NEED_PATH, need_secret_values})},
    {"PUT", "/api/v1/secrets/{secret_id}", secret_update, &resource_secret, OP_UPDATE, .query = &SECRET_UPDATE_QUERY,
     .needs = NEEDS({&resource_secret, "update", NEED_PATH, NULL})},
    DELETE("/api/v1/secrets/{secret_id}", resource_secret),
    {"PUT", "/api/v1/secrets_operations/backup", secrets_backup, .query = &SECRET_BACKUP_QUERY,
     .needs = NEEDS({&resource_secret, "backup_restore", NEED_TYPE, NULL}),
     .about = "Copies all secrets to the backup store."},
    {"PUT", "/api/v1/secrets_operations/restore", secrets_restore, .query = &SECRET_RESTORE_QUERY,
     .needs = NEEDS({&resource_secret, "backup_restore", NEED_TYPE, NULL}),
     .about = "Brings all secrets back from the backup store."},
};

WORKER(secrets, routes)
