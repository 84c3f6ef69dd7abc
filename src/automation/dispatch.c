#include "automation/dispatch.h"

#include "auth/auth.h"
#include "automation/plugin.h"
#include "automation/webhook.h"
#include "base/text.h"
#include "base/uuid.h"
#include "launch/launch.h"
#include "model/model.h"
#include "resource/stored.h"

#include <string.h>

/* Executions ----------------------------------------------------------------------------------------------------- */

enum { METADATA_MAX = 65535 }; /* what the column takes, in base64 */

static const char *encode(struct arena *a, struct json_object *event)
{
    const char *text = json_text(a, event, true), *encoded = base64_encode(a, text, strlen(text));
    return strlen(encoded) <= METADATA_MAX ? encoded : NULL;
}

/* A copy of a document without members that its model does not name; lists of documents are empty when `bare`. */
static struct json_object *shortened(struct arena *a, const struct model *m, struct json_object *v, bool bare)
{
    struct json_object *out = json_keep(a, json_object_new_object());
    for (size_t i = 0; i < m->count; i++) {
        const struct type *t = m->fields[i].type;
        struct json_object *member = NULL, *kept;
        if (!json_object_object_get_ex(v, m->fields[i].name, &member))
            continue;
        kept = member;
        if (bare && json_object_is_type(member, json_type_array))
            kept = json_keep(a, json_object_new_array());
        else if (t->kind == K_MODEL && json_object_is_type(member, json_type_object))
            kept = shortened(a, t->model, member, bare);
        json_object_object_add(out, m->fields[i].name, json_object_get(kept));
    }
    return out;
}

/* What an execution keeps of its event: all of it where it fits, else what the model names, else that without lists. */
static const char *metadata_of(struct arena *a, const struct model *m, struct json_object *event)
{
    const char *text = encode(a, event);
    if (!text && m)
        text = encode(a, shortened(a, m, event, false));
    return text || !m ? text : encode(a, shortened(a, m, event, true));
}

/* An execution of a trigger, and the job that it leads to. Within the open transaction. */
static int execute(struct ctx *c, const char *trigger_id, const char *metadata)
{
    struct write w = {.c = c, .res = &resource_trigger_execution};
    uuid_new(w.id);
    write_set(&w, "trigger_id", p_text(trigger_id));
    write_set(&w, "event_metadata", metadata ? p_text(metadata) : p_null());
    TRY(write_insert(&w));
    return job_add(c, "action", trigger_id, w.id, (struct span){w.id, UUID_HEX}, 0);
}

/* Deliveries ----------------------------------------------------------------------------------------------------- */

/* The event that a delivery tells of. */
static int read_event(struct ctx *c, const struct event_kind *k, const struct delivery *d, struct json_object **event)
{
    struct span text = event_text(c->mem, k, d->content_type, d->body);
    struct json_object *tree = NULL;
    struct json_error error;
    struct check *check = check_new(c->mem);
    if (!utf8_valid(text.s, text.len) || !json_parse(c->mem, text.s, text.len, &tree, &error))
        return fail(c, EX_VALUE, "The delivery is no JSON");
    *event = model_check(check, k->model, tree);
    return *event ? OK
                  : fail(c, EX_VALUE, "The delivery tells of nothing that triggers could know: %s", check_text(check));
}

static bool lets_through(struct ctx *c, const struct event_kind *k, struct json_object *event, const struct db_value *v)
{
    struct json_object *stored = stored_base64_tree(c->mem, value_span(&v[1]), json_type_object,
                                                    (struct origin){"trigger", v[0].s, "event_filter"});
    struct check *check = check_new(c->mem);
    struct json_object *filter =
        model_check(check, k->filter, stored ? stored : json_keep(c->mem, json_object_new_object()));
    return filter && event_matches(c->mem, k, event, filter);
}

/* The source's active triggers; none may be deleted until the end of the transaction. */
static int load_triggers(struct ctx *c, const char *source, struct db_rows *rows)
{
    return sql(c, rows,
               "SELECT id, event_filter FROM `trigger` WHERE event_source_id = ? AND is_active = 1 ORDER BY created, "
               "kanso_order LOCK IN SHARE MODE",
               p_text(source));
}

static int dispatch_event(struct ctx *c, const struct job *job, const struct event_kind *k, struct json_object *event)
{
    const char *metadata = metadata_of(c->mem, k->model, event);
    struct db_rows rows;
    size_t matched = 0;
    TRY(sql_begin(c));
    TRY(load_triggers(c, job->subject, &rows));
    for (size_t i = 0; i < rows.count; i++) {
        const struct db_value *v = db_row(&rows, i);
        if (!lets_through(c, k, event, v))
            continue;
        TRY(execute(c, v[0].s, metadata));
        matched++;
    }
    TRY(job_done(c, job, arena_printf(c->mem, "%s: %zu of %zu active triggers", k->type(event), matched, rows.count)));
    return sql_commit(c);
}

static int run_delivery(struct ctx *c, const struct job *job)
{
    struct delivery d;
    struct db_rows rows;
    const struct plugin *p;
    struct json_object *event = NULL;
    if (!delivery_read(c->mem, job->payload, &d))
        return fail(c, EX_VALUE, "What was kept of the delivery is damaged");
    if (d.refused)
        return fail(c, EX_VALUE, "%s", d.refused);
    TRY(sql(c, &rows, "SELECT is_active, plugin_subtype, flavor FROM event_source WHERE id = ?", p_text(job->subject)));
    if (!rows.count)
        return fail(c, EX_VALUE, "The event source has been deleted");
    const struct db_value *v = db_row(&rows, 0);
    if (*v[0].s == '0')
        return fail(c, EX_VALUE, "The event source is not active");
    TRY(plugin_find(c, "event_source", v[1].s, v[2].s, &p));
    TRY(read_event(c, p->events, &d, &event));
    return dispatch_event(c, job, p->events, event);
}

const struct job_kind job_delivery = {
    .name = "delivery", .about = "event_source", .run = run_delivery, .attempts = 20, .timeout = 60};

/* Schedules ------------------------------------------------------------------------------------------------------ */

static int run_firing(struct ctx *c, const struct job *job)
{
    struct db_rows rows;
    struct json_object *event = json_tree(c->mem, job->payload.s, job->payload.len);
    TRY(sql_begin(c));
    TRY(sql(c, &rows, "SELECT is_active FROM `trigger` WHERE id = ? LOCK IN SHARE MODE", p_text(job->subject)));
    if (!rows.count)
        return fail(c, EX_VALUE, "The trigger has been deleted");
    if (*db_row(&rows, 0)[0].s == '0')
        return fail(c, EX_VALUE, "The trigger is not active any more");
    TRY(execute(c, job->subject, event ? metadata_of(c->mem, NULL, event) : NULL));
    TRY(job_done(c, job, event ? member_str(event, "scheduled_time") : NULL));
    return sql_commit(c);
}

const struct job_kind job_firing = {
    .name = "firing", .about = "trigger", .run = run_firing, .attempts = 20, .timeout = 60};

/* Actions -------------------------------------------------------------------------------------------------------- */

struct act {
    const char *subtype, *flavor, *service_account_id;
    struct span configuration;
    bool late; /* the auth window has passed */
};

static int load_act(struct ctx *c, const struct job *job, struct act *out)
{
    struct db_rows rows;
    TRY(sql(c, &rows,
            "SELECT a.plugin_subtype, a.flavor, a.service_account_id, a.configuration, a.auth_window > 0 AND "
            "x.created < UTC_TIMESTAMP() - INTERVAL a.auth_window MINUTE FROM trigger_execution x "
            "JOIN `trigger` t ON t.id = x.trigger_id JOIN action a ON a.id = t.action_id WHERE x.id = ?",
            p_text(job->payload.s)));
    if (!rows.count)
        return fail(c, EX_VALUE, "The execution, its trigger or the action has been deleted");
    const struct db_value *v = db_row(&rows, 0);
    *out = (struct act){.subtype = v[0].s,
                        .flavor = v[1].s,
                        .service_account_id = v[2].s,
                        .configuration = {v[3].s, v[3].len},
                        .late = v[4].s && *v[4].s != '0'};
    return OK;
}

/* The template and the run configuration that an action names. */
static int read_configuration(struct ctx *c, const struct act *act, char template_id[UUID_HEX + 1], struct span *config)
{
    const struct plugin *p;
    struct json_object *run, *stored = stored_base64_tree(c->mem, act->configuration, json_type_object,
                                                          (struct origin){"action", NULL, "configuration"});
    TRY(plugin_find(c, "action", act->subtype, act->flavor, &p));
    if (!stored)
        return fail(c, EX_VALUE, "The configuration of the action is damaged");
    struct json_object *checked = plugin_check(c, p->configuration, stored, "action");
    if (!checked)
        return FAILED;
    const char *id = member_str(checked, "template_id");
    uuid_read(id, strlen(id), template_id);
    run = member(stored, "run_config");
    if (run) {
        config->s = json_text(c->mem, run, false);
        config->len = strlen(config->s);
    }
    return OK;
}

static int run_action(struct ctx *c, const struct job *job)
{
    struct act act = {0};
    char template_id[UUID_HEX + 1], run_id[UUID_HEX + 1];
    struct span config = {0};
    TRY(load_act(c, job, &act));
    if (act.late)
        return fail(c, EX_VALUE, "The event is older than the auth window of the action");
    TRY(read_configuration(c, &act, template_id, &config));
    TRY(authenticate_as(c, act.service_account_id));
    TRY(sql_begin(c));
    TRY(template_run(c, template_id, config.s ? &config : NULL, run_id));
    TRY(job_done(c, job, arena_printf(c->mem, "run %s", uuid_dashed(c->mem, run_id))));
    return sql_commit(c);
}

const struct job_kind job_action = {
    .name = "action", .about = "trigger", .run = run_action, .attempts = 10, .timeout = 120};
