/* Artifacts: what pipelines make, by name; the data itself hangs on their versions. */
#include "model/model.h"
#include "model/orphans.h"

/* A column of the newest version. */
#define LATEST(column)                                                                                                 \
    "(SELECT v." column " FROM artifact_version v WHERE v.artifact_id = t.id ORDER BY v.created DESC, v.kanso_order "  \
    "DESC LIMIT 1)"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_TAGS(S_BODY),
    {.name = "latest_version_name", .sql = LATEST("version"), .section = S_BODY, .schema = "?"},
    {.name = "latest_version_id", .sql = LATEST("id"), .enc = E_UUID, .section = S_BODY, .schema = "?"},
    {.name = "has_custom_name", .enc = E_BOOL, .section = S_META, .filter = F_STRICT_BOOL},
    COL_NAME,
};

/* Artifacts belong to no workspace. */
static const struct filter filters[] = {
    {.name = "scope_workspace", .cls = F_STRICT_UUID},
    TAG_FILTER("artifact"),
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
