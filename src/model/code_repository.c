/* Code repositories: where clients find the code of their pipelines. What they are and how to reach them is fixed. */
#include "document/documents.h"
#include "model/model.h"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "source", .enc = E_JSON, .section = S_BODY, .doc = &MODEL_SOURCE, .flags = C_COMPACT | C_NO_UPDATE},
    {.name = "logo_url", .section = S_BODY},
    COL_WORKSPACE,
    {.name = "config", .enc = E_JSON, .section = S_META, .flags = C_NO_UPDATE},
    {.name = "description", .section = S_META},
    COL_NAME,
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"config", &T_MAP_ANY, NULL, 0, REQ | UPD},
    {"source", &T_SOURCE_OBJECT, NULL, 0, REQ},
    {"source", &T_SOURCE, NULL, 0, UPD_ONLY}, /* an update takes a dotted path as well, to no effect */
    {"logo_url", &T_STRING, NULL, 0, NUL | UPD},
    {"description", &T_STRING, NULL, 65535, NUL | UPD},
};
static const struct model body = MODEL("code_repository", fields);

/* An empty text leaves things as they are. */
static int ignore_empty(struct write *w)
{
    static const char *const names[] = {"name", "logo_url", "description", NULL};
    for (const char *const *name = names; *name; name++) {
        const char *s = member_str(w->body, *name);
        if (s && !*s)
            json_object_object_del(w->body, *name);
    }
    return OK;
}

const struct resource resource_code_repository = {
    .name = "code_repository",
    .label = "code repository",
    .title = "CodeRepository",
    .table = "code_repository",
    COLUMNS(columns),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER,
    .rank = RANK_CODE_REPOSITORY,
    .unique = {.columns = {"name", "workspace_id"}, .error = EX_ENTITY_EXISTS},
    .before_update = ignore_empty,
};
