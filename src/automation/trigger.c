/* Triggers: which events, or which times, lead to an action; and what has come of them. */
#include "automation/plugin.h"
#include "base/text.h"
#include "base/uuid.h"
#include "document/documents.h"
#include "model/model.h"

#include <string.h>

enum { SLOT_EXECUTIONS = SLOT_FIRST };

static void show_executions(const struct cell *at, struct jw *w)
{
    view_write_page(at->view, w, at->row, SLOT_EXECUTIONS, &resource_trigger_execution, D_BODY);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER_AS(F_NONE),
    {.name = "action_flavor", .sql = "a.flavor", .section = S_BODY, .schema = "string<255"},
    {.name = "action_subtype", .sql = "a.plugin_subtype", .section = S_BODY, .schema = "string"},
    {.name = "event_source_flavor", .sql = "e.flavor", .section = S_BODY, .schema = "string<255?"},
    {.name = "event_source_subtype", .sql = "e.plugin_subtype", .section = S_BODY, .schema = "string<255?"},
    {.name = "is_active", .enc = E_BOOL, .section = S_BODY, .filter = F_STRICT_BOOL},
    COL_WORKSPACE_AS(F_NONE),
    {.name = "description", .section = S_META, .null_as = "\"\""},
    {.name = "event_filter", .enc = E_B64, .section = S_META, .flags = C_JSON_NULL},
    {.name = "schedule",
     .col = "schedule",
     .enc = E_B64,
     .section = S_META,
     .doc = &MODEL_SCHEDULE,
     .flags = C_READONLY,
     .schema = "?"},
    COL_SHOWN(action, resource_action, S_RES),
    COL_SHOWN(event_source, resource_event_source, S_RES, .schema = "?"),
    {.name = "executions", .section = S_RES, .show = show_executions, .schema = "Page_TriggerExecutionResponse_"},
    COL_NAME,
    {.name = "event_source_id", .enc = E_UUID, .filter = F_UUID},
    {.name = "action_id", .enc = E_UUID, .filter = F_UUID},
};

#define OF_ACTION "EXISTS (SELECT 1 FROM action x WHERE x.id = t.action_id AND %s)"
#define OF_SOURCE "EXISTS (SELECT 1 FROM event_source x WHERE x.id = t.event_source_id AND %s)"

static const struct filter filters[] = {
    {.name = "action_flavor", .cls = F_EQUAL, .column = "x.flavor", .sql = OF_ACTION},
    {.name = "action_subtype", .cls = F_EQUAL, .column = "x.plugin_subtype", .sql = OF_ACTION},
    {.name = "event_source_flavor", .cls = F_EQUAL, .column = "x.flavor", .sql = OF_SOURCE},
    {.name = "event_source_subtype", .cls = F_EQUAL, .column = "x.plugin_subtype", .sql = OF_SOURCE},
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"description", &T_STRING, "\"\"", 255, UPD},
    {"action_id", &T_UUID, NULL, 0, REQ},
    {"schedule", &T_SCHEDULE, NULL, 0, NUL | UPD | HOOK},
    {"event_source_id", &T_UUID, NULL, 0, NUL},
    {"event_filter", &T_MAP_ANY, NULL, 0, NUL | UPD},
    {"is_active", &T_BOOL, NULL, 0, UPD_ONLY},
};

static void one_of_both(struct check *c, struct json_object *v)
{
    bool schedule = member(v, "schedule"), source = member(v, "event_source_id");
    if (c->mode == CHECK_UPDATE || schedule != source)
        return;
    check_problem(c, NULL, "value_error", v, "{\"error\":\"schedule and event source\"}", "Value error, %s",
                  schedule ? "Only a schedule or an event source is allowed."
                           : "Either a schedule or an event source is required.");
}

static const struct model body = MODEL("trigger", fields, .after = one_of_both);

static int load(struct view *v, struct row **rows, size_t count)
{
    return view_pages(v, rows, count, SLOT_EXECUTIONS, &resource_trigger_execution, D_BODY, "trigger_id");
}

/* Checks --------------------------------------------------------------------------------------------------------- */

static int check_filter(struct ctx *c, const char *subtype, const char *flavor, struct json_object *filter)
{
    const struct plugin *p;
    if (!filter || json_object_object_length(filter) == 0)
        return OK;
    TRY(plugin_find(c, "event_source", subtype, flavor, &p));
    return plugin_check(c, p->events->filter, filter, "event filter") ? OK : FAILED;
}

static int not_found(struct ctx *c, const char *kind, const char *id)
{
    return fail(c, EX_KEY, "Unable to get %s with name or ID '%s': No %s with this ID found.", kind, id, kind);
}

static void store_schedule(struct write *w)
{
    struct json_object *schedule = member(w->body, "schedule");
    if (!schedule)
        return;
    const char *text = json_text(w->c->mem, model_stored(w->c->mem, &MODEL_SCHEDULE, schedule, true), false);
    write_set(w, "schedule", p_text(base64_encode(w->c->mem, text, strlen(text))));
}

static int check_create(struct write *w)
{
    struct ctx *c = w->c;
    struct db_rows rows;
    char action[UUID_HEX + 1], source[UUID_HEX + 1] = "";
    const char *action_id = member_str(w->body, "action_id"), *source_id = member_str(w->body, "event_source_id");
    uuid_read(action_id, strlen(action_id), action);
    if (source_id)
        uuid_read(source_id, strlen(source_id), source);
    TRY(sql(c, &rows,
            "SELECT (SELECT a.id FROM action a WHERE a.id = ?), e.plugin_subtype, e.flavor FROM (SELECT 1) one "
            "LEFT JOIN event_source e ON e.id = ?",
            p_text(action), p_text(source)));
    const struct db_value *found = db_row(&rows, 0);
    if (source_id && !found[1].s)
        return not_found(c, "event_source", source_id);
    if (source_id)
        TRY(check_filter(c, found[1].s, found[2].s, member(w->body, "event_filter")));
    if (!found[0].s)
        return not_found(c, "action", action_id);
    store_schedule(w);
    write_set(w, "is_active", p_int(1));
    return OK;
}

static int before_update(struct write *w)
{
    struct ctx *c = w->c;
    struct json_object *filter = member(w->body, "event_filter");
    bool by_events = row_str(w->old, "event_source_id");
    if (filter && json_object_object_length(filter) && !by_events)
        return fail(c, EX_VALUE, "Trying to set event filter for trigger without event source.");
    if (by_events)
        TRY(check_filter(c, row_str(w->old, "event_source_subtype"), row_str(w->old, "event_source_flavor"), filter));
    if (by_events && member(w->body, "schedule"))
        return fail(c, EX_VALUE,
                    "Unable to update trigger: A trigger cannot have both a schedule and an event source.");
    store_schedule(w);
    return OK;
}

/* What has happened stays on record. */
static int before_delete(struct write *w)
{
    struct db_rows rows;
    TRY(sql(w->c, &rows, "SELECT COUNT(*) FROM trigger_execution WHERE trigger_id = ?", p_text(w->id)));
    if (streq(db_row(&rows, 0)[0].s, "0"))
        return OK;
    return fail(w->c, EX_ILLEGAL_OPERATION,
                "Unable to delete trigger with ID `%s` as it has %s executions; deactivate it instead.",
                uuid_dashed(w->c->mem, w->id), db_row(&rows, 0)[0].s);
}

const struct resource resource_trigger = {
    .name = "trigger",
    .label = "trigger",
    .title = "Trigger",
    .table = "trigger",
    .joins = "LEFT JOIN action a ON a.id = t.action_id LEFT JOIN event_source e ON e.id = t.event_source_id",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER,
    .rank = RANK_TRIGGER,
    .unique = {.columns = {"name", "workspace_id"}, .error = EX_ENTITY_EXISTS, .on_update = true},
    .load = load,
    .check_create = check_create,
    .before_update = before_update,
    .before_delete = before_delete,
};
