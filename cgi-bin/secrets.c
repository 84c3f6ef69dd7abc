/* Endpoint group: secrets */
#include "app/app.h"
#include "model/secret.h"

static const struct route routes[] = {
    LIST("/api/v1/secrets", resource_secret),
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/secrets", secret_create, &resource_secret, OP_CREATE},
    {"GET", "/api/v1/secrets/{secret_id}", secret_get, &resource_secret, OP_GET, .flags = R_HYDRATE},
    {"PUT", "/api/v1/secrets/{secret_id}", secret_update, &resource_secret, OP_UPDATE, .query = &SECRET_UPDATE_QUERY},
    DELETE("/api/v1/secrets/{secret_id}", resource_secret),
    {"PUT", "/api/v1/secrets_operations/backup", secret_no_backup, .query = &SECRET_BACKUP_QUERY},
    {"PUT", "/api/v1/secrets_operations/restore", secret_no_backup, .query = &SECRET_RESTORE_QUERY},
};

WORKER(secrets, routes)
