/*
 * Event sources. The secret that deliveries are signed with is a secret of the secrets store, whose id is all that the
 * stored configuration holds. It is shown once: in the answer of the request that makes it.
 */
#include "automation/event_source.h"

#include "automation/plugin.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/secret.h"
#include "resource/stored.h"

#include <string.h>

enum { SLOT_TRIGGERS = SLOT_FIRST, SECRET_LEN = 12 };

static const char TYPE[] = "event_source", VALUE_KEY[] = "webhook_secret", ID_KEY[] = "webhook_secret_id",
                  ROTATE_KEY[] = "rotate_secret";

/* A secret that has just been made is the row's own data; nothing else of the configuration is for anybody. */
static void show_configuration(const struct cell *at, struct jw *w)
{
    const char *secret = at->row->data;
    jw_open(w, '{');
    if (secret && *secret) {
        jw_name(w, VALUE_KEY);
        jw_str(w, secret);
    }
    jw_close(w, '}');
}

static void show_triggers(const struct cell *at, struct jw *w)
{
    view_write_page(at->view, w, at->row, SLOT_TRIGGERS, &resource_trigger, D_META | D_RES);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER_AS(F_NONE),
    {.name = "flavor", .section = S_BODY, .filter = F_STRING},
    {.name = "plugin_subtype", .section = S_BODY, .filter = F_STRING},
    {.name = "is_active", .enc = E_BOOL, .section = S_BODY},
    COL_WORKSPACE_AS(F_NONE),
    {.name = "description", .section = S_META, .null_as = "\"\""},
    {.name = "configuration",
     .col = "configuration",
     .enc = E_B64,
     .section = S_META,
     .show = show_configuration,
     .schema = "object"},
    {.name = "triggers", .section = S_RES, .show = show_triggers, .schema = "Page_TriggerResponse_"},
    COL_NAME,
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"flavor", &T_STRING, NULL, 255, REQ},
    {"plugin_subtype", &T_PLUGIN_SUBTYPE, NULL, 0, REQ},
    {"description", &T_STRING, "\"\"", 255, UPD},
    {"configuration", &T_MAP_ANY, NULL, 0, REQ | UPD},
    {"is_active", &T_BOOL, NULL, 0, UPD_ONLY},
};
static const struct model body = MODEL("event_source", fields);

static const struct field force_query[] = {{"force", &T_BOOL, "false", 0, 0}};
const struct model FORCE_QUERY = MODEL("force", force_query);

static int load(struct view *v, struct row **rows, size_t count)
{
    return view_pages(v, rows, count, SLOT_TRIGGERS, &resource_trigger, D_META | D_RES, "event_source_id");
}

/* Secrets -------------------------------------------------------------------------------------------------------- */

static void add_text(struct json_object *o, const char *name, const char *value)
{
    json_object_object_add(o, name, json_object_new_string(value));
}

/* Letters of both cases: 68 bits that people can read to each other. */
static void new_secret(char out[SECRET_LEN + 1])
{
    for (size_t i = 0; i < SECRET_LEN; i++) {
        uint32_t n = random_below(52);
        out[i] = (char)(n < 26 ? 'a' + (int)n : 'A' + (int)n - 26);
    }
    out[SECRET_LEN] = '\0';
}

static struct json_object *secret_of(struct ctx *c, const char *value)
{
    struct json_object *values = json_keep(c->mem, json_object_new_object());
    add_text(values, VALUE_KEY, value);
    return values;
}

static void store_configuration(struct write *w, struct json_object *configuration)
{
    const char *text = json_text(w->c->mem, configuration, true);
    write_set(w, "configuration", p_text(base64_encode(w->c->mem, text, strlen(text))));
}

static int check_create(struct write *w)
{
    static const char *const NOT_ALLOWED[] = {VALUE_KEY, ID_KEY, ROTATE_KEY};
    const struct plugin *p;
    int rc = plugin_find(w->c, TYPE, member_str(w->body, "plugin_subtype"), member_str(w->body, "flavor"), &p);
    struct json_object *given =
        rc == OK ? plugin_check(w->c, p->configuration, member(w->body, "configuration"), "event source") : NULL;
    if (!given)
        return FAILED;
    for (size_t i = 0; i < ARRAY_LEN(NOT_ALLOWED); i++)
        if (member(given, NOT_ALLOWED[i]))
            return fail(w->c, EX_VALUE, "The `%s` field is not allowed in the event source request.", NOT_ALLOWED[i]);
    return OK;
}

static int before_create(struct write *w)
{
    struct ctx *c = w->c;
    char letters[5], id[UUID_HEX + 1], *secret = w->data;
    new_secret(secret);
    random_letters(letters, 4);
    TRY(secret_create_row(c, arena_printf(c->mem, "event_source-%s-%s", uuid_dashed(c->mem, w->id), letters),
                          write_get(w, "workspace_id"), write_get(w, "user_id"), secret_of(c, secret), id));
    struct json_object *configuration = json_keep(c->mem, json_object_new_object());
    add_text(configuration, ID_KEY, uuid_dashed(c->mem, id));
    store_configuration(w, configuration);
    write_set(w, "is_active", p_int(1));
    return OK;
}

/* A new value in the same secret. */
static int rotate(struct write *w, const char *secret_id)
{
    char hex[UUID_HEX + 1], *secret = w->data;
    if (!secret_id || !uuid_read(secret_id, strlen(secret_id), hex))
        return fail(w->c, EX_KEY, "The event source has no secret that could be rotated");
    new_secret(secret);
    return secret_update_row(w->c, hex, secret_of(w->c, secret));
}

static struct json_object *old_configuration(struct write *w)
{
    struct json_object *old = stored_base64_tree(w->c->mem, row_span(w->old, "configuration"), json_type_object,
                                                 row_origin(w->old, "configuration"));
    return old ? old : json_keep(w->c->mem, json_object_new_object());
}

/* Whatever a new configuration says, the secret stays the source's own. */
static int before_update(struct write *w)
{
    const struct plugin *p;
    TRY(plugin_find(w->c, TYPE, row_str(w->old, "plugin_subtype"), row_str(w->old, "flavor"), &p));
    struct json_object *given = member(w->body, "configuration"), *kept;
    if (!given)
        return OK;
    given = plugin_check(w->c, p->configuration, given, "event source");
    if (!given)
        return FAILED;
    const char *secret_id = member_str(old_configuration(w), ID_KEY);
    kept = json_keep(w->c->mem, json_object_new_object());
    if (secret_id)
        add_text(kept, ID_KEY, secret_id);
    store_configuration(w, kept);
    return member_bool(given, ROTATE_KEY) ? rotate(w, secret_id) : OK;
}

static int before_delete(struct write *w)
{
    struct db_rows used;
    char hex[UUID_HEX + 1];
    TRY(sql(w->c, &used, "SELECT COUNT(*) FROM `trigger` WHERE event_source_id = ?", p_text(w->id)));
    if (!streq(db_row(&used, 0)[0].s, "0"))
        return fail(w->c, EX_ILLEGAL_OPERATION,
                    "Unable to delete event_source with ID `%s` as it is used by %s triggers.",
                    uuid_dashed(w->c->mem, w->id), db_row(&used, 0)[0].s);
    const char *secret_id = member_str(old_configuration(w), ID_KEY);
    return secret_id && uuid_read(secret_id, strlen(secret_id), hex) ? secret_delete_row(w->c, hex) : OK;
}

const struct resource resource_event_source = {
    .name = "event_source",
    .label = "event source",
    .title = "EventSource",
    .table = "event_source",
    COLUMNS(columns),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER,
    .rank = RANK_EVENT_SOURCE,
    .unique = {.columns = {"name", "workspace_id"}, .error = EX_ENTITY_EXISTS},
    .load = load,
    .check_create = check_create,
    .before_create = before_create,
    .before_update = before_update,
    .before_delete = before_delete,
};

/* Handlers ------------------------------------------------------------------------------------------------------- */

int event_source_create(struct ctx *c)
{
    char secret[SECRET_LEN + 1] = "";
    struct write w = {.c = c, .res = &resource_event_source, .body = c->body, .data = secret};
    TRY(write_create(&w));
    return respond_row_with(c, w.res, w.id, D_META | D_RES, secret);
}

int event_source_update(struct ctx *c)
{
    char secret[SECRET_LEN + 1] = "";
    struct write w = {.c = c, .res = &resource_event_source, .body = c->body, .data = secret};
    TRY(write_update(&w, c->param[0]));
    return respond_row_with(c, w.res, w.id, D_META | D_RES, secret);
}
