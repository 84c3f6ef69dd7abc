/* Pipeline runs. What a run shows of pipeline, stack, build and configuration belongs to its deployment; rows of old
 * versions without one carry it themselves. */
#include "model/run.h"

#include "audit/audit.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "document/documents.h"
#include "model/onboarding.h"
#include "model/orphans.h"
#include "model/tags.h"
#include "resource/filter.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT_STEPS = SLOT_FIRST };

const char *const EXECUTION_STATUSES[] = {"initializing", "failed", "completed", "running", "cached", NULL};
const struct type T_EXECUTION_STATUS = {
    .kind = K_ENUM, .label = "str-enum[ExecutionStatus]", .words = EXECUTION_STATUSES};

static void show_steps(const struct cell *at, struct jw *w)
{
    jw_open(w, '{');
    for (struct link *link = at->row->links[SLOT_STEPS]; link; link = link->next) {
        const struct row *step = view_find(at->view, &resource_step, link->id);
        jw_key(w, row_str(step, "name"));
        view_write(at->view, w, step, D_BODY);
    }
    jw_close(w, '}');
}

/* A column of the deployment, or the run's own where there is no deployment. */
#define OF_DEPLOYMENT(column) "IF(t.deployment_id IS NULL, t." column ", d." column ")"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "status", .section = S_BODY, .filter = F_STRING},
    COL_SHOWN_OF(stack, resource_stack, S_BODY, OF_DEPLOYMENT("stack_id")),
    COL_SHOWN_OF(pipeline, resource_pipeline, S_BODY, OF_DEPLOYMENT("pipeline_id")),
    COL_SHOWN_OF(build, resource_build, S_BODY, OF_DEPLOYMENT("build_id")),
    COL_SHOWN_OF(schedule, resource_schedule, S_BODY, OF_DEPLOYMENT("schedule_id")),
    COL_SHOWN_OF(code_reference, resource_code_reference, S_BODY, "d.code_reference_id"),
    COL_TARGET(deployment, resource_deployment, .request_name = "deployment", .section = S_BODY, .filter = F_UUID,
               .flags = C_NO_UPDATE | C_FIXED, .schema = "?"),
    {.name = "trigger_execution",
     .col = "trigger_execution_id",
     .request_name = "trigger_execution_id",
     .enc = E_UUID,
     .section = S_BODY,
     .ref = &resource_trigger_execution,
     .flags = C_NO_UPDATE,
     .schema = "?"},
    {.name = "model_version_id", .enc = E_UUID, .section = S_BODY},
    COL_WORKSPACE,
    COL_METADATA(0),
    {.name = "steps", .section = S_META, .show = show_steps, .schema = "{StepRunResponse}={}"},
    {.name = "config",
     .sql = OF_DEPLOYMENT("pipeline_configuration"),
     .enc = E_JSON,
     .section = S_META,
     .doc = &MODEL_PIPELINE_CONFIGURATION},
    {.name = "start_time", .enc = E_STAMP, .section = S_META, .filter = F_STAMP},
    {.name = "end_time", .enc = E_STAMP, .section = S_META, .filter = F_STAMP, .flags = C_READONLY},
    {.name = "client_environment",
     .sql = OF_DEPLOYMENT("client_environment"),
     .enc = E_JSON,
     .section = S_META,
     .null_as = "{}"},
    {.name = "orchestrator_environment", .enc = E_JSON, .section = S_META, .null_as = "{}"},
    {.name = "orchestrator_run_id", .section = S_META, .filter = F_STRING},
    {.name = "code_path", .sql = "d.code_path", .section = S_META, .schema = "?"},
    {.name = "template_id", .sql = "d.template_id", .enc = E_UUID, .section = S_META, .schema = "?"},
    COL_MODEL_VERSION,
    COL_TAGS(S_RES),
    COL_NAME_AS(C_FIXED),
    COL_TARGET(pipeline, resource_pipeline, .request_name = "pipeline", .filter = F_UUID,
               .flags = C_NO_UPDATE | C_FIXED),
};

/* Pipelines keep their names, and deployments all they have: only with a deletion does a run cease to meet these. */
#define IN_DEPLOYMENT OF_ROW("pipeline_deployment x", "id = t.deployment_id"), .fixed = true

static const struct filter filters[] = {
    {"pipeline_name", F_STRING, "x.name", OF_ROW("pipeline x", "id = t.pipeline_id"), .fixed = true,
     .parts = "pipeline x", .part = "t.pipeline_id"},
    {"stack_id", F_ID, "x.stack_id", IN_DEPLOYMENT},
    {"schedule_id", F_ID, "x.schedule_id", IN_DEPLOYMENT},
    {"build_id", F_ID, "x.build_id", IN_DEPLOYMENT},
    {"template_id", F_ID, "x.template_id", IN_DEPLOYMENT},
    {"code_repository_id", F_ID, "y.code_repository_id", OF_REPOSITORY("id = t.deployment_id"), .fixed = true},
    {"unlisted", F_STRICT_BOOL, NULL, "t.pipeline_id IS NULL", "t.pipeline_id IS NOT NULL", .fixed = true},
    TAG_FILTER("pipeline_run"),
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ},
    {"deployment", &T_UUID, NULL, 0, REQ},
    {"pipeline", &T_UUID, NULL, 0, NUL},
    {"orchestrator_run_id", &T_STRING, NULL, 255, NUL},
    {"start_time", &T_STAMP, NULL, 0, NUL},
    {"end_time", &T_STAMP, NULL, 0, NUL | UPD | HOOK},
    {"status", &T_EXECUTION_STATUS, NULL, 0, REQ | UPD},
    {"client_environment", &T_MAP_STRING, "{}", 0, HOOK},
    {"orchestrator_environment", &T_MAP_STRING, "{}", 0, 0},
    {"trigger_execution_id", &T_UUID, NULL, 0, NUL},
    {"tags", &T_STRINGS, NULL, 0, NUL | HOOK},
    {"model_version_id", &T_UUID, NULL, 0, NUL | UPD},
    {"add_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
    {"remove_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
};
static const struct model body = MODEL("pipeline_run", fields);

/* The steps of hydrated runs. */
static int load(struct view *v, struct row **rows, size_t count)
{
    size_t n;
    struct row **whole = view_rows_with(v, rows, count, D_META, &n);
    return view_children(v, whole, n, SLOT_STEPS, &resource_step, NULL, "t.pipeline_run_id",
                         "t.pipeline_run_id, t.created, t.kanso_order");
}

/* The end time goes with the status; a model version is set once. */
static int before_update(struct write *w)
{
    if (member(w->body, "status"))
        write_set(w, "end_time", p_text(member_str(w->body, "end_time")));
    if (row_str(w->old, "model_version_id"))
        json_object_object_del(w->body, "model_version_id");
    return OK;
}

static int before_delete(struct write *w)
{
    return orphans_delete_of_runs(w->c, "id", w->id);
}

const struct resource resource_run = {
    .name = "pipeline_run",
    .label = "pipeline run",
    .title = "PipelineRun",
    .table = "pipeline_run",
    .joins = "LEFT JOIN pipeline_deployment d ON d.id = t.deployment_id",
    COLUMNS(columns),
    .body = &body,
    FILTERS(filters),
    .flags = X_GROWS | X_WORKSPACE | X_OWNER,
    .rank = RANK_RUN,
    .unique = {.columns = {"name"}, .error = EX_ENTITY_EXISTS},
    .tag_type = "pipeline_run",
    .metadata_type = "pipeline_run",
    .load = load,
    .before_update = before_update,
    .before_delete = before_delete,
};

/* Get or create --------------------------------------------------------------------------------------------------- */

static int respond_created(struct ctx *c, const char *id, bool created)
{
    struct jw w = respond_json(c);
    jw_open(&w, '[');
    TRY(respond_row(c, &resource_run, id, D_META | D_RES));
    jw_bool(&w, created);
    jw_close(&w, ']');
    c->found = !created;
    return OK;
}

/* Turns the placeholder of a deployment into the run that is asked for. *id stays NULL when there is none. */
static int take_placeholder(struct ctx *c, const char *deployment, const char **id)
{
    struct db_rows rows;
    TRY(sql(c, &rows,
            "SELECT id, status, pipeline_id FROM pipeline_run WHERE deployment_id = ? AND orchestrator_run_id IS NULL "
            "ORDER BY created, kanso_order LIMIT 1 FOR UPDATE",
            p_text(deployment)));
    *id = NULL;
    if (rows.count == 0)
        return OK;
    struct db_value *v = db_row(&rows, 0);
    const char *pipeline = member_hex(c->mem, c->body, "pipeline");
    if (!streq(v[1].s, "initializing"))
        return fail(c, EX_RUNTIME, "The run that waits for this deployment is %s, not initializing", v[1].s);
    if (!streq(v[2].s ? v[2].s : "", pipeline ? pipeline : ""))
        return fail(c, EX_VALUE, "The run that waits for this deployment belongs to another pipeline");
    *id = v[0].s;
    struct write w = {.c = c, .res = &resource_run};
    memcpy(w.id, *id, sizeof w.id);
    write_set(&w, "orchestrator_run_id", p_text(member_str(c->body, "orchestrator_run_id")));
    write_set(&w, "orchestrator_environment",
              p_text(json_text(c->mem, member(c->body, "orchestrator_environment"), true)));
    write_set(&w, "status", p_text(member_str(c->body, "status")));
    TRY(write_flush_update(&w));
    return tags_attach(c, "pipeline_run", *id, member(c->body, "tags"));
}

/* The run with that deployment and orchestrator run id, made by somebody else in the meantime; NULL when there is none.
 */
static int find_existing(struct ctx *c, const char *deployment, const char **id)
{
    return sql_value(c, id, "SELECT id FROM pipeline_run WHERE deployment_id = ? AND orchestrator_run_id = ?",
                     p_text(deployment), p_text(member_str(c->body, "orchestrator_run_id")));
}

/* Somebody was faster: theirs is the answer, if it is the same run. */
static int answer_existing(struct write *w, const char *deployment)
{
    struct ctx *c = w->c;
    const char *id;
    db_rollback(c->db);
    respond_reset(c);
    TRY(find_existing(c, deployment, &id));
    return id ? respond_created(c, id, false) : write_taken(w, &w->res->unique);
}

/*
 * Every step of a run may ask for its run first, on several machines at once, and all must get the same one
 * (docs/contract/resources.md#runs). There are three ways to it, tried in this order:
 *
 *  1. The client made a placeholder when it submitted the run: the row without orchestrator_run_id is locked and
 * becomes this run. Who waited for the lock finds it taken and goes on with 2.
 *  2. Somebody has made the run already: it is answered.
 *  3. Nobody has: it is made. The unique key on deployment and orchestrator run id, one of the few that the tables
 * have, decides between two who get here at once; who loses answers the winner's run.
 *
 * The transaction of 1 has changed nothing then and is given up: making a run begins one of its own.
 */
int run_get_or_create(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_run, .body = c->body};
    const char *deployment = member_hex(c->mem, c->body, "deployment"), *id;
    TRY(write_within(&w));
    if (!streq(member_hex(c->mem, c->body, "user"), c->auth->user_id))
        return fail(c, EX_ILLEGAL_OPERATION, "A pipeline run can only be created for oneself");
    if (!member_str(c->body, "orchestrator_run_id"))
        return fail(c, EX_VALUE, "orchestrator_run_id is needed to get or create a run");
    TRY(sql_begin(c));
    TRY(take_placeholder(c, deployment, &id));
    if (id) {
        TRY(sql_commit(c));
        return respond_created(c, id, true);
    }
    db_rollback(c->db);
    TRY(find_existing(c, deployment, &id));
    if (id)
        return respond_created(c, id, false);
    int rc = write_create(&w);
    if (rc == FAILED && w.result == WRITE_TAKEN)
        return answer_existing(&w, deployment);
    TRY(rc);
    return respond_created(c, w.id, true);
}

/* Status ----------------------------------------------------------------------------------------------------------- */

int run_lock(struct ctx *c, const char *id, bool with_configurations, struct run_lock *out)
{
    static const char configurations[] =
        ", (SELECT d.step_configurations FROM pipeline_deployment d WHERE d.id = r.deployment_id)";
    struct db_rows rows;
    TRY(sql(c, &rows,
            arena_printf(c->mem,
                         "SELECT r.status, r.deployment_id, (SELECT JSON_LENGTH(d.step_configurations) FROM "
                         "pipeline_deployment d WHERE d.id = r.deployment_id)%s FROM pipeline_run r WHERE r.id = ? FOR "
                         "UPDATE",
                         with_configurations ? configurations : ""),
            p_text(id)));
    if (rows.count == 0)
        return no_such_row(c, EX_KEY, &resource_run, id);
    struct db_value *v = db_row(&rows, 0);
    *out = (struct run_lock){
        .status = v[0].s, .deployment_id = v[1].s, .step_count = v[2].s ? strtoll(v[2].s, NULL, 10) : 0};
    memcpy(out->id, id, UUID_HEX + 1);
    if (with_configurations) {
        out->step_configurations = v[3].s;
        out->step_configurations_len = v[3].len;
    }
    return OK;
}

/* What a finished run teaches the server about its users. */
static int note_finished(struct ctx *c, const struct run_lock *run)
{
    static const char *const local[] = {"pipeline_run", "starter_setup_completed", NULL};
    static const char *const remote[] = {"pipeline_run", "starter_setup_completed",
                                         "pipeline_run_with_remote_orchestrator", "production_setup_completed", NULL};
    struct db_rows rows;
    TRY(sql(c, &rows,
            "SELECT COUNT(*) FROM pipeline_deployment d JOIN stack_composition x ON x.stack_id = d.stack_id JOIN "
            "stack_component k ON k.id = x.component_id WHERE d.id = ? AND k.type = 'orchestrator' AND k.flavor NOT IN "
            "('local', 'local_docker')",
            p_text(run->deployment_id)));
    return onboarding_add(c, *db_row(&rows, 0)[0].s != '0' ? remote : local);
}

/* Counts under the lock on the run's row (run_lock()): two steps that end at once would otherwise each count without
 * the other's change, both find one still running, and the run would never end. A run is complete when all steps of its
 * deployment are there and none runs; one that failed makes it failed at once. */
int run_derive_status(struct ctx *c, const struct run_lock *run)
{
    struct db_rows rows;
    TRY(sql(c, &rows,
            "SELECT COUNT(*), COALESCE(SUM(status = 'failed'), 0), COALESCE(SUM(status = 'running'), 0) FROM step_run "
            "WHERE pipeline_run_id = ?",
            p_text(run->id)));
    struct db_value *v = db_row(&rows, 0);
    int64_t steps = strtoll(v[0].s, NULL, 10), failed = strtoll(v[1].s, NULL, 10), running = strtoll(v[2].s, NULL, 10);
    const char *status = failed ? "failed" : running || steps < run->step_count ? "running" : "completed";
    if (streq(status, run->status))
        return OK;
    const char *now = stamp_made(c->mem);
    bool ended = !streq(status, "running");
    TRY(sql(c, NULL, "UPDATE pipeline_run SET status = ?, end_time = ?, updated = ? WHERE id = ?", p_text(status),
            ended ? p_text(now) : p_null(), p_text(now), p_text(run->id)));
    audit_changed(c, &resource_run, run->id, NULL, UPDATED);
    return ended ? note_finished(c, run) : OK;
}

/* Parts of a run --------------------------------------------------------------------------------------------------- */

int run_steps(struct ctx *c)
{
    char hex[UUID_HEX + 1];
    TRY(resource_find(c, &resource_run, c->param[0], hex));
    c->filter->hydrate = false;
    return resource_list(c);
}
