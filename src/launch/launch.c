#include "launch/launch.h"

#include "access/gate.h"
#include "auth/session.h"
#include "base/config.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "document/documents.h"
#include "launch/start.h"
#include "model/model.h"
#include "resource/stored.h"
#include "template/compose.h"
#include "template/image.h"
#include "template/stack.h"

#include <string.h>

/* What load_template() reads. */
enum {
    V_DEPLOYMENT,
    V_WORKSPACE,
    V_DEPLOYMENT_STACK,
    V_PIPELINE,
    V_CODE_PATH,
    V_VERSION_HASH,
    V_PIPELINE_SPEC,
    V_PIPELINE_CONFIGURATION,
    V_STEP_CONFIGURATIONS,
    V_COMMIT,
    V_SUBDIRECTORY,
    V_CODE_REPOSITORY,
    V_BUILD,
    V_STACK,
    V_STACK_NAME,
    V_CHECKSUM,
    V_ZENML_VERSION,
    V_COUNT,
};

/* A new run in the making. */
struct launch {
    struct ctx *c;
    const char *template_id;
    struct json_object *config; /* checked; NULL: none */
    struct db_value v[V_COUNT]; /* of the template */
    struct stack_part *parts;
    size_t part_count;
    struct composed made;
    char deployment_id[UUID_HEX + 1], run_id[UUID_HEX + 1];
};

static int load_template(struct launch *l)
{
    struct db_rows rows;
    TRY(sql(l->c, &rows,
            "SELECT d.id, d.workspace_id, d.stack_id, d.pipeline_id, d.code_path, d.pipeline_version_hash, "
            "d.pipeline_spec, d.pipeline_configuration, d.step_configurations, r.commit, r.subdirectory, "
            "r.code_repository_id, b.id, s.id, s.name, b.stack_checksum, b.zenml_version FROM run_template t "
            "LEFT JOIN pipeline_deployment d ON d.id = t.source_deployment_id "
            "LEFT JOIN code_reference r ON r.id = d.code_reference_id "
            "LEFT JOIN pipeline_build b ON b.id = d.build_id LEFT JOIN stack s ON s.id = b.stack_id "
            "WHERE t.id = ?",
            p_text(l->template_id)));
    if (rows.count == 0)
        return fail(l->c, EX_KEY, "Unable to get run template with ID %s: No run template with this ID found.",
                    uuid_dashed(l->c->mem, l->template_id));
    memcpy(l->v, db_row(&rows, 0), sizeof l->v);
    if (!l->v[V_DEPLOYMENT].s || !l->v[V_BUILD].s || !l->v[V_STACK].s || !l->v[V_DEPLOYMENT_STACK].s)
        return fail(
            l->c, EX_VALUE,
            "This template can not be run because its associated deployment, stack or build have been deleted.");
    return OK;
}

/* The stack ------------------------------------------------------------------------------------------------------ */

/* By which a build tells whether its stack needs other packages now. */
static const char *stack_checksum(struct arena *a, const struct stack_part *parts, size_t count)
{
    const char **names = arena_array(a, count + 1, sizeof *names);
    struct buf text = {0};
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (parts[i].integration && *parts[i].integration && !streq(parts[i].integration, "built-in"))
            names[n++] = parts[i].integration;
    qsort(names, n, sizeof *names, text_order);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !streq(names[i], names[i - 1]))
            buf_adds(&text, names[i]);
    const char *sum = image_md5(a, text.data ? text.data : "", text.len);
    buf_free(&text);
    return sum;
}

static int check_stack(struct launch *l)
{
    TRY(stack_parts(l->c, l->v[V_STACK].s, &l->parts, &l->part_count));
    const char *sum = l->v[V_CHECKSUM].s;
    if (sum && *sum && !streq(sum, stack_checksum(l->c->mem, l->parts, l->part_count)))
        return fail(l->c, EX_VALUE,
                    "The stack %s has other integrations now than when its images were built: make a new template from "
                    "a run on the stack as it is",
                    l->v[V_STACK_NAME].s);
    return stack_parts_check(l->c, l->parts, l->part_count);
}

/* The settings of an orchestrator that would wait for its runs: the key, or NULL when there is no such thing. */
static const char *waiting_orchestrator(struct launch *l)
{
    for (const struct stack_part *p = l->parts; p < l->parts + l->part_count; p++) {
        struct origin of = {"flavor", p->flavor_id, "config_schema"};
        struct span schema = {0};
        if (streq(p->type, "orchestrator"))
            schema = stored_json(l->c->mem, p->schema, of);
        if (schema.s && json_member(json_member(schema, "properties"), "synchronous").s)
            return arena_printf(l->c->mem, "orchestrator.%s", p->flavor);
    }
    return NULL;
}

/* The deployment --------------------------------------------------------------------------------------------------- */

static struct json_object *stored_tree(struct launch *l, int column, const char *member_name)
{
    struct span text = stored_json(l->c->mem, (struct span){l->v[column].s, l->v[column].len},
                                   (struct origin){"pipeline_deployment", l->v[V_DEPLOYMENT].s, member_name});
    return text.s ? json_build(l->c->mem, text.s, text.len) : NULL;
}

static int compose_configurations(struct launch *l)
{
    struct arena *mem = l->c->mem;
    struct composed source = {stored_tree(l, V_PIPELINE_CONFIGURATION, "pipeline_configuration"),
                              stored_tree(l, V_STEP_CONFIGURATIONS, "step_configurations")};
    if (!source.pipeline || !json_object_is_type(source.steps, json_type_object))
        return fail(l->c, EX_VALUE, "The configuration of the template's deployment is damaged");
    const char *why = compose_refusal(l->config);
    if (!why)
        why = compose(mem, &source, l->config, &l->made);
    if (why)
        return fail(l->c, EX_VALUE, "%s", why);
    const char *key = waiting_orchestrator(l);
    if (key)
        compose_asynchronous(&l->made, key);
    return OK;
}

static void add_text(struct json_object *o, const char *name, const char *text)
{
    json_object_object_add(o, name, text ? json_object_new_string(text) : NULL);
}

static void add_id(struct launch *l, struct json_object *o, const char *name, const char *hex)
{
    add_text(o, name, hex ? uuid_dashed(l->c->mem, hex) : NULL);
}

static struct json_object *code_reference(struct launch *l)
{
    if (!l->v[V_CODE_REPOSITORY].s)
        return NULL;
    struct json_object *o = json_object_new_object();
    add_text(o, "commit", l->v[V_COMMIT].s);
    add_text(o, "subdirectory", l->v[V_SUBDIRECTORY].s);
    add_id(l, o, "code_repository", l->v[V_CODE_REPOSITORY].s);
    return o;
}

/* The request that a client would send for it. */
static struct json_object *deployment_request(struct launch *l)
{
    static const char VERSION[] = "0.66.0"; /* of ZenML: what answers like a server of it says so */
    struct json_object *o = json_keep(l->c->mem, json_object_new_object());
    const char *name = member_str(l->config, "run_name"), *pipeline = member_str(l->made.pipeline, "name");
    add_id(l, o, "user", l->c->auth->user_id);
    add_id(l, o, "workspace", l->v[V_WORKSPACE].s);
    add_text(o, "run_name_template",
             name && *name ? name : arena_printf(l->c->mem, "%s-{date}-{time}", pipeline ? pipeline : ""));
    json_object_object_add(o, "pipeline_configuration", json_object_get(l->made.pipeline));
    json_object_object_add(o, "step_configurations", json_object_get(l->made.steps));
    add_text(o, "client_version", VERSION);
    add_text(o, "server_version", VERSION);
    add_id(l, o, "stack", l->v[V_DEPLOYMENT_STACK].s);
    add_id(l, o, "pipeline", l->v[V_PIPELINE].s);
    add_id(l, o, "build", l->v[V_BUILD].s);
    add_id(l, o, "template", l->template_id);
    add_text(o, "code_path", l->v[V_CODE_PATH].s);
    add_text(o, "pipeline_version_hash", l->v[V_VERSION_HASH].s);
    json_object_object_add(o, "pipeline_spec", json_object_get(stored_tree(l, V_PIPELINE_SPEC, "pipeline_spec")));
    json_object_object_add(o, "code_reference", code_reference(l));
    return o;
}

/* Creates a row by a request that is checked like one of a client. */
static int create(struct launch *l, const struct resource *r, struct json_object *request, char id[UUID_HEX + 1])
{
    struct check *check = check_new(l->c->mem);
    struct write w = {.c = l->c, .res = r, .body = model_check(check, r->body, request)};
    if (!w.body)
        return fail(l->c, EX_INVALID_VALUE, "The run configuration does not fit the template: %s", check_text(check));
    if (r->check_create)
        TRY(r->check_create(&w));
    TRY(write_create_within(&w));
    memcpy(id, w.id, UUID_HEX + 1);
    return OK;
}

static int create_run(struct launch *l, struct json_object *deployment)
{
    char now[STAMP_LEN + 1];
    const char *why, *name = compose_run_name(l->c->mem, member_str(deployment, "run_name_template"), &why);
    struct json_object *o = json_keep(l->c->mem, json_object_new_object());
    if (!name)
        return fail(l->c, EX_VALUE, "%s", why);
    stamp_now(now);
    add_text(o, "name", name);
    add_id(l, o, "user", l->c->auth->user_id);
    add_id(l, o, "workspace", l->v[V_WORKSPACE].s);
    add_id(l, o, "deployment", l->deployment_id);
    add_id(l, o, "pipeline", l->v[V_PIPELINE].s);
    add_text(o, "status", "initializing");
    add_text(o, "start_time", now);
    return create(l, &resource_run, o, l->run_id);
}

/* What it is started with -------------------------------------------------------------------------------------------
 */

/* The workload calls back with a token of the caller's. */
static int check_settings(struct launch *l)
{
    bool tokens = config.auth_scheme == SCHEME_OAUTH2_PASSWORD_BEARER || config.auth_scheme == SCHEME_EXTERNAL;
    const char *why;
    if (!tokens)
        return fail(l->c, EX_VALUE,
                    "A template can only be run where callers sign in with tokens: the pipeline gets one");
    if (!config.server_url || !*config.server_url)
        return fail(l->c, EX_RUNTIME, "The server URL is not set in the server configuration.");
    if (!l->v[V_ZENML_VERSION].s)
        return fail(l->c, EX_VALUE, "The build of this template does not say its version of ZenML");
    return image_dockerfile(l->c->mem, NULL, 0, l->v[V_ZENML_VERSION].s, NULL, &why) ? OK
                                                                                     : fail(l->c, EX_VALUE, "%s", why);
}

/* What the token will say, which is made when it is needed: the queue holds no credentials. */
static int add_start(struct launch *l)
{
    const struct auth *auth = l->c->auth;
    struct token t = {.subject = auth->user_id, .session = auth->session_id};
    if (!auth->token) /* no sign-in lies behind this call */
        TRY(session_open(l->c, &t, NULL));
    const struct start s = {.run = l->run_id,
                            .user = auth->user_id,
                            .pipeline = l->v[V_PIPELINE].s,
                            .schedule = auth->schedule_id,
                            .device = auth->device_id,
                            .api_key = auth->api_key_id,
                            .session = t.session,
                            .claims = auth->claims};
    return start_add(l->c, l->deployment_id, &s);
}

static int launch(struct launch *l)
{
    TRY(load_template(l));
    TRY(check_stack(l));
    TRY(compose_configurations(l));
    struct json_object *request = deployment_request(l);
    TRY(create(l, &resource_deployment, request, l->deployment_id));
    TRY(check_settings(l));
    TRY(create_run(l, request));
    return add_start(l);
}

int template_run(struct ctx *c, const char *template_id, const struct span *text, char run_id[33])
{
    struct launch l = {.c = c, .template_id = template_id};
    if (text && text->s) {
        struct check *check = check_new(c->mem);
        l.config = model_check(check, &MODEL_RUN_CONFIGURATION, json_tree(c->mem, text->s, text->len));
        if (!l.config)
            return fail(c, EX_VALUE, "The run configuration is not one: %s", check_text(check));
    }
    TRY(launch(&l));
    memcpy(run_id, l.run_id, sizeof l.run_id);
    return OK;
}

/* The run's entitlement is asked for here, so that nobody waits for an image first; it is counted where the run begins.
 */
int template_run_create(struct ctx *c)
{
    struct launch l = {.c = c, .template_id = c->param[0], .config = c->body};
    TRY(gate_check(c, "pipeline_run"));
    TRY(sql_begin(c));
    TRY(launch(&l));
    TRY(sql_commit(c));
    return respond_row(c, &resource_run, arena_strdup(c->mem, l.run_id), D_META | D_RES);
}
