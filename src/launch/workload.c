/* The jobs that start a workload and look after it, and its log. */
#include "template/workload.h"
#include "audit/audit.h"
#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "launch/start.h"
#include "model/model.h"
#include "resource/sql.h"
#include "template/image.h"
#include "template/stack.h"

#include <string.h>
#include <time.h>

/* The log -------------------------------------------------------------------------------------------------------- */

int workload_log(struct ctx *c, const char *deployment_id, const char *message)
{
    char id[UUID_HEX + 1], now[STAMP_LEN + 1];
    uuid_new(id);
    stamp_now(now);
    return sql(c, NULL, "INSERT INTO kanso_workload_log (id, created, deployment_id, message) VALUES (?, ?, ?, ?)",
               p_text(id), p_text(now), p_text(deployment_id), p_text(message));
}

/* The lines of the log so far. */
static int read_log(struct ctx *c, const char *deployment_id, struct db_rows *rows)
{
    return sql(c, rows, "SELECT message FROM kanso_workload_log WHERE deployment_id = ? ORDER BY created, kanso_order",
               p_text(deployment_id));
}

/* Jobs are run again: a line that is there is not written twice. */
static int log_once(struct ctx *c, const char *deployment_id, const char *message)
{
    struct db_rows rows;
    TRY(read_log(c, deployment_id, &rows));
    for (size_t i = 0; i < rows.count; i++)
        if (streq(db_row(&rows, i)[0].s, message))
            return OK;
    return workload_log(c, deployment_id, message);
}

static void free_text(void *b)
{
    buf_free(b);
}

static struct buf *new_text(struct ctx *c)
{
    struct buf *text = arena_alloc(c->mem, sizeof *text);
    arena_on_reset(c->mem, free_text, text);
    return text;
}

/* What the manager has; the lines of our own are shown in any case. A worker that has waited for nothing does not ask
 * again for four times as long: who asks for logs every second must not take all workers from everybody else. */
static void add_managers_log(struct ctx *c, const struct workload_manager *m, const char *id, struct buf *text)
{
    static double ask_again;
    struct buf *own = new_text(c);
    double start = monotonic_ms();
    bool asked = start >= ask_again;
    if (asked && m->logs(c, uuid_dashed(c->mem, id), own) == OK) {
        buf_add(text, own->data, own->len);
        return;
    }
    if (asked) {
        log_warn("the log of workload %s: %s", id,
                 c->res.body.data ? c->res.body.data : "the manager does not say why");
        ask_again = monotonic_ms() + 4 * (monotonic_ms() - start);
        respond_reset(c);
    }
    buf_adds(text, "(The workload manager does not give its log at the moment.)\n");
}

int deployment_logs(struct ctx *c)
{
    const struct workload_manager *m;
    const char *id = c->param[0];
    struct db_rows found, rows;
    struct buf *text = new_text(c);
    TRY(sql(c, &found, "SELECT 1 FROM pipeline_deployment WHERE id = ?", p_text(id)));
    if (!found.count)
        return no_such_row(c, EX_KEY, &resource_deployment, id);
    TRY(workload_manager_ready(c, &m));
    TRY(read_log(c, id, &rows));
    for (size_t i = 0; i < rows.count; i++)
        buf_addf(text, "%s\n", db_row(&rows, i)[0].s);
    add_managers_log(c, m, id, text);
    struct jw w = respond_json(c);
    jw_strn(&w, text->data ? text->data : "", text->len);
    return OK;
}

/* Runs that wait for their workload ------------------------------------------------------------------------------- */

/* Whether the placeholder is still one: not taken over by the workload, not deleted, not failed. */
static int is_waiting(struct ctx *c, const char *run_id, bool *waiting)
{
    struct db_rows rows;
    TRY(sql(c, &rows,
            "SELECT 1 FROM pipeline_run WHERE id = ? AND orchestrator_run_id IS NULL AND status = 'initializing'",
            p_text(run_id)));
    *waiting = rows.count > 0;
    return OK;
}

/* Says in run and log why the run will never begin, and ends the job. */
static int end_failed(struct ctx *c, const struct job *job, const char *run_id, const char *reason)
{
    char now[STAMP_LEN + 1];
    struct db_rows run, there;
    stamp_now(now);
    TRY(sql_begin(c));
    TRY(sql(c, &run,
            "UPDATE pipeline_run SET status = 'failed', updated = ? WHERE id = ? AND orchestrator_run_id IS NULL AND "
            "status = 'initializing'",
            p_text(now), p_text(run_id)));
    if (run.affected)
        audit_changed(c, &resource_run, run_id, NULL, UPDATED);
    TRY(sql(c, &there, "SELECT 1 FROM pipeline_deployment WHERE id = ? LOCK IN SHARE MODE", p_text(job->subject)));
    if (there.count)
        TRY(workload_log(c, job->subject, arena_printf(c->mem, "The run has failed to start: %s", reason)));
    TRY(job_done(c, job, reason));
    return sql_commit(c);
}

/* Starting ------------------------------------------------------------------------------------------------------- */

/* What came of a manager's operation, for jobs: RETRY is theirs for databases, and what is of no use to try again must
 * not look like a fault of ours (jobs/jobs.h). */
static int settled(struct ctx *c, int rc)
{
    enum { REFUSED = 400 };
    if (rc == FAILED)
        c->res.status = REFUSED;
    return rc == OK ? OK : FAILED;
}

/* What a workload is made of. */
struct order {
    const char *workspace, *stack, *zenml_version, *python_version;
    const char *dockerfile;
};

static int load_order(struct ctx *c, const char *deployment_id, struct order *o)
{
    struct db_rows rows;
    struct stack_part *parts;
    size_t count;
    const char *why;
    TRY(sql(c, &rows,
            "SELECT d.workspace_id, b.stack_id, b.zenml_version, b.python_version FROM pipeline_deployment d "
            "JOIN pipeline_build b ON b.id = d.build_id WHERE d.id = ? AND b.stack_id IS NOT NULL",
            p_text(deployment_id)));
    if (!rows.count)
        return fail(c, EX_VALUE, "The deployment, its build or the build's stack is gone");
    const struct db_value *v = db_row(&rows, 0);
    *o = (struct order){.workspace = v[0].s,
                        .stack = v[1].s,
                        .zenml_version = v[2].s ? v[2].s : "",
                        .python_version = v[3].s,
                        .dockerfile = ""};
    TRY(stack_parts(c, o->stack, &parts, &count));
    const char **sources = arena_array(c->mem, count + 1, sizeof *sources);
    for (size_t i = 0; i < count; i++)
        sources[i] = parts[i].source;
    const char *dockerfile = image_dockerfile(c->mem, sources, count, o->zenml_version, o->python_version, &why);
    if (!dockerfile)
        return fail(c, EX_VALUE, "%s", why);
    o->dockerfile = dockerfile;
    return OK;
}

static const char *image_name(struct arena *a, const char *dockerfile)
{
    return arena_printf(a, "zenml-runner:%s", image_md5(a, dockerfile, strlen(dockerfile)));
}

/* Starts the workload in its image; the environment says where to call back, and as whom. */
static int run_workload(struct ctx *c, const struct workload_manager *m, const struct order *o, const char *id,
                        const char *image, const char *token)
{
    enum { REFERENCE_TIMEOUT = 30 };
    static const char *const command[] = {"python", "-m", "zenml.entrypoints.entrypoint", NULL};
    const char *const arguments[] = {
        "--entrypoint_config_source",
        "zenml.zen_server.template_execution.runner_entrypoint_configuration.RunnerEntrypointConfiguration",
        "--deployment_id", id, NULL};
    struct pair environment[] = {
        {.name = "ZENML_ACTIVE_WORKSPACE_ID", .value = uuid_dashed(c->mem, o->workspace)},
        {.name = "ZENML_ACTIVE_STACK_ID", .value = uuid_dashed(c->mem, o->stack)},
        {.name = "ZENML_VERSION", .value = o->zenml_version},
        {.name = "ZENML_STORE_URL", .value = config.server_url},
        {.name = "ZENML_STORE_TYPE", .value = "rest"},
        {.name = "ZENML_STORE_API_TOKEN", .value = token},
        {.name = "ZENML_STORE_VERIFY_SSL", .value = "True"},
    };
    for (size_t i = 0; i < ARRAY_LEN(environment); i++)
        environment[i].value_len = strlen(environment[i].value);
    const struct workload w = {.id = id,
                               .image = image,
                               .command = command,
                               .arguments = arguments,
                               .environment = environment,
                               .n_environment = ARRAY_LEN(environment),
                               .timeout = m->state ? (unsigned)config.workload_limit : REFERENCE_TIMEOUT};
    return settled(c, m->run(c, &w));
}

static const char STARTING[] = "Starting pipeline run.", STARTED[] = "Pipeline run started successfully.",
                  INTERRUPTED[] = "The start was interrupted. The pipeline may be running, so it is not started again.";

/* Whether an earlier attempt has started it, or may have: a manager that cannot tell is not asked twice. */
static int is_started(struct ctx *c, const struct workload_manager *m, const struct job *job, bool *started)
{
    struct db_rows rows;
    *started = false;
    if (m->state) {
        enum workload_state state;
        const char *reason;
        TRY(settled(c, m->state(c, uuid_dashed(c->mem, job->subject), &state, &reason)));
        *started = state != WORKLOAD_UNKNOWN;
        return OK;
    }
    TRY(read_log(c, job->subject, &rows));
    for (size_t i = 0; i < rows.count; i++)
        *started = *started || streq(db_row(&rows, i)[0].s, STARTING);
    return OK;
}

/* Builds and starts. */
static int bring_up(struct ctx *c, const struct workload_manager *m, const struct job *job, const struct start *s)
{
    struct order o = {.zenml_version = "", .dockerfile = ""};
    const char *image, *token, *id = uuid_dashed(c->mem, job->subject);
    bool waiting;
    if (!config.server_url || !*config.server_url) /* on this host: the one that took the request has it */
        return fail(c, EX_VALUE, "The server URL is not set in the server configuration.");
    TRY(load_order(c, job->subject, &o));
    TRY(settled(c, m->build(c, id, o.dockerfile, image_name(c->mem, o.dockerfile), &image)));
    TRY(is_waiting(c, s->run, &waiting));
    if (!waiting)
        return fail(c, EX_VALUE, "The run has been deleted while its image was built");
    TRY(log_once(c, job->subject, STARTING));
    TRY(start_token(c, s, &token));
    return run_workload(c, m, &o, id, image, token);
}

/* Notes that it runs, and has it watched where that is possible. */
static int note_started(struct ctx *c, const struct workload_manager *m, const struct job *job, const struct start *s,
                        bool surely)
{
    const char *payload = arena_printf(c->mem, "{\"run\":\"%s\",\"since\":%lld}", s->run, (long long)time(NULL));
    TRY(sql_begin(c));
    TRY(log_once(c, job->subject, surely ? STARTED : INTERRUPTED));
    if (m->state)
        TRY(job_add(c, job_watch.name, job->subject, job->subject, (struct span){payload, strlen(payload)}, 0));
    TRY(job_done(c, job, surely ? "started" : "interrupted while it started"));
    return sql_commit(c);
}

static int start_workload(struct ctx *c, const struct job *job)
{
    const struct workload_manager *m;
    struct start s;
    bool waiting, started;
    if (!start_read(c->mem, job->payload, &s))
        return fail(c, EX_VALUE, "The job is damaged");
    TRY(is_waiting(c, s.run, &waiting));
    if (!waiting)
        return OK;
    TRY(settled(c, workload_manager_ready(c, &m))); /* it stays like that until the process is started anew */
    TRY(is_started(c, m, job, &started));
    if (!started)
        TRY(bring_up(c, m, job, &s));
    return note_started(c, m, job, &s, !started || m->state);
}

static int give_up(struct ctx *c, const struct job *job)
{
    struct start s;
    if (!start_read(c->mem, job->payload, &s))
        s.run = "";
    return end_failed(c, job, s.run, job->reason);
}

const struct job_kind job_workload = {.name = "workload",
                                      .about = "pipeline_deployment",
                                      .run = start_workload,
                                      .gave_up = give_up,
                                      .attempts = 8,
                                      .timeout = 3 * 7200,
                                      .ready = workload_announce};

/* Watching ------------------------------------------------------------------------------------------------------- */

enum {
    SOONEST = 2, /* seconds between two looks, growing with the age of the workload */
    LATEST = 60,
    LONGEST = 7 * 24 * 3600, /* a run that has not begun by then is left as it is */
};

static const char *why_ended(struct ctx *c, enum workload_state state, const char *reason)
{
    if (state == WORKLOAD_UNKNOWN)
        return "The workload is gone";
    return reason && *reason ? arena_printf(c->mem, "The workload has failed: %s", reason) : "The workload has failed";
}

static int look(struct ctx *c, const struct job *job, const char *run_id, int64_t age)
{
    const struct workload_manager *m;
    enum workload_state state;
    const char *reason = NULL;
    bool waiting;
    TRY(workload_manager_ready(c, &m));
    if (!m->state)
        return OK;
    TRY(settled(c, m->state(c, uuid_dashed(c->mem, job->subject), &state, &reason)));
    TRY(is_waiting(c, run_id, &waiting)); /* asked after the state: what has ended may have taken it over before */
    if (!waiting || state == WORKLOAD_SUCCEEDED)
        return OK;
    if (state != WORKLOAD_RUNNING)
        return end_failed(c, job, run_id, why_ended(c, state, reason));
    int64_t pause = age / 4;
    TRY(sql_begin(c));
    TRY(job_again(c, job, pause < SOONEST ? SOONEST : pause > LATEST ? LATEST : pause, "it runs"));
    return sql_commit(c);
}

static int watch(struct ctx *c, const struct job *job)
{
    struct json_object *o = json_tree(c->mem, job->payload.s, job->payload.len);
    const char *run_id = member_str(o, "run");
    int64_t age = (int64_t)time(NULL) - json_object_get_int64(member(o, "since"));
    bool waiting;
    if (!run_id)
        return fail(c, EX_VALUE, "The job is damaged");
    TRY(is_waiting(c, run_id, &waiting));
    if (!waiting || age > LONGEST)
        return OK;
    return look(c, job, run_id, age);
}

const struct job_kind job_watch = {
    .name = "watch", .about = "pipeline_deployment", .run = watch, .attempts = 300, .timeout = 120};

/* Removing ------------------------------------------------------------------------------------------------------- */

static int discard(struct ctx *c, const struct job *job)
{
    const struct workload_manager *m;
    TRY(settled(c, workload_manager_ready(c, &m)));
    return settled(c, m->remove(c, uuid_dashed(c->mem, job->subject)));
}

const struct job_kind job_discard = {
    .name = JOB_DISCARD, .about = "pipeline_deployment", .run = discard, .attempts = 10, .timeout = 300};
