/* Versions of artifacts: where the data is, what it is, and the step that made it. */
#include "model/artifact_version.h"

#include "audit/audit.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "document/documents.h"
#include "model/orphans.h"
#include "resource/stored.h"
#include "resource/total.h"

#include <ctype.h>
#include <string.h>

enum { SLOT_VISUALS = SLOT_FIRST, VERSION_MAX = 254 };

static const char *const TYPES[] = {"DataAnalysisArtifact", "DataArtifact",       "ModelArtifact", "SchemaArtifact",
                                    "ServiceArtifact",      "StatisticsArtifact", "BaseArtifact",  NULL};
static const struct type T_TYPE = {.kind = K_ENUM, .label = "str-enum[ArtifactType]", .words = TYPES};

/* The columns of resource_visualization, in its order. */
#define VISUALIZATION_COLUMNS "t.id, t.created, t.updated, t.type, t.uri, t.artifact_version_id"

/* Showing -------------------------------------------------------------------------------------------------------- */

static int load(struct view *v, struct row **rows, size_t count)
{
    size_t full_count;
    struct row **full = view_rows_with(v, rows, count, D_META, &full_count);
    TRY(view_links(v, full, full_count, SLOT_VISUALS, NULL,
                   "SELECT t.artifact_version_id, " VISUALIZATION_COLUMNS " FROM artifact_visualization t "
                   "WHERE t.artifact_version_id IN %s ORDER BY t.created, t.kanso_order"));
    for (size_t i = 0; i < full_count; i++)
        for (const struct link *link = full[i]->links[SLOT_VISUALS]; link; link = link->next)
            view_add(v, &resource_visualization, link->id, D_META, link->values + 1);
    return OK;
}

/* Who made a version: the one step that completed with it as an output, and that step's run; nobody when none or
 * several did (copies of cached steps list it as well). The step is then the one that the first step which lists it is
 * a copy of. */
#define LISTED_BY         "FROM step_run_output_artifact o JOIN step_run s ON s.id = o.step_id WHERE o.artifact_id = t.id"
#define COMPLETED(column) "(SELECT IF(COUNT(*) = 1, MIN(s." column "), NULL) " LISTED_BY " AND s.status = 'completed')"
#define MAKER_RUN         COMPLETED("pipeline_run_id")
#define MAKER             "COALESCE(" COMPLETED("id") ", " COPY_OF ")"
#define COPY_OF           "(SELECT s.original_step_run_id " LISTED_BY " ORDER BY s.id LIMIT 1)"

static void show_visualizations(const struct cell *at, struct jw *w)
{
    jw_open(w, '[');
    for (const struct link *link = at->row->links[SLOT_VISUALS]; link; link = link->next)
        view_write_ref(at->view, w, &resource_visualization, link->id);
    jw_close(w, ']');
}

static void show_label(const struct cell *at, struct jw *w)
{
    const char *text = row_str(at->row, "version");
    if (!text || !*text)
        text = row_str(at->row, "version_number");
    jw_str(w, text ? text : "None"); /* never null: clients read a text */
}

struct span version_source(struct view *v, const struct row *row, const char *member)
{
    struct span stored = row_span(row, member);
    return json_kind(stored) == '{' ? stored_json(view_ctx(v)->mem, stored, row_origin(row, member)) : stored;
}

static void show_source(const struct cell *at, struct jw *w)
{
    struct arena *mem = view_ctx(at->view)->mem;
    struct span stored = version_source(at->view, at->row, at->col->name);
    if (json_kind(stored) == '{')
        model_write_stored(w, &MODEL_SOURCE, stored);
    else if (!stored.s)
        jw_null(w);
    else
        jw_value(w, model_check(check_new(mem), &MODEL_SOURCE,
                                json_keep(mem, json_object_new_string_len(stored.s, (int)stored.len))));
}

#define COL_SOURCE(member)                                                                                             \
    {                                                                                                                  \
        .name = #member, .col = #member, .enc = E_JSON, .section = S_BODY, .filter = F_STRING,                         \
        .flags = C_COMPACT | C_FIXED, .show = show_source, .schema = "Source"                                          \
    }

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    COL_SHOWN(artifact, resource_artifact, S_BODY),
    {.name = "artifact_id", .enc = E_UUID, .filter = F_UUID, .flags = C_FIXED},
    {.name = "version", .col = "version", .section = S_BODY, .filter = F_STRING, .flags = C_FIXED, .show = show_label},
    {.name = "version_number", .enc = E_INT, .filter = F_INT, .flags = C_LOAD | C_FIXED},
    {.name = "uri", .section = S_BODY, .filter = F_STRING, .flags = C_FIXED},
    {.name = "type", .section = S_BODY, .filter = F_STRING, .flags = C_FIXED},
    COL_SOURCE(materializer),
    COL_SOURCE(data_type),
    COL_TAGS(S_BODY),
    {.name = "producer_pipeline_run_id", .sql = MAKER_RUN, .enc = E_UUID, .section = S_BODY, .schema = "?"},
    COL_WORKSPACE,
    COL_TARGET(artifact_store, resource_component, .section = S_META, .filter = F_UUID, .flags = C_FIXED),
    {.name = "producer_step_run_id", .sql = MAKER, .enc = E_UUID, .section = S_META, .schema = "?"},
    {.name = "visualizations",
     .section = S_META,
     .show = show_visualizations,
     .schema = "[ArtifactVisualizationResponse]?"},
    COL_METADATA(0),
};

/* No step took or made it. */
#define UNUSED                                                                                                         \
    "(NOT EXISTS (SELECT 1 FROM step_run_output_artifact o WHERE o.artifact_id = t.id) AND "                           \
    "NOT EXISTS (SELECT 1 FROM step_run_input_artifact i WHERE i.artifact_id = t.id))"

static const struct filter filters[] = {
    {"name", F_STRING, "x.name", OF_ROW("artifact x", "id = t.artifact_id")},
    {"has_custom_name", F_STRICT_BOOL, "x.has_custom_name", OF_ROW("artifact x", "id = t.artifact_id")},
    {.name = "only_unused", .cls = F_STRICT_BOOL, .sql = UNUSED},
    TAG_FILTER("artifact_version"),
};

/* Request -------------------------------------------------------------------------------------------------------- */

static const struct type *const VERSION_KINDS[] = {&T_STRING, &T_INT, NULL};
static const struct type T_VERSION = {.kind = K_UNION, .any = VERSION_KINDS};

static const struct field fields[] = {
    IN_OWNED,
    {"artifact_id", &T_UUID, NULL, 0, REQ},
    {"version", &T_VERSION, NULL, 0, REQ},
    {"has_custom_name", &T_BOOL, "false", 0, HOOK},
    {"type", &T_TYPE, NULL, 0, REQ},
    {"artifact_store_id", &T_UUID, NULL, 0, NUL},
    {"uri", &T_STRING, NULL, 65535, REQ},
    {"materializer", &T_SOURCE, NULL, 0, REQ},
    {"data_type", &T_SOURCE, NULL, 0, REQ},
    {"tags", &T_STRINGS, NULL, 0, NUL | HOOK},
    {"visualizations", &T_VISUALIZATIONS, NULL, 0, NUL | HOOK},
    {"name", &T_STRING, NULL, 0, UPD_ONLY | HOOK},
    {"add_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
    {"remove_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
};

static void check_version(struct check *c, struct json_object *value)
{
    struct json_object *version = member(value, "version");
    const char *text = version ? json_object_get_string(version) : "";
    if (utf8_length(text, strlen(text)) > VERSION_MAX)
        check_problem(c, "version", "assertion_error", version, "{\"error\":\"too long\"}",
                      "Assertion failed, a version has at most %d characters", VERSION_MAX);
}

static const struct model body = MODEL("artifact_version", fields, .after = check_version);

/* The version as a number, where its text is one: digits with an optional sign, blanks around and single underscores
 * between digits. False when it is none. */
static bool version_number(const char *s, int64_t *out)
{
    char digits[VERSION_MAX + 2];
    size_t n = 0;
    while (isspace((unsigned char)*s))
        s++;
    if (*s == '+' || *s == '-')
        digits[n++] = *s++;
    if (!isdigit((unsigned char)*s))
        return false;
    for (; isdigit((unsigned char)*s) || (*s == '_' && isdigit((unsigned char)s[1])); s++)
        if (*s != '_')
            digits[n++] = *s;
    while (isspace((unsigned char)*s))
        s++;
    digits[n] = '\0';
    return !*s && parse_int64(digits[0] == '+' ? digits + 1 : digits, out);
}

static int set_number(struct write *w)
{
    int64_t n;
    if (!version_number(write_get(w, "version"), &n))
        return OK;
    if (n > INT32_MAX || n < INT32_MIN)
        return fail(w->c, EX_VALUE, "The version %lld is beyond the numbers that can be sorted; choose another text",
                    (long long)n);
    write_set(w, "version_number", p_int(n));
    return OK;
}

static int insert_visualizations(struct write *w)
{
    struct json_object *list = member(w->body, "visualizations");
    size_t count = list ? json_object_array_length(list) : 0;
    struct sql_values rows = {.room = count};
    const char *now = stamp_made(w->c->mem);
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        sql_add_row(w->c->mem, &rows,
                    SQL_PARAMS(p_text(uuid_made(w->c->mem)), p_text(now), p_text(now), p_text(member_str(item, "type")),
                               p_text(member_str(item, "uri")), p_text(w->id)));
    }
    return sql_insert(
        w->c, "INSERT INTO artifact_visualization (id, created, updated, type, uri, artifact_version_id) VALUES", &rows,
        "");
}

static int delete_of_row(struct write *w)
{
    return orphans_delete_of_versions(w->c, "artifact_version", "id", w->id);
}

const struct resource resource_artifact_version = {
    .name = "artifact_version",
    .label = "artifact version",
    .title = "ArtifactVersion",
    .table = "artifact_version",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &body,
    .flags = X_GROWS | X_WORKSPACE | X_OWNER,
    .rank = RANK_ARTIFACT_VERSION,
    .unique = {.columns = {"version", "artifact_id"}, .error = EX_ENTITY_EXISTS},
    .tag_type = "artifact_version",
    .metadata_type = "artifact_version",
    .load = load,
    .before_create = set_number,
    .after_create = insert_visualizations,
    .before_delete = delete_of_row,
};

/* Deleting many -------------------------------------------------------------------------------------------------- */

int artifact_versions_delete(struct ctx *c, const char *const *ids, size_t count)
{
    static const char *const texts[] = {
        "DELETE FROM run_metadata WHERE resource_type = 'artifact_version' AND resource_id IN %s",
        "DELETE FROM tag_resource WHERE resource_type = 'artifact_version' AND resource_id IN %s",
        "DELETE FROM artifact_version WHERE id IN %s",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        TRY(sql_in(c, NULL, texts[i], ids, count, NULL, 0));
    if (count)
        TRY(total_deleted(c));
    audit_changed_all(c, &resource_artifact_version, ids, count, DELETED);
    return OK;
}

/* Ids of rows that meet a condition, locked. The condition is looked at twice: once to find them, and once more when
 * nobody can link to them any longer. */
static int lock_unused(struct ctx *c, const char *table, const char *condition, const char ***ids, size_t *count)
{
    struct db_rows found;
    TRY(sql0(c, &found, arena_printf(c->mem, "SELECT t.id FROM %s t WHERE %s FOR UPDATE", table, condition)));
    const char **candidates = sql_first_column(c->mem, &found);
    TRY(sql_in(c, &found, arena_printf(c->mem, "SELECT t.id FROM %s t WHERE %s AND t.id IN %%s", table, condition),
               candidates, found.count, NULL, 0));
    *ids = sql_first_column(c->mem, &found);
    *count = found.count;
    return OK;
}

static int prune_versions(struct ctx *c)
{
    const char **ids;
    size_t count;
    TRY(lock_unused(c, "artifact_version", UNUSED, &ids, &count));
    return artifact_versions_delete(c, ids, count);
}

static int prune_artifacts(struct ctx *c)
{
    const char **ids;
    size_t count;
    TRY(lock_unused(c, "artifact", "NOT EXISTS (SELECT 1 FROM artifact_version v WHERE v.artifact_id = t.id)", &ids,
                    &count));
    TRY(sql_in(c, NULL, "DELETE FROM tag_resource WHERE resource_type = 'artifact' AND resource_id IN %s", ids, count,
               NULL, 0));
    TRY(sql_in(c, NULL, "DELETE FROM artifact WHERE id IN %s", ids, count, NULL, 0));
    TRY(count ? total_deleted(c) : OK);
    audit_changed_all(c, &resource_artifact, ids, count, DELETED);
    return OK;
}

static const struct field prune_fields[] = {{"only_versions", &T_BOOL, "true", 0, 0}};
const struct model PRUNE_QUERY = MODEL("prune", prune_fields);

int artifact_versions_prune(struct ctx *c)
{
    TRY(sql_begin(c));
    TRY(prune_versions(c));
    if (!member_bool(c->query, "only_versions"))
        TRY(prune_artifacts(c));
    TRY(sql_commit(c));
    return respond_null(c);
}
