/* The graph of a run: its steps, the artifact versions between them, and what leads where
 * (docs/contract/resources.md#run-graph). */
#include "base/lookup.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/artifact_version.h"
#include "model/run.h"
#include "model/step.h"
#include "resource/stored.h"

#include <string.h>

struct edge {
    const char *source, *target;
};

/* The newest value of a key: its row of (resource_id, key, value, type). */
struct metadata {
    const struct db_value *row;
    const struct metadata *next;
};

/* A step that has an artifact version among its outputs: its place in the graph's steps. */
struct maker {
    size_t step;
    const struct maker *next;
};

struct graph {
    struct view *v;
    struct arena *mem;
    struct row **steps;
    size_t step_count;
    struct edge *edges;
    size_t edge_count, edge_room;
    struct lookup *metadata; /* of everything in the graph, by its id: struct metadata, oldest first */
    struct lookup *places;   /* of steps, by their ids: into `steps` */
    struct lookup *makers;   /* by the id of an artifact version: struct maker */
};

static char *node_id(struct graph *g, const char *prefix, const char *hex)
{
    return arena_printf(g->mem, "%s%s", prefix, uuid_dashed(g->mem, hex));
}

/* Metadata as texts -------------------------------------------------------------------------------------------------
 * Values appear as Python's str() shows them. */

static void add_python(struct graph *g, struct buf *b, struct span v, bool nested)
{
    struct span key, item;
    size_t at = 0;
    bool first = true;
    char kind = json_kind(v);
    if (kind == '"') {
        char *text = arena_alloc(g->mem, v.len + 1);
        text[json_unescape(v.s + 1, v.len - 2, text)] = '\0';
        buf_adds(b, nested ? python_repr(g->mem, text) : text);
    } else if (kind == '{') {
        buf_addc(b, '{');
        while (json_next_member(v, &at, &key, &item)) {
            buf_adds(b, first ? "" : ", ");
            add_python(g, b, (struct span){key.s - 1, key.len + 2}, true);
            buf_adds(b, ": ");
            add_python(g, b, item, true);
            first = false;
        }
        buf_addc(b, '}');
    } else if (kind == '[') {
        buf_addc(b, '[');
        while (json_next_item(v, &at, &item)) {
            buf_adds(b, first ? "" : ", ");
            add_python(g, b, item, true);
            first = false;
        }
        buf_addc(b, ']');
    } else if (kind == 't' || kind == 'f' || kind == 'n') {
        buf_adds(b, kind == 't' ? "True" : kind == 'f' ? "False" : "None");
    } else if (kind == 'N' || memchr(v.s, 'I', v.len)) {
        buf_adds(b, kind == 'N' ? "nan" : kind == 'I' ? "inf" : "-inf");
    } else {
        buf_add(b, v.s, v.len);
    }
}

static void write_value(struct graph *g, struct jw *w, const struct db_value *m)
{
    struct buf text = {0};
    buf_room(&text, 64);
    text.data[0] = '\0';
    struct span value = value_span(&m[2]);
    if (stored_json(g->mem, value, (struct origin){"run metadata of", m[0].s, m[1].s}).s)
        add_python(g, &text, value, false); /* as it is stored: Python has words for what JSON lacks */
    else
        buf_adds(&text, "None");
    jw_open(w, '[');
    jw_str(w, m[1].s);
    jw_strn(w, text.data, text.len);
    jw_str(w, m[3].s);
    jw_close(w, ']');
    buf_free(&text);
}

static void write_metadata(struct graph *g, struct jw *w, const char *id)
{
    jw_open(w, '[');
    for (const struct metadata *m = lookup_get(g->metadata, id); m; m = m->next)
        write_value(g, w, m->row);
    jw_close(w, ']');
}

/* Nodes ------------------------------------------------------------------------------------------------------------ */

/* Whether Python would call a JSON value empty. */
static bool is_falsy(struct span v)
{
    static const char *const falsy[] = {"null", "false", "\"\"", "{}", "[]", "0", "0.0"};
    for (size_t i = 0; i < ARRAY_LEN(falsy); i++)
        if (v.len == strlen(falsy[i]) && memcmp(v.s, falsy[i], v.len) == 0)
            return true;
    return false;
}

static bool key_in(struct span key, const char *const *names)
{
    for (; *names; names++)
        if (strlen(*names) == key.len && memcmp(*names, key.s, key.len) == 0)
            return true;
    return false;
}

static void write_configuration(struct jw *w, struct span config)
{
    static const char *const left_out[] = {"inputs", "outputs", "parameters", NULL};
    struct span key, value;
    size_t at = 0;
    jw_open(w, '{');
    while (json_next_member(config, &at, &key, &value)) {
        if (key_in(key, left_out) || is_falsy(value))
            continue;
        jw_raw(w, key.s - 1, key.len + 2);
        buf_addc(w->out, ':');
        jw_span(w, value);
    }
    jw_close(w, '}');
}

static void write_uris(struct graph *g, struct jw *w, const struct row *step, char direction)
{
    jw_open(w, '{');
    for (struct link *link = step->links[SLOT_STEP_IO]; link; link = link->next) {
        const struct row *version = view_find(g->v, &resource_artifact_version, link->id);
        if (*link->values[3].s == direction && version)
            jw_key_str(w, link->key, row_str(version, "uri"));
    }
    jw_close(w, '}');
}

static void begin_node(struct graph *g, struct jw *w, const char *type, const char *hex)
{
    jw_open(w, '{');
    jw_key_str(w, "id", node_id(g, arena_printf(g->mem, "%s_", type), hex));
    jw_key_str(w, "type", type);
    jw_key_open(w, "data", '{');
    jw_key_str(w, "execution_id", node_id(g, "", hex));
}

static void write_step(struct graph *g, struct jw *w, const struct row *step)
{
    struct span config = json_member(step_document(step), "config"), parameters = json_member(config, "parameters");
    begin_node(g, w, "step", step->id);
    jw_key_str(w, "name", row_str(step, "name"));
    jw_key_str(w, "status", row_str(step, "status"));
    jw_key(w, "entrypoint_name");
    jw_span(w, json_member(config, "name"));
    jw_key(w, "parameters");
    jw_span(w, parameters.s ? parameters : (struct span){"{}", 2});
    jw_key(w, "configuration");
    write_configuration(w, config);
    jw_key(w, "inputs");
    write_uris(g, w, step, 'i');
    jw_key(w, "outputs");
    write_uris(g, w, step, 'o');
    jw_key(w, "metadata");
    write_metadata(g, w, step->id);
    jw_close(w, '}');
    jw_close(w, '}');
}

/* The producing step of a version as text, "None" when unknown. */
static const char *producer(struct graph *g, const struct row *version)
{
    struct buf b = {0};
    struct jw w = {.out = &b};
    view_write_column(g->v, &w, version, resource_column(&resource_artifact_version, "producer_step_run_id"));
    const char *text = b.len > 2 && b.data[0] == '"' ? arena_strndup(g->mem, b.data + 1, b.len - 2) : "None";
    buf_free(&b);
    return text;
}

/* The dotted path of a stored source. */
static const char *import_path(struct graph *g, const struct row *version)
{
    struct span source = version_source(g->v, version, "data_type");
    struct span module = json_member(source, "module"), attribute = json_member(source, "attribute");
    if (!source.s)
        return NULL;
    if (json_kind(source) != '{' || json_kind(module) != '"')
        return arena_strndup(g->mem, source.s, source.len);
    if (json_kind(attribute) != '"')
        return arena_strndup(g->mem, module.s + 1, module.len - 2);
    return arena_printf(g->mem, "%.*s.%.*s", (int)module.len - 2, module.s + 1, (int)attribute.len - 2,
                        attribute.s + 1);
}

static void write_artifact(struct graph *g, struct jw *w, const struct row *version, const char *name,
                           const char *status, const char *parent)
{
    begin_node(g, w, "artifact", version->id);
    jw_key_str(w, "name", name);
    jw_key_str(w, "status", status);
    jw_key(w, "is_cached");
    jw_bool(w, streq(status, "cached"));
    jw_key_str(w, "artifact_type", row_str(version, "type"));
    jw_key_str(w, "artifact_data_type", import_path(g, version));
    jw_key_str(w, "parent_step_id", parent);
    jw_key_str(w, "producer_step_id", producer(g, version));
    jw_key_str(w, "uri", row_str(version, "uri"));
    jw_key(w, "metadata");
    write_metadata(g, w, version->id);
    jw_close(w, '}');
    jw_close(w, '}');
}

/* Edges ------------------------------------------------------------------------------------------------------------ */

static void add_edge(struct graph *g, const char *source, const char *target)
{
    g->edges = arena_grow(g->mem, g->edges, g->edge_count, &g->edge_room, sizeof *g->edges);
    g->edges[g->edge_count++] = (struct edge){source, target};
}

/* Marks, with a number of its own, the steps that made something which this one takes. */
static void mark_makers(const struct graph *g, const struct row *step, size_t *marks, size_t number)
{
    for (const struct link *link = step->links[SLOT_STEP_IO]; link; link = link->next)
        for (const struct maker *m = *link->values[3].s == 'i' ? lookup_get(g->makers, link->id) : NULL; m; m = m->next)
            marks[m->step] = number;
}

/* Steps that lead to each other without an artifact version between them. */
static void add_bare_edges(struct graph *g)
{
    size_t *marks = arena_array(g->mem, g->step_count, sizeof *marks);
    for (size_t i = 0; i < g->step_count; i++) {
        mark_makers(g, g->steps[i], marks, i + 1);
        for (struct link *link = g->steps[i]->links[SLOT_STEP_PARENTS]; link; link = link->next) {
            struct row *const *parent = lookup_get(g->places, link->id);
            if (!parent || marks[parent - g->steps] != i + 1)
                add_edge(g, node_id(g, "step_", link->id), node_id(g, "step_", g->steps[i]->id));
        }
    }
}

static void write_edges(struct graph *g, struct jw *w)
{
    add_bare_edges(g);
    jw_open(w, '[');
    for (size_t i = 0; i < g->edge_count; i++) {
        jw_open(w, '{');
        jw_key_str(w, "id", arena_printf(g->mem, "%s_%s", g->edges[i].source, g->edges[i].target));
        jw_key_str(w, "source", g->edges[i].source);
        jw_key_str(w, "target", g->edges[i].target);
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

/* The whole -------------------------------------------------------------------------------------------------------- */

static void write_step_and_outputs(struct graph *g, struct jw *w, const struct row *step)
{
    const char *self = node_id(g, "step_", step->id), *status = row_str(step, "status");
    const char *made = streq(status, "cached") ? "cached" : streq(status, "completed") ? "created" : "unknown";
    write_step(g, w, step);
    for (struct link *link = step->links[SLOT_STEP_IO]; link; link = link->next) {
        struct row *version = view_find(g->v, &resource_artifact_version, link->id);
        if (*link->values[3].s != 'o' || !version)
            continue;
        write_artifact(g, w, version, link->key, made, self);
        add_edge(g, self, node_id(g, "artifact_", link->id));
    }
    for (struct link *link = step->links[SLOT_STEP_IO]; link; link = link->next)
        if (*link->values[3].s == 'i')
            add_edge(g, node_id(g, "artifact_", link->id), self);
}

static void write_external(struct graph *g, struct jw *w)
{
    for (size_t i = 0; i < g->step_count; i++)
        for (struct link *link = g->steps[i]->links[SLOT_STEP_IO]; link; link = link->next) {
            const struct row *version = view_find(g->v, &resource_artifact_version, link->id);
            if (*link->values[3].s == 'i' && version && !lookup_get(g->makers, link->id))
                write_artifact(g, w, version, link->key, "external", producer(g, version));
        }
}

/* Of rows in order of age, the newest of each key, by what they belong to. */
static void index_metadata(struct graph *g, const struct db_rows *rows)
{
    struct lookup *keys = lookup_new(g->mem);
    g->metadata = lookup_new(g->mem);
    for (size_t i = rows->count; i-- > 0;) {
        const struct db_value *row = db_row(rows, i);
        if (!lookup_add(keys, arena_printf(g->mem, "%s %s", row[0].s, row[1].s), row))
            continue;
        const struct metadata m = {row, lookup_get(g->metadata, row[0].s)};
        lookup_put(g->metadata, row[0].s, arena_memdup(g->mem, &m, sizeof m));
    }
}

static int load_metadata(struct graph *g, const char *run_id)
{
    struct db_rows rows;
    const char **ids = NULL;
    size_t n = 0, room = 0;
    for (size_t i = 0; i < g->step_count; i++)
        for (struct link *link = g->steps[i]->links[SLOT_STEP_IO]; link; link = link->next) {
            ids = arena_grow(g->mem, ids, n, &room, sizeof *ids);
            ids[n++] = link->id;
        }
    TRY(view_fetch(g->v, &resource_artifact_version, D_META, ids, n)); /* who made them is among the metadata */
    for (size_t i = 0; i < g->step_count; i++) {
        ids = arena_grow(g->mem, ids, n, &room, sizeof *ids);
        ids[n++] = g->steps[i]->id;
    }
    ids = arena_grow(g->mem, ids, n, &room, sizeof *ids);
    ids[n++] = run_id;
    TRY(sql_in(view_ctx(g->v), &rows,
               "SELECT resource_id, `key`, value, type FROM run_metadata WHERE resource_id IN %s "
               "ORDER BY created, kanso_order",
               ids, n, NULL, 0));
    index_metadata(g, &rows);
    return OK;
}

static void index_steps(struct graph *g)
{
    g->places = lookup_new(g->mem);
    g->makers = lookup_new(g->mem);
    for (size_t i = 0; i < g->step_count; i++) {
        lookup_add(g->places, g->steps[i]->id, &g->steps[i]);
        for (const struct link *link = g->steps[i]->links[SLOT_STEP_IO]; link; link = link->next) {
            const struct maker m = {i, lookup_get(g->makers, link->id)};
            if (*link->values[3].s == 'o')
                lookup_put(g->makers, link->id, arena_memdup(g->mem, &m, sizeof m));
        }
    }
}

static int load_graph(struct graph *g, const char *run_id)
{
    struct query *q = view_query(g->v, &resource_step, D_META);
    query_from(q, &resource_step, D_META);
    query_with(q, " WHERE t.pipeline_run_id = ? ORDER BY t.created, t.kanso_order", SQL_PARAMS(p_text(run_id)));
    TRY(view_select(g->v, &resource_step, D_META, q, &g->steps, &g->step_count));
    char hex[UUID_HEX + 1];
    if (g->step_count == 0)
        TRY(resource_find(view_ctx(g->v), &resource_run, run_id, hex));
    TRY(view_load(g->v));
    index_steps(g);
    return load_metadata(g, run_id);
}

int run_graph(struct ctx *c)
{
    /* artifact versions are left to load_metadata(), which reads more of them, but once */
    static const struct resource *const not_shown[] = {
        &resource_tag,  &resource_run_metadata, &resource_artifact,      &resource_workspace,
        &resource_logs, &resource_user,         &resource_model_version, &resource_artifact_version};
    struct graph g = {.v = view_new(c), .mem = c->mem};
    for (size_t i = 0; i < ARRAY_LEN(not_shown); i++)
        view_exclude(g.v, not_shown[i]);
    view_no_envelopes(g.v);
    TRY(load_graph(&g, c->param[0]));
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    jw_key_open(&w, "nodes", '[');
    for (size_t i = 0; i < g.step_count; i++)
        write_step_and_outputs(&g, &w, g.steps[i]);
    write_external(&g, &w);
    jw_close(&w, ']');
    jw_key(&w, "edges");
    write_edges(&g, &w);
    jw_key_str(&w, "root_step_id", g.step_count ? node_id(&g, "step_", g.steps[0]->id) : NULL);
    jw_key(&w, "run_metadata");
    write_metadata(&g, &w, c->param[0]);
    jw_close(&w, '}');
    return OK;
}
