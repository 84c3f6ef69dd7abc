/* Run templates: deployments that new runs can be started from. */
#include "document/documents.h"
#include "model/model.h"
#include "resource/stored.h"
#include "template/stack.h"

/* The newest run of a deployment that was made from the template. */
#define NEWEST_RUN(column)                                                                                             \
    "(SELECT r." column " FROM pipeline_deployment x STRAIGHT_JOIN pipeline_run r ON r.deployment_id = x.id WHERE "    \
    "x.template_id = t.id ORDER BY r.created DESC, r.kanso_order DESC LIMIT 1)"

/* What a hydrated row shows of its source: its data, unless no new run can be made of it. */
struct source {
    struct template_source of;
    const struct template_stack *stack; /* NULL: no components */
};

static void show_config_template(const struct cell *at, struct jw *w)
{
    const struct source *source = at->row->data;
    if (source)
        config_template_write(w, &source->of);
    else
        jw_null(w);
}

static void show_config_schema(const struct cell *at, struct jw *w)
{
    const struct source *source = at->row->data;
    if (source)
        config_schema_write(w, view_ctx(at->view)->mem, &source->of, source->stack ? source->stack->components : NULL,
                            source->stack ? source->stack->count : 0);
    else
        jw_null(w);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "runnable", .sql = "b.stack_id IS NOT NULL", .enc = E_BOOL, .section = S_BODY},
    {.name = "latest_run_id", .sql = NEWEST_RUN("id"), .enc = E_UUID, .section = S_BODY, .schema = "?"},
    {.name = "latest_run_status", .sql = NEWEST_RUN("status"), .section = S_BODY, .schema = "ExecutionStatus?"},
    COL_WORKSPACE,
    {.name = "description", .section = S_META, .schema = "string?"},
    {.name = "pipeline_spec",
     .sql = "d.pipeline_spec",
     .enc = E_JSON,
     .section = S_META,
     .doc = &MODEL_PIPELINE_SPEC,
     .schema = "?"},
    {.name = "config_template", .section = S_META, .show = show_config_template, .schema = "object?"},
    {.name = "config_schema", .section = S_META, .show = show_config_schema, .schema = "object?"},
    {.name = "source_deployment",
     .col = "source_deployment_id",
     .request_name = "source_deployment_id",
     .enc = E_UUID,
     .section = S_RES,
     .ref = &resource_deployment,
     .schema = "?"},
    COL_SHOWN_OF(pipeline, resource_pipeline, S_RES, "d.pipeline_id"),
    COL_SHOWN_OF(build, resource_build, S_RES, "d.build_id"),
    COL_SHOWN_OF(code_reference, resource_code_reference, S_RES, "d.code_reference_id"),
    COL_TAGS(S_RES),
    COL_NAME,
    {.name = "source_run_name", .sql = "d.run_name_template", .flags = C_LOAD_META},
    {.name = "source_stack", .sql = "b.stack_id", .flags = C_LOAD_META},
    {.name = "source_pipeline", .sql = "d.pipeline_configuration", .flags = C_LOAD_META},
    {.name = "source_steps", .sql = "d.step_configurations", .flags = C_LOAD_META},
};

#define IN_SOURCE OF_ROW("pipeline_deployment x", "id = t.source_deployment_id")

static const struct filter filters[] = {
    {"pipeline_id", F_ID, "x.pipeline_id", IN_SOURCE},
    {"build_id", F_ID, "x.build_id", IN_SOURCE},
    {"stack_id", F_ID, "x.stack_id", IN_SOURCE},
    {"code_repository_id", F_ID, "y.code_repository_id", OF_REPOSITORY("id = t.source_deployment_id")},
    TAG_FILTER("run_template"),
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"description", &T_STRING, NULL, 65535, NUL | UPD},
    {"source_deployment_id", &T_UUID, NULL, 0, REQ},
    {"tags", &T_STRINGS, NULL, 0, NUL | HOOK},
    {"add_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
    {"remove_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
};
static const struct model body = MODEL("run_template", fields);

static struct source *source_of(struct arena *mem, const struct row *row, const struct template_stack *stack)
{
    struct origin of_pipeline = {"run_template", row->id, "pipeline_configuration of the deployment"};
    struct origin of_steps = {"run_template", row->id, "step_configurations of the deployment"};
    struct source *source = arena_alloc(mem, sizeof *source);
    source->of.run_name = row_span(row, "source_run_name");
    source->of.pipeline = stored_json(mem, row_span(row, "source_pipeline"), of_pipeline);
    source->of.steps = stored_json(mem, row_span(row, "source_steps"), of_steps);
    source->stack = stack;
    return source;
}

/* The sources and stacks of hydrated rows. */
static int load(struct view *v, struct row **rows, size_t count)
{
    struct ctx *c = view_ctx(v);
    size_t n;
    struct lookup *stacks;
    struct row **hydrated = view_rows_with(v, rows, count, D_META, &n);
    const char **ids = arena_array(c->mem, n + 1, sizeof *ids);
    count = 0;
    for (size_t i = 0; i < n; i++)
        if (row_bool(hydrated[i], "runnable")) {
            ids[count] = row_str(hydrated[i], "source_stack");
            hydrated[count++] = hydrated[i];
        }
    TRY(template_stacks(c, ids, count, &stacks));
    for (size_t i = 0; i < count; i++)
        hydrated[i]->data = source_of(c->mem, hydrated[i], lookup_get(stacks, ids[i]));
    return OK;
}

static int check_source(struct write *w)
{
    struct ctx *c = w->c;
    const char *id = write_get(w, "source_deployment_id");
    struct db_rows rows;
    TRY(sql(c, &rows,
            "SELECT d.build_id, b.stack_id FROM pipeline_deployment d LEFT JOIN pipeline_build b ON "
            "b.id = d.build_id WHERE d.id = ?",
            p_text(id)));
    const struct db_value *v = rows.count ? db_row(&rows, 0) : NULL;
    if (!v)
        return no_such_row(c, EX_VALUE, &resource_deployment, id);
    if (!v[0].s)
        return fail(c, EX_VALUE, "No run template: the deployment has no build");
    if (!v[1].s)
        return fail(c, EX_VALUE, "No run template: the deployment's build has no stack");
    return template_check_stack(c, v[1].s);
}

static int release_deployments(struct write *w)
{
    return sql(w->c, NULL, "UPDATE pipeline_deployment SET template_id = NULL WHERE template_id = ?", p_text(w->id));
}

const struct resource resource_run_template = {
    .name = "run_template",
    .label = "run template",
    .title = "RunTemplate",
    .table = "run_template",
    .joins = "LEFT JOIN pipeline_deployment d ON d.id = t.source_deployment_id "
             "LEFT JOIN pipeline_build b ON b.id = d.build_id",
    COLUMNS(columns),
    .body = &body,
    FILTERS(filters),
    .flags = X_WORKSPACE | X_OWNER,
    .rank = RANK_TEMPLATE,
    .unique = {.columns = {"name", "workspace_id"}, .error = EX_ENTITY_EXISTS, .on_update = true},
    .tag_type = "run_template",
    .load = load,
    .before_create = check_source,
    .before_delete = release_deployments,
};
