/* Models: what versions of a model have in common. Global by name. */
#include "model/model.h"
#include "model/orphans.h"

/* The newest version: by number. */
#define LATEST(what) "(SELECT v." what " FROM model_version v WHERE v.model_id = t.id ORDER BY v.number DESC LIMIT 1)"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    COL_TAGS(S_BODY),
    {.name = "latest_version_name", .sql = LATEST("name"), .section = S_BODY, .schema = "?"},
    {.name = "latest_version_id", .sql = LATEST("id"), .enc = E_UUID, .section = S_BODY, .schema = "?"},
    COL_WORKSPACE,
    {.name = "license", .section = S_META},
    {.name = "description", .section = S_META},
    {.name = "audience", .section = S_META},
    {.name = "use_cases", .section = S_META},
    {.name = "limitations", .section = S_META},
    {.name = "trade_offs", .section = S_META},
    {.name = "ethics", .section = S_META},
    {.name = "save_models_to_registry", .enc = E_BOOL, .section = S_META},
    COL_NAME,
};

#define TEXT_OF(name)                                                                                                  \
    {                                                                                                                  \
        name, &T_STRING, NULL, 65535, NUL | UPD | UPD_ANYLEN                                                           \
    }

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD | UPD_ANYLEN},
    TEXT_OF("license"),
    TEXT_OF("description"),
    TEXT_OF("audience"),
    TEXT_OF("use_cases"),
    TEXT_OF("limitations"),
    TEXT_OF("trade_offs"),
    TEXT_OF("ethics"),
    {"tags", &T_STRINGS, NULL, 0, REQ | NUL | HOOK},
    {"save_models_to_registry", &T_BOOL, "true", 0, UPD},
    {"add_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
    {"remove_tags", &T_STRINGS, NULL, 0, UPD_ONLY | HOOK},
};
static const struct model body = MODEL("model", fields);

static int delete_of_versions(struct write *w)
{
    return orphans_delete_of_versions(w->c, "model_version", "model_id", w->id);
}

static const struct filter filters[] = {
    TAG_FILTER("model"),
};

const struct resource resource_model = {
    .name = "model",
    .label = "model",
    .title = "Model",
    .table = "model",
    COLUMNS(columns),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER | X_NAME_RULE,
    .rank = RANK_MODEL,
    .unique = {.columns = {"name"}, .error = EX_ENTITY_EXISTS},
    FILTERS(filters),
    .tag_type = "model",
    .before_delete = delete_of_versions,
};
