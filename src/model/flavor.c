#include "model/flavor.h"

#include "base/text.h"
#include "db/seed.h"

#include <string.h>

/* What the column of the reference takes, in characters. */
enum { SCHEMA_MAX = 65535 };

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "type", .section = S_BODY, .filter = F_STRING},
    {.name = "integration", .section = S_BODY, .filter = F_STRING, .flags = C_NULL_EMPTY},
    {.name = "logo_url", .section = S_BODY},
    COL_SHOWN(workspace, resource_workspace, S_META, .schema = "?!"),
    {.name = "workspace_id", .request_name = "workspace", .enc = E_UUID, .filter = F_UUID, .flags = C_NO_UPDATE},
    {.name = "config_schema", .enc = E_JSON, .section = S_META},
    {.name = "connector_type", .section = S_META},
    {.name = "connector_resource_type", .section = S_META},
    {.name = "connector_resource_id_attr", .section = S_META},
    {.name = "source", .section = S_META},
    {.name = "docs_url", .section = S_META},
    {.name = "sdk_docs_url", .section = S_META},
    {.name = "is_custom", .enc = E_BOOL, .section = S_META},
    COL_NAME,
};

static const struct field fields[] = {
    IN_OWNER,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"type", &T_COMPONENT_TYPE, NULL, 0, REQ | UPD},
    {"config_schema", &T_MAP_ANY, NULL, 0, REQ | UPD},
    {"connector_type", &T_STRING, NULL, 255, NUL | UPD},
    {"connector_resource_type", &T_STRING, NULL, 255, NUL | UPD},
    {"connector_resource_id_attr", &T_STRING, NULL, 255, NUL | UPD},
    {"source", &T_STRING, NULL, 255, REQ | UPD},
    {"integration", &T_STRING, NULL, 255, REQ | NUL | UPD},
    {"logo_url", &T_STRING, NULL, 0, NUL | UPD},
    {"docs_url", &T_STRING, NULL, 0, NUL | UPD},
    {"sdk_docs_url", &T_STRING, NULL, 0, NUL | UPD},
    {"is_custom", &T_BOOL, "true", 0, UPD},
    {"workspace", &T_UUID, NULL, 0, NUL | UPD},
};
static const struct model body = MODEL("flavor", fields);

static int check_schema(struct write *w)
{
    const char *text = json_text(w->c->mem, member(w->body, "config_schema"), true);
    if (strlen(text) > SCHEMA_MAX)
        return fail(w->c, EX_VALUE, "The config_schema is too long: %zu of %d characters", strlen(text), SCHEMA_MAX);
    return OK;
}

static int check_update(struct write *w)
{
    if (member_given(w->body, "integration") && !member(w->body, "integration"))
        write_set(w, "integration", p_null()); /* only a create keeps an empty text instead */
    if (!member_given(w->body, "config_schema"))
        return OK;
    if (!member(w->body, "config_schema"))
        return fail(w->c, EX_INVALID_VALUE, "The config_schema of a flavor cannot be null");
    return check_schema(w);
}

static int protect_used(struct write *w)
{
    const char *name = row_str(w->old, "name"), *components;
    TRY(sql_value(w->c, &components, "SELECT COUNT(*) FROM stack_component WHERE flavor = ?", p_text(name)));
    if (!streq(components, "0"))
        return fail(w->c, EX_ILLEGAL_OPERATION, "The flavor '%s' cannot be deleted: %s stack components have it", name,
                    components);
    return OK;
}

const struct resource resource_flavor = {
    .name = "flavor",
    .label = "flavor",
    .title = "Flavor",
    .table = "flavor",
    COLUMNS(columns),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER | X_UPDATE_NULLS,
    .rank = RANK_FLAVOR,
    .unique = {.columns = {"name", "type", "workspace_id", "user_id"}, .error = EX_ENTITY_EXISTS},
    .check_create = check_schema,
    .before_update = check_update,
    .before_delete = protect_used,
};

int flavor_find(struct ctx *c, enum exception error, const char *name, const char *component_type, struct flavor **out)
{
    struct db_rows found;
    TRY(sql(c, &found,
            "SELECT is_custom, config_schema, connector_type, connector_resource_type, connector_resource_id_attr "
            "FROM flavor WHERE name = ? AND type = ? ORDER BY created, kanso_order LIMIT 1",
            p_text(name), p_text(component_type)));
    if (found.count == 0)
        return fail(c, error, "There is no flavor '%s' for the component type %s", name, component_type);
    struct db_value *v = db_row(&found, 0);
    *out = arena_alloc(c->mem, sizeof **out);
    **out = (struct flavor){
        .custom = *v[0].s != '0',
        .schema = json_tree(c->mem, v[1].s, v[1].len),
        .connector_type = v[2].s,
        .connector_resource_type = v[3].s,
        .connector_id_attribute = v[4].s,
    };
    return OK;
}

int flavors_sync(struct ctx *c)
{
    TRY(sql_begin(c));
    TRY(sql_failed(c, seed_flavors(c->db, c->mem)));
    TRY(sql_commit(c));
    return respond_null(c);
}
