/* kansoctl api-key: keys with which service accounts sign in. */
#include "base/text.h"
#include "base/uuid.h"
#include "ctl/request.h"

#include <json-c/json.h>
#include <string.h>

static const struct ctl_column columns[] = {
    {"service_account", CTL_TEXT, 24},
    {"name", CTL_TEXT, 24},
    {"id", CTL_ID, 0},
    {"service_account_id", CTL_ID, CTL_HIDDEN},
    {"active", CTL_BOOL, 6},
    {"account_active", CTL_BOOL, 14},
    {"created", CTL_STAMP, CTL_HIDDEN},
    {"last_rotated", CTL_STAMP, CTL_HIDDEN},
    {"last_login", CTL_STAMP, 0},
    {NULL},
};

enum { ACCOUNT, NAME, ID, ACCOUNT_ID, ACTIVE, ACCOUNT_ACTIVE, CREATED, ROTATED, LOGIN, COLUMN_COUNT };

static const struct ctl_column key_columns[] = {
    {"service_account", CTL_TEXT, 0}, {"name", CTL_TEXT, 0}, {"id", CTL_ID, 0}, {"key", CTL_TEXT, 0}, {NULL}};

/* A service account without keys is a row as well, in the list of all. */
#define SELECT_KEYS                                                                                                    \
    "SELECT u.name, k.name, k.id, u.id, k.active, u.active, k.created, k.last_rotated, k.last_login FROM `user` u "    \
    "LEFT JOIN api_key k ON k.service_account_id = u.id WHERE u.is_service_account = 1"

static int list(const struct ctl_call *call)
{
    return ctl_select(call, SELECT_KEYS " ORDER BY u.name, k.name", NULL, 0);
}

/* The service account that the first operand names, with or without keys. */
static int find_account(const struct ctl_call *call, struct db_rows *rows)
{
    char hex[UUID_HEX + 1];
    const char *who = call->operands[0];
    bool by_id = uuid_read(who, strlen(who), hex);
    const struct db_param key = p_text(by_id ? hex : who);
    if (db_run(call->db, call->mem, rows, by_id ? SELECT_KEYS " AND u.id = ?" : SELECT_KEYS " AND u.name = ?", &key,
               1) != DB_OK)
        return ctl_db_failed(call);
    return rows->count ? CTL_DONE : ctl_missing("there is no service account '%s'", who);
}

/* Its key that the second operand names. */
static int find_key(const struct ctl_call *call, const struct db_value **key)
{
    char hex[UUID_HEX + 1];
    struct db_rows rows = {0};
    const char *name = call->operands[1];
    bool by_id = uuid_read(name, strlen(name), hex);
    int status = find_account(call, &rows);
    for (size_t i = 0; status == CTL_DONE && i < rows.count; i++) {
        *key = db_row(&rows, i);
        if (streq((*key)[by_id ? ID : NAME].s, by_id ? hex : name))
            return CTL_DONE;
    }
    if (status != CTL_DONE)
        return status;
    ctl_missing("service account '%s' has no API key '%s'", call->operands[0], name);
    return CTL_MISSING;
}

static const char *path_of(const struct ctl_call *call, const struct db_value *key, const char *rest)
{
    const char *keys = arena_printf(call->mem, "/api/v1/service_accounts/%s/api_keys", key[ACCOUNT_ID].s);
    return key[ID].s ? arena_printf(call->mem, "%s/%s%s", keys, key[ID].s, rest) : keys;
}

/* What a request for a key has answered, which holds the key itself. */
static void show_new(const struct ctl_call *call, struct ctx *c, const struct db_value *account)
{
    const struct db_value values[] = {account[ACCOUNT], ctl_value(request_answer(c, NULL, "name")),
                                      ctl_value(request_answer(c, NULL, "id")),
                                      ctl_value(request_answer(c, "body", "key"))};
    ctl_row(call, values);
}

static int show(const struct ctl_call *call)
{
    const struct db_value *key = NULL;
    int status = find_key(call, &key);
    if (status == CTL_DONE)
        ctl_row(call, key);
    return status;
}

static int create(const struct ctl_call *call)
{
    struct db_rows rows = {0};
    struct ctx c = request_begin(call, NULL);
    int status = find_account(call, &rows);
    if (status != CTL_DONE)
        return status;
    struct json_object *body = json_object_new_object();
    const char *description = ctl_option(call, "description");
    json_object_object_add(body, "name", json_object_new_string(call->operands[1]));
    json_object_object_add(body, "description", json_object_new_string(description ? description : ""));
    struct db_value account[COLUMN_COUNT] = {
        [ACCOUNT] = db_row(&rows, 0)[ACCOUNT], [ACCOUNT_ID] = db_row(&rows, 0)[ACCOUNT_ID]};
    status = request_route(&c, "POST", path_of(call, account, ""), body);
    if (status == CTL_DONE)
        show_new(call, &c, account);
    buf_free(&c.res.body);
    return status;
}

static int rotate(const struct ctl_call *call)
{
    const struct db_value *key = NULL;
    int64_t retain = 0;
    struct ctx c = request_begin(call, NULL);
    int status = ctl_number(call, "retain", 0, 366 * 24 * 60, &retain);
    if (status == CTL_DONE)
        status = find_key(call, &key);
    if (status != CTL_DONE)
        return status;
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "retain_period_minutes", json_object_new_int64(retain));
    status = request_route(&c, "PUT", path_of(call, key, "/rotate"), body);
    if (status == CTL_DONE)
        show_new(call, &c, key);
    buf_free(&c.res.body);
    return status;
}

static int set_active(const struct ctl_call *call, bool active)
{
    const struct db_value *key = NULL;
    struct ctx c = request_begin(call, NULL);
    int status = find_key(call, &key);
    if (status != CTL_DONE)
        return status;
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "active", json_object_new_boolean(active));
    status = request_route(&c, "PUT", path_of(call, key, ""), body);
    buf_free(&c.res.body);
    return status == CTL_DONE ? show(call) : status;
}

static int activate(const struct ctl_call *call)
{
    return set_active(call, true);
}

static int deactivate(const struct ctl_call *call)
{
    return set_active(call, false);
}

static int delete (const struct ctl_call *call)
{
    const struct db_value *key = NULL;
    struct ctx c = request_begin(call, NULL);
    int status = find_key(call, &key);
    if (status != CTL_DONE)
        return status;
    status = request_route(&c, "DELETE", path_of(call, key, ""), NULL);
    if (status == CTL_DONE)
        ctl_row(call, key);
    buf_free(&c.res.body);
    return status;
}

/* Rows ------------------------------------------------------------------------------------------------------------- */

const struct ctl_command ctl_api_key = {
    .name = "api-key",
    .summary = "keys with which service accounts sign in",
    .details = "Keys with which service accounts sign in, straight on the database.\n",
};

const struct ctl_command ctl_api_key_list = {
    .name = "api-key list",
    .summary = "list the service accounts and their API keys",
    .details = "Lists the service accounts and their API keys; the keys themselves are not stored anywhere.\n",
    .columns = columns,
    ON_DATABASE,
    .run = list,
};

#define KEY_OF(what) .columns = (what), .single = true, .least_operands = 2, .most_operands = 2, ON_DATABASE

const struct ctl_command ctl_api_key_create = {
    .name = "api-key create",
    .summary = "make an API key for a service account",
    .synopsis = "ACCOUNT NAME [--description TEXT]",
    .details = "Makes an API key for a service account and prints it, which nobody can do again.\n",
    .options = {{"description", "TEXT", "shown beside the name"}},
    KEY_OF(key_columns),
    .run = create,
};

const struct ctl_command ctl_api_key_rotate = {
    .name = "api-key rotate",
    .summary = "replace an API key by a new one",
    .synopsis = "ACCOUNT NAME|ID [--retain MINUTES]",
    .details = "Replaces an API key by a new one and prints it, which nobody can do again.\n",
    .options = {{"retain", "MINUTES", "for so long the old one is good as well (0)"}},
    KEY_OF(key_columns),
    .run = rotate,
};

const struct ctl_command ctl_api_key_activate = {
    .name = "api-key activate",
    .summary = "let an API key open again",
    .synopsis = "ACCOUNT NAME|ID",
    .details = "Lets an API key open again that was deactivated.\n",
    KEY_OF(columns),
    .run = activate,
};

const struct ctl_command ctl_api_key_deactivate = {
    .name = "api-key deactivate",
    .summary = "let an API key open nothing",
    .synopsis = "ACCOUNT NAME|ID",
    .details = "Lets an API key open nothing; tokens that were got with it are refused from now on.\n",
    KEY_OF(columns),
    .run = deactivate,
};

const struct ctl_command ctl_api_key_delete = {
    .name = "api-key delete",
    .summary = "delete an API key",
    .synopsis = "ACCOUNT NAME|ID",
    .details = "Deletes an API key; tokens that were got with it are refused from now on. Prints what was deleted.\n",
    KEY_OF(columns),
    .run = delete,
};
