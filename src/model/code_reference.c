/* Code references: a commit of a code repository. They have no routes: deployments make and show them. */
#include "model/code_reference.h"

#include "base/uuid.h"
#include "model/model.h"

#include <string.h>

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "commit", .section = S_BODY},
    {.name = "subdirectory", .section = S_BODY},
    COL_SHOWN(code_repository, resource_code_repository, S_BODY),
};

const struct resource resource_code_reference = {
    .name = "code_reference",
    .label = "code reference",
    .title = "CodeReference",
    .table = "code_reference",
    COLUMNS(columns),
    .flags = X_WORKSPACE,
    .rank = RANK_CODE_REFERENCE,
};

struct commit {
    const char *workspace, *repository, *commit, *subdirectory;
};

static int find(struct ctx *c, const struct commit *k, const char **id)
{
    return sql_value(c, id,
                     "SELECT id FROM code_reference WHERE code_repository_id = ? AND workspace_id = ? AND `commit` = ? "
                     "AND subdirectory = ? ORDER BY created, kanso_order LIMIT 1",
                     p_text(k->repository), p_text(k->workspace), p_text(k->commit), p_text(k->subdirectory));
}

static int add(struct ctx *c, const struct commit *k, const char **id)
{
    struct write w = {.c = c, .res = &resource_code_reference};
    uuid_new(w.id);
    write_set(&w, "workspace_id", p_text(k->workspace));
    write_set(&w, "code_repository_id", p_text(k->repository));
    write_set(&w, "commit", p_text(k->commit));
    write_set(&w, "subdirectory", p_text(k->subdirectory));
    *id = arena_strdup(c->mem, w.id);
    return write_insert(&w);
}

int code_reference_find_or_add(struct ctx *c, const char *workspace, struct json_object *request, const char **id)
{
    const char *repository = member_hex(c->mem, request, "code_repository");
    const struct commit k = {workspace, repository, member_str(request, "commit"), member_str(request, "subdirectory")};
    TRY(find(c, &k, id));
    if (*id)
        return OK;
    /* whoever adds to a repository waits here for the others, then looks again */
    TRY(sql(c, NULL, "SELECT id FROM code_repository WHERE id = ? FOR UPDATE", p_text(repository)));
    TRY(find(c, &k, id));
    return *id ? OK : add(c, &k, id);
}
