/* Runs of single steps. Their configuration is not theirs: it is looked up by name in the deployment of the run. */
#include "model/step.h"

#include "base/lookup.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "document/documents.h"
#include "model/run.h"
#include "resource/stored.h"

#include <string.h>

static void show_io(const struct cell *at, struct jw *w)
{
    jw_open(w, '{');
    for (struct link *link = at->row->links[SLOT_STEP_IO]; link; link = link->next) {
        if (*link->values[3].s != at->col->arg)
            continue;
        jw_key(w, link->key);
        view_write_ref(at->view, w, &resource_artifact_version, link->id);
    }
    jw_close(w, '}');
}

struct span step_document(const struct row *row)
{
    const struct span *document = row->data;
    return document ? *document : (struct span){0};
}

static void show_document(const struct cell *at, struct jw *w)
{
    model_write_stored(w, at->col->doc, json_member(step_document(at->row), at->col->name));
}

static void show_logs(const struct cell *at, struct jw *w)
{
    const struct link *link = at->row->links[SLOT_STEP_LOGS];
    view_write_ref(at->view, w, &resource_logs, link ? link->id : NULL);
}

static void show_parents(const struct cell *at, struct jw *w)
{
    jw_open(w, '[');
    for (struct link *link = at->row->links[SLOT_STEP_PARENTS]; link; link = link->next)
        jw_uuid(w, link->id);
    jw_close(w, ']');
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "status", .section = S_BODY, .filter = F_STRING},
    {.name = "inputs", .section = S_BODY, .show = show_io, .arg = 'i', .schema = "{ArtifactVersionResponse}={}"},
    {.name = "outputs", .section = S_BODY, .show = show_io, .arg = 'o', .schema = "{ArtifactVersionResponse}={}"},
    {.name = "model_version_id", .enc = E_UUID, .section = S_BODY},
    COL_WORKSPACE,
    {.name = "config",
     .enc = E_JSON,
     .section = S_META,
     .doc = &MODEL_STEP_CONFIGURATION,
     .show = show_document,
     .schema = "StepConfiguration"},
    {.name = "spec",
     .enc = E_JSON,
     .section = S_META,
     .doc = &MODEL_STEP_SPEC,
     .show = show_document,
     .schema = "StepSpec"},
    {.name = "cache_key", .section = S_META, .filter = F_STRING, .flags = C_FIXED},
    {.name = "code_hash", .section = S_META, .filter = F_STRING, .flags = C_FIXED},
    {.name = "docstring", .section = S_META},
    {.name = "source_code", .section = S_META},
    {.name = "start_time", .enc = E_STAMP, .section = S_META, .filter = F_STAMP, .flags = C_FIXED},
    {.name = "end_time", .enc = E_STAMP, .section = S_META, .filter = F_STAMP},
    {.name = "logs", .section = S_META, .show = show_logs, .schema = "LogsResponse?"},
    COL_TARGET(deployment, resource_deployment, .request_name = "deployment", .section = S_META),
    COL_TARGET(pipeline_run, resource_run, .section = S_META, .filter = F_UUID, .flags = C_FIXED),
    COL_TARGET(original_step_run, resource_step, .section = S_META, .filter = F_UUID, .flags = C_FIXED),
    {.name = "parent_step_ids", .section = S_META, .show = show_parents, .schema = "[uuid]~"},
    COL_METADATA(0),
    {.name = "step_configuration", .enc = E_JSON, .flags = C_LOAD_META | C_READONLY},
    COL_MODEL_VERSION,
    COL_NAME_AS(C_FIXED),
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ},
    {"start_time", &T_STAMP, NULL, 0, NUL},
    {"end_time", &T_STAMP, NULL, 0, NUL | UPD},
    {"status", &T_EXECUTION_STATUS, NULL, 0, REQ | UPD},
    {"cache_key", &T_STRING, NULL, 255, NUL},
    {"code_hash", &T_STRING, NULL, 255, NUL},
    {"docstring", &T_STRING, NULL, 65535, NUL},
    {"source_code", &T_STRING, NULL, 65535, NUL},
    {"pipeline_run_id", &T_UUID, NULL, 0, REQ},
    {"original_step_run_id", &T_UUID, NULL, 0, NUL},
    {"parent_step_ids", &T_UUIDS, "[]", 0, HOOK},
    {"inputs", &T_MAP_UUID, "{}", 0, HOOK},
    {"outputs", &T_MAP_UUID, "{}", 0, UPD_DEF | HOOK},
    {"saved_artifact_versions", &T_MAP_UUID, "{}", 0, UPD_ONLY | UPD_DEF | HOOK},
    {"loaded_artifact_versions", &T_MAP_UUID, "{}", 0, UPD_ONLY | UPD_DEF | HOOK},
    {"logs", &T_LOGS_REQUEST, NULL, 0, NUL | HOOK},
    {"deployment", &T_UUID, NULL, 0, REQ},
    {"model_version_id", &T_UUID, NULL, 0, NUL | UPD},
};
static const struct model body = MODEL("step_run", fields);

/* Loading ---------------------------------------------------------------------------------------------------------- */

/* Rows that want a document: those of one deployment, or of one name in it, one after the other. */
struct waiting {
    struct row *row;
    struct waiting *next;
};

static void add_waiting(struct arena *mem, struct lookup *l, const char *text, struct row *row)
{
    const struct waiting s = {row, lookup_get(l, text)};
    lookup_put(l, text, arena_memdup(mem, &s, sizeof s));
}

/* Finds each step's document in its deployment, whose text is walked once, whatever the number of steps. */
static void assign_documents(struct arena *mem, const struct waiting *waiting, struct span all)
{
    struct lookup *names = lookup_new(mem);
    struct span key, value;
    size_t at = 0;
    for (; waiting; waiting = waiting->next)
        add_waiting(mem, names, row_str(waiting->row, "name"), waiting->row);
    while (json_next_member(all, &at, &key, &value)) {
        char *name = arena_alloc(mem, key.len + 1);
        name[json_unescape(key.s, key.len, name)] = '\0';
        for (const struct waiting *s = lookup_get(names, name); s; s = s->next)
            s->row->data = arena_memdup(mem, &value, sizeof value);
    }
}

static int load_documents(struct view *v, struct row **rows, size_t count)
{
    struct ctx *c = view_ctx(v);
    const char **ids = arena_array(c->mem, count + 1, sizeof *ids);
    struct lookup *waiting = lookup_new(c->mem);
    struct db_rows found;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const char *id = row_str(rows[i], "deployment_id");
        if (!id)
            continue;
        if (!lookup_get(waiting, id))
            ids[n++] = id;
        add_waiting(c->mem, waiting, id, rows[i]);
    }
    TRY(sql_in(c, &found, "SELECT id, step_configurations FROM pipeline_deployment WHERE id IN %s", ids, n, NULL, 0));
    for (size_t i = 0; i < found.count; i++) {
        struct db_value *d = db_row(&found, i);
        assign_documents(c->mem, lookup_get(waiting, d[0].s),
                         stored_json(c->mem, value_span(&d[1]),
                                     (struct origin){"pipeline_deployment", d[0].s, "step_configurations"}));
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i]->data)
            continue;
        struct span own = stored_json(c->mem, row_span(rows[i], "step_configuration"),
                                      (struct origin){"step_run", rows[i]->id, "step_configuration"});
        rows[i]->data = own.s ? arena_memdup(c->mem, &own, sizeof own) : NULL;
    }
    return OK;
}

static int load(struct view *v, struct row **rows, size_t count)
{
    size_t n;
    struct row **whole = view_rows_with(v, rows, count, D_META, &n);
    TRY(view_links(
        v, rows, count, SLOT_STEP_IO, &resource_artifact_version,
        "SELECT step_id, artifact_id, name, 'i' FROM step_run_input_artifact WHERE step_id IN %s UNION ALL "
        "SELECT step_id, artifact_id, name, 'o' FROM step_run_output_artifact WHERE step_id IN %s ORDER BY 3, 2"));
    if (n == 0)
        return OK;
    TRY(view_links(v, whole, n, SLOT_STEP_PARENTS, NULL,
                   "SELECT x.child_id, x.parent_id FROM step_run_parents x JOIN step_run p ON p.id = x.parent_id WHERE "
                   "x.child_id IN %s ORDER BY p.created, p.kanso_order"));
    TRY(view_children(v, whole, n, SLOT_STEP_LOGS, &resource_logs, NULL, "t.step_run_id", "t.created, t.kanso_order"));
    return load_documents(v, whole, n);
}

/* Writing ---------------------------------------------------------------------------------------------------------- */

/* Links a step with artifact versions by name; those that are linked already stay. */
static int link_artifacts(struct write *w, const char *table, const char *type, struct json_object *map)
{
    struct sql_values links = {.room = (size_t)json_object_object_length(map)};
    const char **ids = arena_array(w->c->mem, links.room + 1, sizeof *ids);
    json_object_object_foreach(map, name, id)
    {
        ids[links.rows] = uuid_hex(w->c->mem, json_object_get_string(id));
        sql_add_row(w->c->mem, &links, SQL_PARAMS(p_text(w->id), p_text(ids[links.rows]), p_text(name), p_text(type)));
    }
    const char *head =
        arena_printf(w->c->mem, "INSERT IGNORE INTO %s (step_id, artifact_id, name, type) VALUES", table);
    TRY(references_lock_all(w->c, &resource_artifact_version, ids, links.rows));
    return sql_insert(w->c, head, &links, "");
}

static int link_parents(struct write *w)
{
    struct json_object *list = member(w->body, "parent_step_ids");
    size_t count = json_object_array_length(list);
    struct sql_values links = {.room = count};
    const char **ids = arena_array(w->c->mem, count + 1, sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        ids[i] = uuid_hex(w->c->mem, json_object_get_string(json_object_array_get_idx(list, i)));
        sql_add_row(w->c->mem, &links, SQL_PARAMS(p_text(ids[i]), p_text(w->id)));
    }
    TRY(references_lock_all(w->c, &resource_step, ids, count));
    return sql_insert(w->c, "INSERT IGNORE INTO step_run_parents (parent_id, child_id) VALUES", &links, "");
}

static int insert_logs(struct write *w)
{
    struct json_object *logs = member(w->body, "logs");
    if (!logs)
        return OK;
    struct write row = {.c = w->c, .res = &resource_logs};
    uuid_new(row.id);
    write_set(&row, "uri", p_text(member_str(logs, "uri")));
    write_set(&row, "step_run_id", p_text(w->id));
    write_set(&row, "artifact_store_id", p_text(member_hex(w->c->mem, logs, "artifact_store_id")));
    return write_insert(&row);
}

/* A step must be described by its deployment; a row that is not would break every later read of its run. */
static int check_described(struct write *w, const struct run_lock *run)
{
    const char *name = member_str(w->body, "name");
    struct db_rows rows;
    struct span all = {run->step_configurations, run->step_configurations_len};
    const char *deployment = member_hex(w->c->mem, w->body, "deployment");
    if (!streq(deployment, run->deployment_id)) {
        TRY(sql(w->c, &rows, "SELECT step_configurations FROM pipeline_deployment WHERE id = ?", p_text(deployment)));
        if (rows.count == 0)
            return no_such_row(w->c, EX_KEY, &resource_deployment, deployment);
        all = value_span(db_row(&rows, 0));
    }
    if (!json_member(all, name).s)
        return fail(w->c, EX_VALUE, "The deployment of the run describes no step named '%s'", name);
    return OK;
}

static int check_name_free(struct write *w, const struct run_lock *run)
{
    const char *taken;
    TRY(sql_value(w->c, &taken, "SELECT id FROM step_run WHERE pipeline_run_id = ? AND name = ? LIMIT 1",
                  p_text(run->id), p_text(member_str(w->body, "name"))));
    if (taken)
        return fail(w->c, EX_ENTITY_EXISTS, "The run has a step named '%s' already", member_str(w->body, "name"));
    return OK;
}

/* w->data becomes the lock on the run. */
static int before_create(struct write *w)
{
    w->data = arena_alloc(w->c->mem, sizeof(struct run_lock));
    TRY(run_lock(w->c, write_get(w, "pipeline_run_id"), true, w->data));
    return check_name_free(w, w->data);
}

static int after_create(struct write *w)
{
    TRY(insert_logs(w));
    TRY(link_parents(w));
    TRY(link_artifacts(w, "step_run_input_artifact", "default", member(w->body, "inputs")));
    TRY(link_artifacts(w, "step_run_output_artifact", "default", member(w->body, "outputs")));
    TRY(check_described(w, w->data));
    return streq(member_str(w->body, "status"), "running") ? OK : run_derive_status(w->c, w->data);
}

const struct resource resource_step = {
    .name = "step_run",
    .label = "step run",
    .title = "StepRun",
    .table = "step_run",
    COLUMNS(columns),
    .body = &body,
    .flags = X_GROWS | X_WORKSPACE,
    .rank = RANK_STEP,
    .metadata_type = "step_run",
    .load = load,
    .before_create = before_create,
    .after_create = after_create,
};

/* The run of a step, which never changes: to be locked before anything else of the step is looked at. */
static int find_run(struct ctx *c, const char *step_id, const char **run_id)
{
    TRY(sql_value(c, run_id, "SELECT pipeline_run_id FROM step_run WHERE id = ?", p_text(step_id)));
    return *run_id ? OK : no_such_row(c, EX_KEY, &resource_step, step_id);
}

/* A model version that a step has is never replaced. */
static int lock_step(struct ctx *c, const char *step_id, bool *has_model)
{
    struct db_rows rows;
    TRY(sql(c, &rows, "SELECT model_version_id FROM step_run WHERE id = ? FOR UPDATE", p_text(step_id)));
    if (rows.count == 0)
        return no_such_row(c, EX_KEY, &resource_step, step_id);
    *has_model = db_row(&rows, 0)[0].s;
    return OK;
}

int step_update(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_step, .body = c->body};
    struct run_lock run;
    const char *run_id = NULL, *names[] = {"status", "end_time", "model_version_id"};
    bool has_model = false;
    memcpy(w.id, c->param[0], sizeof w.id);
    TRY(sql_begin(c));
    TRY(find_run(c, w.id, &run_id));
    TRY(run_lock(c, run_id, false, &run));
    if (member(w.body, "model_version_id"))
        TRY(lock_step(c, w.id, &has_model));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (member(w.body, names[i]) && !(i == 2 && has_model))
            write_set(&w, names[i],
                      encode_value(c->mem, resource_column(&resource_step, names[i]), member(w.body, names[i])));
    TRY(write_flush_update(&w));
    TRY(link_artifacts(&w, "step_run_output_artifact", "default", member(w.body, "outputs")));
    TRY(link_artifacts(&w, "step_run_output_artifact", "manual", member(w.body, "saved_artifact_versions")));
    TRY(link_artifacts(&w, "step_run_input_artifact", "manual", member(w.body, "loaded_artifact_versions")));
    TRY(run_derive_status(c, &run));
    TRY(sql_commit(c));
    return respond_row(c, &resource_step, w.id, D_META);
}

/* Parts of a step -------------------------------------------------------------------------------------------------- */

int step_get(struct ctx *c)
{
    return respond_row(c, &resource_step, c->param[0], D_META | D_RES);
}

int step_configuration(struct ctx *c)
{
    const struct column *config = resource_column(&resource_step, "config");
    struct view *v = view_new(c);
    struct row *row;
    TRY(view_row(v, &resource_step, D_META, c->param[0], &row));
    TRY(load_documents(v, &row, 1));
    struct jw w = respond_json(c);
    view_write_column(v, &w, row, config);
    return OK;
}
