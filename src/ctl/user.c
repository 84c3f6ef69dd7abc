/* kansoctl user: accounts of people, straight on the database, for the day nobody can sign in. */
#include "account/user.h"
#include "base/text.h"
#include "base/uuid.h"
#include "ctl/ask.h"
#include "ctl/request.h"
#include "json/write.h"

#include <string.h>

#define USER_COLUMNS                                                                                                   \
    {"name", CTL_TEXT, 24}, {"id", CTL_ID, 0}, {"active", CTL_BOOL, 6}, {"is_admin", CTL_BOOL, 8},                     \
        {"has_password", CTL_BOOL, 12}, {"full_name", CTL_TEXT, CTL_HIDDEN}, {"email", CTL_TEXT, CTL_HIDDEN},          \
        {"created", CTL_STAMP, 0},                                                                                     \
    {                                                                                                                  \
        "updated", CTL_STAMP, CTL_HIDDEN                                                                               \
    }

static const struct ctl_column columns[] = {USER_COLUMNS, {NULL}};

#define SELECT_USERS                                                                                                   \
    "SELECT name, id, active, is_admin, password IS NOT NULL, full_name, email, created, updated FROM `user` WHERE "   \
    "is_service_account = 0"

static int list(const struct ctl_call *call)
{
    return ctl_select(call, SELECT_USERS " ORDER BY name", NULL, 0);
}

/* The user of that name or id; CTL_MISSING, and has said so, when there is none. */
static int find(const struct ctl_call *call, struct db_rows *row)
{
    char hex[UUID_HEX + 1];
    const char *who = call->operands[0];
    bool by_id = uuid_read(who, strlen(who), hex);
    const struct db_param key = p_text(by_id ? hex : who);
    if (db_run(call->db, call->mem, row, by_id ? SELECT_USERS " AND id = ?" : SELECT_USERS " AND name = ?", &key, 1) !=
        DB_OK)
        return ctl_db_failed(call);
    return row->count ? CTL_DONE : ctl_missing("there is no user '%s'", who);
}

static const char *id_of(const struct db_rows *row)
{
    return db_row(row, 0)[1].s;
}

static int show(const struct ctl_call *call, const char *id)
{
    struct db_rows row = {0};
    const struct db_param key = p_text(id);
    if (db_run(call->db, call->mem, &row, SELECT_USERS " AND id = ?", &key, 1) != DB_OK || !row.count)
        return ctl_db_failed(call);
    ctl_row(call, db_row(&row, 0));
    return CTL_DONE;
}

/* Adding ----------------------------------------------------------------------------------------------------------- */

static struct json_object *new_user(const struct ctl_call *call, const char *password)
{
    struct json_object *body = json_object_new_object();
    const char *full_name = ctl_option(call, "full-name");
    json_object_object_add(body, "name", json_object_new_string(call->operands[0]));
    json_object_object_add(body, "full_name", json_object_new_string(full_name ? full_name : ""));
    json_object_object_add(body, "is_admin", json_object_new_boolean(ctl_option(call, "admin") != NULL));
    json_object_object_add(body, "password", json_object_new_string(password));
    return body;
}

static int add(const struct ctl_call *call)
{
    char hex[UUID_HEX + 1];
    const char *problem, *password = ask_password(call->mem, call->operands[0], &problem);
    if (problem)
        return ctl_misused(call->command, "%s", problem);
    struct ctx c = request_begin(call, NULL);
    request_check_body(&c, resource_user.body, false, new_user(call, password));
    int status = request_run(&c, user_add);
    const char *id = status == CTL_DONE ? request_answer(&c, NULL, "id") : NULL;
    if (id && uuid_read(id, strlen(id), hex))
        status = show(call, hex);
    buf_free(&c.res.body);
    return status;
}

/* Changing --------------------------------------------------------------------------------------------------------- */

/* One member of a user that is changed by a step. */
static int change(const struct ctl_call *call, const char *id, const char *name, struct json_object *value,
                  int (*step)(struct ctx *))
{
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, name, value);
    struct ctx c = request_begin(call, id);
    request_check_body(&c, &USER_UPDATE, true, body);
    int status = request_run(&c, step);
    buf_free(&c.res.body);
    return status == CTL_DONE ? show(call, id) : status;
}

static int reset_password(const struct ctl_call *call)
{
    struct db_rows row = {0};
    const char *problem;
    int status = find(call, &row);
    if (status != CTL_DONE)
        return status;
    const char *password = ask_password(call->mem, call->operands[0], &problem);
    if (problem)
        return ctl_misused(call->command, "%s", problem);
    return change(call, id_of(&row), "password", json_object_new_string(password), user_set_password);
}

static int activate(const struct ctl_call *call)
{
    struct db_rows row = {0};
    int status = find(call, &row);
    return status == CTL_DONE ? change(call, id_of(&row), "active", json_object_new_boolean(true), user_set_active)
                              : status;
}

static int deactivate(const struct ctl_call *call)
{
    struct db_rows row = {0};
    int status = find(call, &row);
    return status == CTL_DONE ? change(call, id_of(&row), "active", json_object_new_boolean(false), user_set_active)
                              : status;
}

static int set_admin(const struct ctl_call *call)
{
    struct db_rows row = {0};
    bool revoke = ctl_option(call, "revoke");
    int status = find(call, &row);
    return status == CTL_DONE ? change(call, id_of(&row), "is_admin", json_object_new_boolean(!revoke), user_set_admin)
                              : status;
}

/* Rows ------------------------------------------------------------------------------------------------------------- */

const struct ctl_command ctl_user = {
    .name = "user",
    .summary = "people who sign in",
    .details = "People who sign in, straight on the database: also when nobody can sign in, or nothing runs.\n",
};

const struct ctl_command ctl_user_list = {
    .name = "user list",
    .summary = "list the users",
    .details = "Lists the users by name. Service accounts are in `kansoctl api-key list`.\n",
    .columns = columns,
    ON_DATABASE,
    .run = list,
};

#define PASSWORD_NOTE                                                                                                  \
    "The password is asked for on the terminal, or is the first line of standard input when that\n"                    \
    "is none.\n"

const struct ctl_command ctl_user_add = {
    .name = "user add",
    .summary = "make a user",
    .synopsis = "NAME [--admin] [--full-name TEXT]",
    .details = "Makes an active user with a password.\n" PASSWORD_NOTE,
    .options = {{"admin", NULL, "an administrator"}, {"full-name", "TEXT", "shown beside the name"}},
    .columns = columns,
    .single = true,
    .least_operands = 1,
    .most_operands = 1,
    ON_DATABASE,
    .run = add,
};

#define ONE_USER .columns = columns, .single = true, .least_operands = 1, .most_operands = 1, ON_DATABASE

const struct ctl_command ctl_user_reset_password = {
    .name = "user reset-password",
    .summary = "give a user a new password",
    .synopsis = "NAME|ID",
    .details = "Gives a user a new password.\n" PASSWORD_NOTE
               "With KANSO_STRICT, everybody who is signed in as that user has to sign in again; otherwise tokens\n"
               "are good until they expire.\n",
    ONE_USER,
    .run = reset_password,
};

const struct ctl_command ctl_user_activate = {
    .name = "user activate",
    .summary = "let a user sign in",
    .synopsis = "NAME|ID",
    .details = "Lets a user who has a password sign in, without an activation token.\n",
    ONE_USER,
    .run = activate,
};

const struct ctl_command ctl_user_deactivate = {
    .name = "user deactivate",
    .summary = "keep a user out",
    .synopsis = "NAME|ID",
    .details = "Keeps a user out: tokens and sessions of that user are refused from now on. The last administrator\n"
               "cannot be deactivated.\n",
    ONE_USER,
    .run = deactivate,
};

const struct ctl_command ctl_user_admin = {
    .name = "user admin",
    .summary = "make a user an administrator, or no longer",
    .synopsis = "NAME|ID [--revoke]",
    .details = "Makes a user an administrator. The last one cannot be demoted.\n",
    .options = {{"revoke", NULL, "no longer an administrator"}},
    ONE_USER,
    .run = set_admin,
};
