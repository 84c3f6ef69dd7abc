/* Services: deployed models that clients manage; the server keeps what they report. */
#include "model/model.h"

#include "base/text.h"
#include "document/documents.h"

#include <openssl/sha.h>
#include <string.h>

static const char *const STATES[] = {"inactive",       "active", "pending_startup", "pending_shutdown", "error",
                                     "scaled_to_zero", NULL};
static const struct type T_STATE = {.kind = K_ENUM, .label = "str-enum[ServiceState]", .words = STATES};

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "service_type", .enc = E_JSON, .doc = &MODEL_SERVICE_TYPE, .section = S_BODY, .flags = C_COMPACT},
    {.name = "labels", .enc = E_B64, .section = S_BODY, .flags = C_EMPTY_NULL},
    {.name = "state", .section = S_BODY, .type = &T_STATE, .flags = C_READONLY, .schema = "?"},
    COL_WORKSPACE,
    {.name = "service_source", .section = S_META, .schema = "?!"},
    {.name = "admin_state", .section = S_META, .flags = C_EMPTY_NULL, .schema = "?!"},
    {.name = "config", .enc = E_B64, .section = S_META},
    {.name = "status", .enc = E_B64, .section = S_META, .flags = C_EMPTY_NULL, .schema = "?!"},
    {.name = "endpoint", .enc = E_B64, .section = S_META, .flags = C_EMPTY_NULL},
    {.name = "prediction_url", .section = S_META, .flags = C_EMPTY_NULL},
    {.name = "health_check_url", .section = S_META},
    COL_MODEL_VERSION,
    {.name = "model_version_id", .enc = E_UUID, .filter = F_UUID},
    COL_SHOWN(pipeline_run, resource_run, S_RES, .schema = "?"),
    {.name = "pipeline_run_id", .enc = E_UUID, .filter = F_UUID},
    COL_NAME,
};

static const struct filter filters[] = {
    {.name = "type", .cls = F_EQUAL, .column = "t.type", .ungrouped = true},
    {.name = "flavor", .cls = F_EQUAL, .column = "t.flavor", .ungrouped = true},
    {.name = "pipeline_name", .cls = F_EQUAL, .column = "t.pipeline_name", .ungrouped = true},
    {.name = "pipeline_step_name", .cls = F_EQUAL, .column = "t.pipeline_step_name", .ungrouped = true},
    {.name = "running", .cls = F_STRICT_BOOL},
    {.name = "config", .cls = F_IGNORED},
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"service_type", &T_SERVICE_TYPE, NULL, 0, REQ},
    {"service_source", &T_STRING, NULL, 0, NUL | UPD},
    {"admin_state", &T_STATE, NULL, 0, NUL | UPD},
    {"config", &T_MAP_ANY, NULL, 0, REQ},
    {"labels", &T_MAP_STRING, NULL, 0, NUL | UPD},
    {"status", &T_MAP_ANY, NULL, 0, NUL | UPD},
    {"endpoint", &T_MAP_ANY, NULL, 0, NUL | UPD},
    {"prediction_url", &T_STRING, NULL, 0, NUL | UPD},
    {"health_check_url", &T_STRING, NULL, 0, NUL | UPD},
    {"model_version_id", &T_UUID, NULL, 0, NUL | UPD},
    {"pipeline_run_id", &T_UUID, NULL, 0, NUL},
};

/* The state is read back as one of the words, so it has to be one. */
static void check_state(struct check *c, struct json_object *value)
{
    struct json_object *state = member(member(value, "status"), "state");
    struct loc status = {.outer = c->at, .name = "status"}, here = {.outer = &status, .name = "state"};
    const struct loc *outer = c->at;
    bool ok;
    if (!state)
        return;
    c->at = &here;
    json_object_put(type_check(c, &T_STATE, NULL, state, &ok));
    c->at = outer;
}

static const struct model body = MODEL("service", fields, .after = check_state);

/* Columns that repeat members of the documents, for filters. */
static void repeat(struct write *w, const char *column, const char *document, const char *name)
{
    struct json_object *v = member(member(w->body, document), name);
    write_set(w, column, v ? p_text(json_object_get_string(v)) : p_null());
}

/* One configuration, one service: the stored text decides. Equal requests meet at its digest in the guard. */
static const char *digest(struct write *w)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    const char *config = write_get(w, "config");
    SHA256((const unsigned char *)config, strlen(config), hash);
    return hex_encode(w->c->mem, hash, sizeof hash);
}

static int complete(struct write *w)
{
    struct db_rows same;
    repeat(w, "type", "service_type", "type");
    repeat(w, "flavor", "service_type", "flavor");
    repeat(w, "state", "status", "state");
    repeat(w, "pipeline_name", "config", "pipeline_name");
    repeat(w, "pipeline_step_name", "config", "pipeline_step_name");
    TRY(name_guard(w->c, "service", "", digest(w)));
    TRY(sql(w->c, &same, "SELECT name FROM service WHERE config = ? LIMIT 1", p_text(write_get(w, "config"))));
    if (same.count)
        return fail(w->c, EX_ENTITY_EXISTS, "The service '%s' has the same configuration", db_row(&same, 0)[0].s);
    return OK;
}

static int release(struct write *w)
{
    return name_guard_release(w->c, "service", "", digest(w));
}

static int follow_status(struct write *w)
{
    if (member(w->body, "status"))
        repeat(w, "state", "status", "state");
    return OK;
}

const struct resource resource_service = {
    .name = "service",
    .label = "service",
    .title = "Service",
    .table = "service",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER,
    .rank = RANK_SERVICE,
    .before_create = complete,
    .after_create = release,
    .before_update = follow_status,
};
