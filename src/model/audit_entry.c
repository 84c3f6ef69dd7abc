/* The audit log as administrators read it; it is written by room audit. */
#include "model/model.h"
#include "resource/filter.h"
#include "resource/sql.h"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "operation", .section = S_BODY, .filter = F_STRING},
    {.name = "outcome", .section = S_BODY, .filter = F_STRING},
    {.name = "status", .enc = E_INT, .section = S_BODY, .filter = F_INT},
    {.name = "actor", .section = S_BODY, .filter = F_STRING},
    {.name = "user_id", .enc = E_UUID, .section = S_BODY, .filter = F_UUID},
    {.name = "user_name", .section = S_BODY, .filter = F_STRING},
    {.name = "credential", .section = S_BODY, .filter = F_STRING},
    {.name = "credential_id", .enc = E_UUID, .section = S_BODY, .filter = F_UUID},
    {.name = "address", .section = S_BODY, .filter = F_STRING},
    {.name = "request_id", .section = S_BODY, .filter = F_STRING},
    {.name = "object_type", .section = S_BODY, .filter = F_STRING},
    {.name = "object_id", .enc = E_UUID, .section = S_BODY, .filter = F_UUID},
    {.name = "object_name", .section = S_BODY, .filter = F_STRING},
    {.name = "effect", .section = S_BODY, .filter = F_STRING},
    {.name = "fields", .section = S_BODY, .filter = F_STRING},
    {.name = "times", .enc = E_INT, .section = S_BODY, .filter = F_INT},
};

/* What the token says of the caller does not do: it has to be asked first whether he still is an administrator. */
static int administrators_only(struct ctx *c, struct filter_query *f)
{
    (void)f;
    TRY(sql_authenticate(c));
    if (!c->auth->is_admin)
        return fail(c, EX_ILLEGAL_OPERATION, "Only administrators can read the audit log");
    return OK;
}

const struct resource resource_audit_entry = {
    .name = "audit_entry",
    .label = "entry of the audit log",
    .title = "AuditEntry",
    .table = "kanso_audit",
    COLUMNS(columns),
    .flags = X_META_NULL | X_UNGOVERNED,
    .rank = RANK_AUDIT_ENTRY,
    .scope = administrators_only,
};
