/* kansoctl device: command lines that have signed in by a code. */
#include "base/text.h"
#include "base/uuid.h"
#include "ctl/request.h"

#include <json-c/json.h>
#include <string.h>

static const struct ctl_column columns[] = {
    {"id", CTL_ID, 0},
    {"user", CTL_TEXT, 16},
    {"status", CTL_TEXT, 8},
    {"trusted", CTL_BOOL, 7},
    {"hostname", CTL_TEXT, 20},
    {"ip_address", CTL_TEXT, 15},
    {"client_id", CTL_ID, CTL_HIDDEN},
    {"created", CTL_STAMP, CTL_HIDDEN},
    {"expires", CTL_STAMP, CTL_HIDDEN},
    {"last_login", CTL_STAMP, 0},
    {"user_id", CTL_ID, CTL_HIDDEN},
    {NULL},
};

enum { USER_ID = 10 };

#define SELECT_DEVICES                                                                                                 \
    "SELECT d.id, u.name, d.status, d.trusted_device, d.hostname, d.ip_address, d.client_id, d.created, d.expires, "   \
    "d.last_login, d.user_id FROM auth_devices d LEFT JOIN `user` u ON u.id = d.user_id"

static int list(const struct ctl_call *call)
{
    const char *user = ctl_option(call, "user");
    const struct db_param name = p_text(user);
    return ctl_select(call,
                      user ? SELECT_DEVICES " WHERE u.name = ? ORDER BY d.created, d.kanso_order"
                           : SELECT_DEVICES " ORDER BY d.created, d.kanso_order",
                      &name, user ? 1 : 0);
}

static int find(const struct ctl_call *call, struct db_rows *row)
{
    char hex[UUID_HEX + 1];
    const char *id = call->operands[0];
    if (!uuid_read(id, strlen(id), hex))
        return ctl_misused(call->command, "the id of a device is a UUID, not '%s'", id);
    const struct db_param key = p_text(hex);
    if (db_run(call->db, call->mem, row, SELECT_DEVICES " WHERE d.id = ?", &key, 1) != DB_OK)
        return ctl_db_failed(call);
    return row->count ? CTL_DONE : ctl_missing("there is no device %s", id);
}

/* A request for the device that its owner could make. */
static int as_owner(const struct ctl_call *call, const struct db_value *device, const char *method,
                    struct json_object *body)
{
    struct auth owner = {.user_id = device[USER_ID].s};
    struct ctx c = request_begin(call, NULL);
    c.auth = &owner;
    int status = request_route(&c, method, arena_printf(call->mem, "/api/v1/devices/%s", device[0].s), body);
    buf_free(&c.res.body);
    return status;
}

static int set_locked(const struct ctl_call *call, bool locked)
{
    struct db_rows row = {0};
    int status = find(call, &row);
    if (status != CTL_DONE)
        return status;
    if (!db_row(&row, 0)[USER_ID].s)
        return ctl_fail("device %s belongs to nobody yet; delete it", call->operands[0]);
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "locked", json_object_new_boolean(locked));
    status = as_owner(call, db_row(&row, 0), "PUT", body);
    if (status == CTL_DONE)
        status = find(call, &row);
    if (status == CTL_DONE)
        ctl_row(call, db_row(&row, 0));
    return status;
}

static int lock(const struct ctl_call *call)
{
    return set_locked(call, true);
}

static int unlock(const struct ctl_call *call)
{
    return set_locked(call, false);
}

static int delete (const struct ctl_call *call)
{
    struct db_rows row = {0};
    int status = find(call, &row);
    if (status == CTL_DONE)
        status = as_owner(call, db_row(&row, 0), "DELETE", NULL);
    if (status == CTL_DONE)
        ctl_row(call, db_row(&row, 0));
    return status;
}

const struct ctl_command ctl_device = {
    .name = "device",
    .summary = "command lines that have signed in by a code",
    .details = "Command lines that have signed in by a code which somebody approved in the browser (devices).\n",
};

const struct ctl_command ctl_device_list = {
    .name = "device list",
    .summary = "list the devices",
    .synopsis = "[--user NAME]",
    .details = "Lists the devices of all users, the oldest first.\n",
    .options = {{"user", "NAME", "only those of that user"}},
    .columns = columns,
    ON_DATABASE,
    .run = list,
};

#define ONE_DEVICE                                                                                                     \
    .synopsis = "ID", .columns = columns, .single = true, .least_operands = 1, .most_operands = 1, ON_DATABASE

const struct ctl_command ctl_device_lock = {
    .name = "device lock",
    .summary = "refuse the tokens of a device",
    .details = "Refuses the tokens of a device from now on.\n",
    ONE_DEVICE,
    .run = lock,
};

const struct ctl_command ctl_device_unlock = {
    .name = "device unlock",
    .summary = "let a locked device in again",
    .details = "Lets a locked device in again.\n",
    ONE_DEVICE,
    .run = unlock,
};

const struct ctl_command ctl_device_delete = {
    .name = "device delete",
    .summary = "delete a device",
    .details = "Deletes a device; its tokens are refused from now on. Prints what was deleted.\n",
    ONE_DEVICE,
    .run = delete,
};
