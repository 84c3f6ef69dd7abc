/* Workspaces: the outermost container; the default one is always there. */
#include "model/handlers.h"

#include "model/secret.h"

#include "base/config.h"
#include "base/text.h"
#include "db/seed.h"

#include <strings.h>

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "description", .section = S_META},
    COL_NAME,
};

static const struct field fields[] = {
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"description", &T_STRING, "\"\"", 255, UPD},
};
static const struct model body = MODEL("workspace", fields);

/* The default workspace keeps its name and stays. */
static int protect_name(struct write *w)
{
    const char *name = member_str(w->body, "name");
    if (name && strcasecmp(row_str(w->old, "name"), config.default_workspace) == 0 &&
        !streq(name, row_str(w->old, "name")))
        return fail(w->c, EX_ILLEGAL_OPERATION, "The default workspace cannot be renamed");
    return OK;
}

static int refuse_default(struct ctx *c, const char *name)
{
    if (name && strcasecmp(name, config.default_workspace) == 0)
        return fail(c, EX_ILLEGAL_OPERATION, "The default workspace cannot be deleted");
    return OK;
}

/* The default workspace keeps its name, and no other can take it: what holds here holds until the workspace is gone. */
static int may_delete(struct ctx *c, const char *id)
{
    const char *name;
    TRY(sql_value(c, &name, "SELECT name FROM workspace WHERE id = ?", p_text(id)));
    return refuse_default(c, name);
}

/* The foreign keys take along what is in it, but not the tags of that, which name it by type and id. */
static int untag_within(struct ctx *c, const char *id)
{
    for (const struct resource *const *r = all_resources; *r; r++)
        if ((*r)->tag_type && (*r)->flags & X_WORKSPACE)
            TRY(sql(c, NULL,
                    arena_printf(c->mem,
                                 "DELETE x FROM `%s` v JOIN tag_resource x ON x.resource_id = v.id AND "
                                 "x.resource_type = '%s' WHERE v.workspace_id = ?",
                                 (*r)->table, (*r)->tag_type),
                    p_text(id)));
    return OK;
}

static int before_delete(struct write *w)
{
    TRY(refuse_default(w->c, row_str(w->old, "name")));
    TRY(untag_within(w->c, w->id));
    return secrets_delete_within(w->c, w->id);
}

static int add_default_stack(struct write *w)
{
    return sql_failed(w->c, seed_default_stack(w->c->db, w->c->mem, w->id));
}

const struct resource resource_workspace = {
    .name = "workspace",
    .label = "workspace",
    .title = "Workspace",
    .table = "workspace",
    COLUMNS(columns),
    .body = &body,
    .flags = X_COMMON | X_UPDATE_NULLS,
    .rank = RANK_WORKSPACE,
    .unique = {.columns = {"name"}, .error = EX_ENTITY_EXISTS},
    .after_create = add_default_stack,
    .before_update = protect_name,
    .before_delete = before_delete,
    .may_delete = may_delete,
};

int workspace_statistics(struct ctx *c)
{
    static const char *const counts[][2] = {
        {"stacks", "stack"}, {"components", "stack_component"}, {"pipelines", "pipeline"}, {"runs", "pipeline_run"}};
    char id[33];
    struct db_rows rows;
    TRY(resource_find(c, &resource_workspace, c->param[0], id));
    TRY(sql(
        c, &rows,
        "SELECT (SELECT COUNT(*) FROM stack WHERE workspace_id = ?), (SELECT COUNT(*) FROM stack_component WHERE "
        "workspace_id = ?), (SELECT COUNT(*) FROM pipeline WHERE workspace_id = ?), (SELECT COUNT(*) FROM pipeline_run "
        "WHERE workspace_id = ?)",
        p_text(id), p_text(id), p_text(id), p_text(id)));
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        jw_key(&w, counts[i][0]);
        jw_raw(&w, db_row(&rows, 0)[i].s, db_row(&rows, 0)[i].len);
    }
    jw_close(&w, '}');
    return OK;
}
