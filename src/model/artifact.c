/* Artifacts: what pipelines make, by name; the data itself hangs on their versions. */
#include "base/uuid.h"
#include "model/model.h"
#include "model/orphans.h"

/* The newest version, its id and its name in one. */
#define LATEST                                                                                                         \
    "(SELECT CONCAT(v.id, v.version) FROM artifact_version v WHERE v.artifact_id = t.id ORDER BY v.created DESC, "     \
    "v.kanso_order DESC LIMIT 1)"

static void show_latest_name(struct view *v, const struct row *row, struct jw *w)
{
    const char *latest = row_str(row, "latest");
    (void)v;
    jw_str(w, latest ? latest + UUID_HEX : NULL);
}

static void show_latest_id(struct view *v, const struct row *row, struct jw *w)
{
    const char *latest = row_str(row, "latest");
    if (latest)
        jw_uuid(w, arena_strndup(view_ctx(v)->mem, latest, UUID_HEX));
    else
        jw_null(w);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_TAGS(S_BODY),
    {.name = "latest", .sql = LATEST, .flags = C_READONLY | C_LOAD},
    {.name = "latest_version_name", .section = S_BODY, .show = show_latest_name, .schema = "?"},
    {.name = "latest_version_id", .section = S_BODY, .enc = E_UUID, .show = show_latest_id, .schema = "?"},
    {.name = "has_custom_name", .enc = E_BOOL, .section = S_META, .filter = F_STRICT_BOOL},
    COL_NAME,
};

/* Artifacts belong to no workspace. */
static const struct filter filters[] = {
    {.name = "scope_workspace", .cls = F_STRICT_UUID},
};

static const struct field fields[] = {
    {"name", &T_STRING, NULL, 255, REQ | UPD | UPD_ANYLEN},
    {"has_custom_name", &T_BOOL, "false", 0, UPD},
    {"tags", &T_STRINGS, NULL, 0, NUL | HOOK},
    {"add_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
    {"remove_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
};
static const struct model body = MODEL("artifact", fields);

/* A name given by hand is a custom name, unless the same request says otherwise; an empty one changes nothing. */
static int rename_artifact(struct write *w)
{
    const char *name = member_str(w->body, "name");
    if (name && !*name)
        write_set(w, "name", p_text(row_str(w->old, "name")));
    else if (name && !member(w->body, "has_custom_name"))
        write_set(w, "has_custom_name", p_int(1));
    return OK;
}

static int delete_of_versions(struct write *w)
{
    return orphans_delete_of_versions(w->c, "artifact_version", "artifact_id", w->id);
}

const struct resource resource_artifact = {
    .name = "artifact",
    .label = "artifact",
    .title = "Artifact",
    .table = "artifact",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &body,
    .flags = X_NAME_RULE,
    .rank = RANK_ARTIFACT,
    .unique = {.columns = {"name"}, .error = EX_ENTITY_EXISTS},
    .tag_type = "artifact",
    .before_update = rename_artifact,
    .before_delete = delete_of_versions,
};
