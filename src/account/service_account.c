#include "account/service_account.h"

#include "account/user.h"
#include "auth/session.h"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "active", .enc = E_BOOL, .section = S_BODY, .filter = F_BOOL, .schema = "=false"},
    COL_EMPTY_DESCRIPTION,
    COL_NAME,
};

static const struct field fields[] = {
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"description", &T_STRING, NULL, 65535, NUL | UPD},
    {"active", &T_BOOL, NULL, 0, REQ | UPD},
};
static const struct model body = MODEL("service_account", fields);

/* Columns that only users fill. */
static int fill(struct write *w)
{
    write_set(w, "is_service_account", p_int(1));
    write_set(w, "is_admin", p_int(0));
    write_set(w, "email_opted_in", p_int(0));
    write_set(w, "full_name", p_text(""));
    return OK;
}

static int end_sessions(struct write *w)
{
    struct json_object *active = member(w->body, "active");
    return active && !json_object_get_boolean(active) ? session_end_account(w->c, w->id) : OK;
}

static int keep_owners(struct write *w)
{
    bool owns;
    TRY(account_owns(w->c, w->id, &owns));
    if (owns)
        return fail(w->c, EX_ILLEGAL_OPERATION,
                    "The service account %s owns things and cannot be deleted before they are",
                    row_str(w->old, "name"));
    return OK;
}

const struct resource resource_service_account = {
    .name = "service_account",
    .label = "service account",
    .title = "ServiceAccount",
    .table = "user",
    COLUMNS(columns),
    .body = &body,
    .where = "t.is_service_account = 1",
    .flags = X_SMALL,
    .rank = RANK_SERVICE_ACCOUNT,
    .unique = {.columns = {"name"}, .error = EX_ENTITY_EXISTS, .on_update = true},
    .before_create = fill,
    .before_update = end_sessions,
    .before_delete = keep_owners,
};
