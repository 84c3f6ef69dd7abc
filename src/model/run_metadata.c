/* Metadata that runs, steps, artifact versions and model versions carry: a history of values per key. */
#include "model/handlers.h"

#include "audit/audit.h"
#include "base/lookup.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"

#include <string.h>

static const char *const KINDS[] = {"pipeline_run", "step_run", "artifact_version", "model_version", NULL};
static const struct type T_KIND = {.kind = K_ENUM, .label = "str-enum[MetadataResourceTypes]", .words = KINDS};

static const char *const TYPES[] = {"str",   "int", "float", "bool",  "list",        "dict", "set",
                                    "tuple", "Uri", "Path",  "DType", "StorageSize", NULL};
static const struct type T_VALUE_TYPE = {.kind = K_ENUM, .label = "str-enum[MetadataTypeEnum]", .words = TYPES};
static const struct type T_VALUE_TYPES = {.kind = K_MAP, .item = &T_VALUE_TYPE};

/* A value is anything but null. */
static const struct type *const ALTERNATIVES[] = {&T_STRING, &T_INT, &T_FLOAT, &T_BOOL, &T_MAP_ANY, &T_LIST_ANY, NULL};
static const struct type T_VALUE = {.kind = K_UNION, .any = ALTERNATIVES};
static const struct type T_VALUES = {.kind = K_MAP, .item = &T_VALUE};

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER_AS(F_NONE),
    {.name = "key", .section = S_BODY, .filter = F_STRING, .flags = C_FIXED},
    {.name = "value", .enc = E_JSON, .section = S_BODY, .schema = "string|int|number|bool|object|[any]"},
    {.name = "type", .section = S_BODY, .filter = F_STRING, .type = &T_VALUE_TYPE, .flags = C_FIXED},
    COL_WORKSPACE_AS(F_NONE),
    {.name = "resource_id", .enc = E_UUID, .section = S_META, .filter = F_UUID, .flags = C_FIXED},
    {.name = "resource_type", .section = S_META, .filter = F_STRICT_ENUM, .type = &T_KIND, .flags = C_FIXED},
    COL_TARGET(stack_component, resource_component, .section = S_META, .filter = F_UUID, .flags = C_FIXED),
};

static const struct field fields[] = {
    IN_OWNED,
    {"resource_id", &T_UUID, NULL, 0, REQ},
    {"resource_type", &T_KIND, NULL, 0, REQ},
    {"stack_component_id", &T_UUID, NULL, 0, REQ | NUL},
    {"values", &T_VALUES, NULL, 0, REQ | HOOK},
    {"types", &T_VALUE_TYPES, NULL, 0, REQ | HOOK},
};
static const struct model body = MODEL("run_metadata", fields);

/* Of each key the newest value, in order of age. */
void show_run_metadata(const struct cell *at, struct jw *w)
{
    unsigned detail = at->col->flags & C_MANY_META ? D_META : D_BODY;
    struct arena *mem = view_ctx(at->view)->mem;
    struct lookup *keys = at->row->links[SLOT_METADATA] ? lookup_new(mem) : NULL;
    const struct row **values = NULL;
    size_t count = 0, room = 0;
    for (const struct link *link = at->row->links[SLOT_METADATA]; link; link = link->next) {
        values = arena_grow(mem, values, count, &room, sizeof *values);
        values[count++] = view_find(at->view, &resource_run_metadata, link->id);
    }
    size_t from = count;
    for (size_t i = count; i-- > 0;) /* the newest comes first to its key; kept ones move to the end */
        if (lookup_add(keys, row_str(values[i], "key"), values[i]))
            values[--from] = values[i];
    jw_open(w, '{');
    for (size_t i = from; i < count; i++) {
        jw_key(w, row_str(values[i], "key"));
        view_write(at->view, w, values[i], detail);
    }
    jw_close(w, '}');
}

const struct resource resource_run_metadata = {
    .name = "run_metadata",
    .label = "run metadata",
    .title = "RunMetadata",
    .table = "run_metadata",
    COLUMNS(columns),
    .body = &body,
    .flags = X_GROWS | X_WORKSPACE | X_OWNER,
    .rank = RANK_METADATA,
    .attached = {.slot = SLOT_METADATA, .parent = "t.resource_id"},
};

/* Each value needs a type, a key of at most 254 characters and a text that fits its column. */
static int check_values(struct ctx *c)
{
    struct json_object *types = member(c->body, "types");
    json_object_object_foreach(member(c->body, "values"), key, value)
    {
        if (!member(types, key))
            return fail(c, EX_KEY, "The value '%s' has no type", key);
        if (utf8_length(key, strlen(key)) > 254)
            return fail(c, EX_INVALID_VALUE, "The key '%.40s...' is longer than 254 characters", key);
        if (strlen(json_text(c->mem, value, true)) >= 65535)
            return fail(c, EX_INVALID_VALUE,
                        "The value of '%s' is too long: its JSON text must be shorter than 65535 bytes", key);
    }
    return OK;
}

/* What the kinds of T_KIND are. */
static const struct resource *resource_of_kind(const char *kind)
{
    static const struct resource *const kinds[] = {&resource_run, &resource_step, &resource_artifact_version,
                                                   &resource_model_version};
    size_t i = 0;
    while (i < ARRAY_LEN(kinds) - 1 && !streq(kinds[i]->metadata_type, kind))
        i++;
    return kinds[i];
}

static int lock_references(struct ctx *c)
{
    const struct reference refs[] = {
        {resource_of_kind(member_str(c->body, "resource_type")), member_hex(c->mem, c->body, "resource_id"), EX_KEY},
        {&resource_component, member_hex(c->mem, c->body, "stack_component_id"), EX_VALUE},
        {&resource_user, member_hex(c->mem, c->body, "user"), EX_VALUE},
        {&resource_workspace, member_hex(c->mem, c->body, "workspace"), EX_VALUE},
    };
    return references_lock(c, refs, ARRAY_LEN(refs));
}

/* Writes the values; their ids in *ids. */
static int insert_values(struct ctx *c, const char ***ids, size_t *count)
{
    const char *now = stamp_made(c->mem);
    struct json_object *values = member(c->body, "values");
    struct sql_values rows = {.room = (size_t)json_object_object_length(values)};
    *ids = arena_array(c->mem, rows.room + 1, sizeof **ids);
    const struct db_param resource = p_text(member_hex(c->mem, c->body, "resource_id")),
                          component = p_text(member_hex(c->mem, c->body, "stack_component_id")),
                          user = p_text(member_hex(c->mem, c->body, "user")),
                          workspace = p_text(member_hex(c->mem, c->body, "workspace"));
    json_object_object_foreach(values, key, value)
    {
        (*ids)[rows.rows] = uuid_made(c->mem);
        sql_add_row(c->mem, &rows,
                    SQL_PARAMS(p_text((*ids)[rows.rows]), p_text(now), p_text(now), resource,
                               p_text(member_str(c->body, "resource_type")), component, user, workspace, p_text(key),
                               p_text(json_text(c->mem, value, true)),
                               p_text(member_str(member(c->body, "types"), key))));
    }
    *count = rows.rows;
    TRY(sql_insert(c,
                   "INSERT INTO run_metadata (id, created, updated, resource_id, resource_type, stack_component_id, "
                   "user_id, workspace_id, `key`, value, type) VALUES",
                   &rows, ""));
    audit_changed_all(c, &resource_run_metadata, *ids, *count, CREATED);
    return OK;
}

/* What others have deleted in the meantime is left out. */
static int respond_rows(struct ctx *c, const char **ids, size_t count)
{
    struct view *v = view_new(c);
    TRY(view_fetch(v, &resource_run_metadata, D_META, ids, count));
    TRY(view_load(v));
    struct jw w = respond_json(c);
    jw_open(&w, '[');
    for (size_t i = 0; i < count; i++) { /* in the order of the request */
        const struct row *row = view_find(v, &resource_run_metadata, ids[i]);
        if (row)
            view_write(v, &w, row, D_META);
    }
    jw_close(&w, ']');
    return OK;
}

int run_metadata_create(struct ctx *c)
{
    char workspace[UUID_HEX + 1];
    const char **ids = NULL;
    size_t count = 0;
    const char *user = member_hex(c->mem, c->body, "user");
    TRY(path_within(c, workspace));
    if (!streq(user, c->auth->user_id))
        return fail(c, EX_ILLEGAL_OPERATION, "Run metadata can only be created for oneself");
    TRY(check_values(c));
    TRY(sql_begin(c));
    TRY(lock_references(c));
    TRY(insert_values(c, &ids, &count));
    TRY(sql_commit(c));
    return respond_rows(c, ids, count);
}
