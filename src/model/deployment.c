/* Pipeline deployments: everything that a run was started with. Never updated. */
#include "base/text.h"
#include "document/documents.h"
#include "jobs/jobs.h"
#include "model/code_reference.h"
#include "model/model.h"
#include "model/orphans.h"
#include "security/security.h"
#include "template/workload.h"

#include <stdlib.h>
#include <string.h>

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    COL_WORKSPACE,
    {.name = "run_name_template", .section = S_META},
    {.name = "pipeline_configuration",
     .enc = E_JSON,
     .section = S_META,
     .doc = &MODEL_PIPELINE_CONFIGURATION,
     .flags = C_COMPACT},
    {.name = "step_configurations", .enc = E_JSON, .section = S_META, .type = &T_STEPS},
    {.name = "client_environment", .enc = E_JSON, .section = S_META},
    {.name = "client_version", .section = S_META, .schema = "?!"},
    {.name = "server_version", .section = S_META, .schema = "?!"},
    {.name = "pipeline_version_hash", .section = S_META},
    {.name = "pipeline_spec", .enc = E_JSON, .section = S_META, .doc = &MODEL_PIPELINE_SPEC},
    {.name = "code_path", .section = S_META},
    COL_LINK(pipeline, resource_pipeline, S_META),
    COL_LINK(stack, resource_stack, S_META),
    COL_LINK(build, resource_build, S_META),
    COL_LINK(schedule, resource_schedule, S_META),
    COL_SHOWN(code_reference, resource_code_reference, S_META, .schema = "?"),
    {.name = "template_id",
     .request_name = "template",
     .enc = E_UUID,
     .section = S_META,
     .filter = F_UUID,
     .flags = C_FIXED,
     .schema = "?"},
};

static const struct field fields[] = {
    IN_OWNED,
    {"run_name_template", &T_STRING, NULL, 0, REQ},
    {"pipeline_configuration", &T_PIPELINE_CONFIGURATION, NULL, 0, REQ},
    {"step_configurations", &T_STEPS, "{}"},
    {"client_environment", &T_MAP_STRING, "{}"},
    {"client_version", &T_STRING, NULL, 0, NUL},
    {"server_version", &T_STRING, NULL, 0, NUL},
    {"pipeline_version_hash", &T_STRING, NULL, 0, NUL},
    {"pipeline_spec", &T_PIPELINE_SPEC, NULL, 0, NUL},
    {"stack", &T_UUID, NULL, 0, REQ},
    {"pipeline", &T_UUID, NULL, 0, NUL},
    {"build", &T_UUID, NULL, 0, NUL},
    {"schedule", &T_UUID, NULL, 0, NUL},
    {"code_reference", &T_CODE_REFERENCE, NULL, 0, NUL | HOOK},
    {"code_path", &T_STRING, NULL, 0, NUL},
    {"template", &T_UUID, NULL, 0, NUL},
};
static const struct model body = MODEL("pipeline_deployment", fields);

/* A copy with the members of all objects in order of their names. */
static struct json_object *sorted_copy(struct arena *mem, struct json_object *v)
{
    if (json_object_is_type(v, json_type_array)) {
        struct json_object *list = json_object_new_array();
        for (size_t i = 0; i < json_object_array_length(v); i++)
            json_object_array_add(list, sorted_copy(mem, json_object_array_get_idx(v, i)));
        return list;
    }
    if (!json_object_is_type(v, json_type_object))
        return json_object_get(v);
    size_t n = 0;
    const char **names = arena_array(mem, (size_t)json_object_object_length(v) + 1, sizeof *names);
    json_object_object_foreach(v, key, item)
    {
        (void)item;
        names[n++] = key;
    }
    qsort(names, n, sizeof *names, text_order);
    struct json_object *object = json_object_new_object();
    for (size_t i = 0; i < n; i++)
        json_object_object_add(object, names[i], sorted_copy(mem, member(v, names[i])));
    return object;
}

/* docs/security-models.md */
static int check_security_context(struct write *w)
{
    const char *why = sec_check_configuration(w->c->mem, member(w->body, "pipeline_configuration"));
    return why ? fail(w->c, EX_INVALID_VALUE, "%s", why) : OK;
}

static int before_create(struct write *w)
{
    struct arena *mem = w->c->mem;
    struct json_object *spec = member(w->body, "pipeline_spec"), *code = member(w->body, "code_reference");
    if (spec)
        write_set(w, "pipeline_spec", p_text(json_text(mem, json_keep(mem, sorted_copy(mem, spec)), true)));
    if (!code)
        return OK;
    const char *id;
    TRY(code_reference_find_or_add(w->c, write_get(w, "workspace_id"), code, &id));
    write_set(w, "code_reference_id", p_text(id));
    return OK;
}

/* The foreign key takes the runs along. What was started for one that was made from a template is still to be ended. */
static int before_delete(struct write *w)
{
    static const char nothing[] = "{}";
    TRY(orphans_delete_of_runs(w->c, "deployment_id", w->id));
    if (!row_str(w->old, "template_id"))
        return OK;
    /* no foreign key does that: ids of ZenML's tables may have another collation */
    TRY(sql(w->c, NULL, "DELETE FROM kanso_workload_log WHERE deployment_id = ?", p_text(w->id)));
    if (!workload_configured())
        return OK;
    return job_add(w->c, JOB_DISCARD, w->id, w->id, (struct span){nothing, strlen(nothing)}, 0);
}

const struct resource resource_deployment = {
    .name = "pipeline_deployment",
    .label = "pipeline deployment",
    .title = "PipelineDeployment",
    .table = "pipeline_deployment",
    COLUMNS(columns),
    .body = &body,
    .flags = X_GROWS | X_WORKSPACE | X_OWNER,
    .rank = RANK_DEPLOYMENT,
    .check_create = check_security_context,
    .before_create = before_create,
    .before_delete = before_delete,
};
