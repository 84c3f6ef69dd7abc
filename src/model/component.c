#include "model/component.h"

#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/secret.h"
#include "json/schema.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

const char *const COMPONENT_TYPES[] = {
    "alerter",
    "annotator",
    "artifact_store",
    "container_registry",
    "data_validator",
    "experiment_tracker",
    "feature_store",
    "image_builder",
    "model_deployer",
    "orchestrator",
    "step_operator",
    "model_registry",
    NULL,
};
const struct type T_COMPONENT_TYPE = {
    .kind = K_ENUM, .label = "str-enum[StackComponentType]", .words = COMPONENT_TYPES};

/* What a component shows of its flavor, which is found by name and type: the oldest, whoever owns it. */
#define OF_FLAVOR                                                                                                      \
    "(SELECT JSON_ARRAY(f.integration, f.logo_url) FROM flavor f WHERE f.name = t.flavor AND f.type = t.type "         \
    "ORDER BY f.created, f.kanso_order LIMIT 1)"

static void show_of_flavor(const struct cell *at, struct jw *w)
{
    struct span item = {0};
    size_t next = 0;
    if (row_str(at->row, "of_flavor"))
        for (int i = 0; i <= at->col->arg; i++)
            json_next_item(row_span(at->row, "of_flavor"), &next, &item);
    jw_span(w, item);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "type", .section = S_BODY, .filter = F_STRING},
    {.name = "flavor", .section = S_BODY, .filter = F_STRING},
    {.name = "of_flavor", .sql = OF_FLAVOR, .flags = C_LOAD},
    {.name = "integration", .section = S_BODY, .show = show_of_flavor, .arg = 0, .schema = "string<255?"},
    {.name = "logo_url", .section = S_BODY, .show = show_of_flavor, .arg = 1, .schema = "?"},
    COL_WORKSPACE,
    {.name = "configuration", .enc = E_B64, .section = S_META},
    {.name = "labels", .enc = E_B64, .section = S_META, .flags = C_JSON_NULL},
    {.name = "component_spec_path", .section = S_META},
    {.name = "connector_resource_id", .section = S_META, .flags = C_ALWAYS},
    COL_SHOWN(connector, resource_connector, S_META, .schema = "?"),
    {.name = "connector_id", .request_name = "connector", .enc = E_UUID, .filter = F_UUID, .flags = C_ALWAYS},
    COL_NAME,
};

static const struct filter filters[] = {
    {.name = "scope_type", .cls = F_EQUAL, .column = "t.type", .ungrouped = true},
    {"stack_id", F_ID, "x.stack_id", OF_ROW("stack_composition x", "component_id = t.id"),
     .overridden_by = "scope_type"},
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"type", &T_COMPONENT_TYPE, NULL, 0, REQ | UPD},
    {"flavor", &T_STRING, NULL, 255, REQ | UPD},
    {"configuration", &T_MAP_ANY, NULL, 0, REQ | UPD},
    {"connector_resource_id", &T_STRING, NULL, 0, NUL | UPD},
    {"labels", &T_MAP_ANY, NULL, 0, NUL | UPD},
    {"component_spec_path", &T_STRING, NULL, 0, NUL | UPD},
    {"connector", &T_UUID, NULL, 0, NUL | UPD},
};

/* Whether a text refers to a value of a secret: {{name.key}}. */
static bool is_secret_reference(const char *s)
{
    size_t len = strlen(s);
    if (len < 7 || strncmp(s, "{{", 2) != 0 || !streq(s + len - 2, "}}"))
        return false;
    const char *from = s + 2, *to = s + len - 2;
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    for (const char *p = from; p < to; p++)
        if (isspace((unsigned char)*p))
            return false;
    const char *dot = to - from > 2 ? memchr(from + 1, '.', (size_t)(to - from - 2)) : NULL;
    return dot != NULL;
}

static void check_name(struct check *k, struct json_object *v)
{
    const char *name = member_str(v, "name");
    if (k->mode == CHECK_CREATE && name && is_secret_reference(name))
        check_problem(k, "name", "value_error", member(v, "name"), NULL,
                      "Value error, the name of a component cannot be a secret reference");
}

static const struct model body = MODEL("component", fields, .after = check_name);

/* Where the artifact stores that come with the server can keep things: prefixes of their path. */
static const struct {
    const char *flavor, *prefixes[3];
} STORES[] = {
    {"s3", {"s3://"}},
    {"gcp", {"gs://"}},
    {"azure", {"abfs://", "az://"}},
};
static const char *const REMOTE[] = {"gs://", "hdfs://", "s3://", "az://", "abfs://"};

static bool begins_with_any(const char *s, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count && prefixes[i]; i++)
        if (starts_with(s, prefixes[i]))
            return true;
    return false;
}

static int check_store_path(struct ctx *c, const char *flavor, struct json_object *configuration)
{
    const char *path = member_str(configuration, "path");
    if (!path)
        return OK;
    path += strspn(path, "'\"`");
    bool good = !streq(flavor, "local") || !begins_with_any(path, REMOTE, ARRAY_LEN(REMOTE));
    for (size_t i = 0; i < ARRAY_LEN(STORES); i++)
        if (streq(flavor, STORES[i].flavor))
            good = begins_with_any(path, STORES[i].prefixes, ARRAY_LEN(STORES[i].prefixes));
    if (!good)
        return fail(c, EX_RUNTIME, "The path '%s' is not one for an artifact store of flavor '%s'", path, flavor);
    return OK;
}

/* What {{name.key}} stands for among the secrets that the caller can read; 404 when there is no such value. Any other
 * text stands for itself. */
static int resolve_reference(struct ctx *c, const char *attribute, const char **text)
{
    struct db_rows found;
    if (!*text || !is_secret_reference(*text))
        return OK;
    const char *inside = *text + 2 + strspn(*text + 2, " \t\r\n"), *dot = strchr(inside, '.');
    const char *name = arena_strndup(c->mem, inside, (size_t)(dot - inside));
    const char *key = arena_strndup(c->mem, dot + 1, strcspn(dot + 1, " \t\r\n}"));
    TRY(sql(c, &found,
            "SELECT id, `values` FROM secret WHERE name = ? AND (scope = 'workspace' OR user_id = ?) ORDER BY scope "
            "DESC, created, id LIMIT 1",
            p_text(name), p_text(c->auth->user_id)));
    if (found.count == 0)
        return fail(c, EX_KEY, "The %s refers to the secret '%s', which does not exist", attribute, name);
    const struct db_value *v = db_row(&found, 0);
    struct json_object *values;
    TRY(secret_read(c, v[0].s, value_span(&v[1]), &values));
    *text = member_str(values, key);
    return *text ? OK
                 : fail(c, EX_KEY, "The %s refers to '%s' of the secret '%s', which has no such value", attribute, key,
                        name);
}

/* The tracker of MLflow reads its address and, when that is not local, what it needs to sign in: a reference into
 * nothing shows then. No other flavor reads a secret when it is configured. */
static int check_mlflow(struct ctx *c, struct json_object *configuration)
{
    enum { URI, USERNAME, PASSWORD, TOKEN };
    static const char *const names[] = {"tracking_uri", "tracking_username", "tracking_password", "tracking_token"};
    const char *v[ARRAY_LEN(names)];
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        v[i] = member_str(configuration, names[i]);
    TRY(resolve_reference(c, names[URI], &v[URI]));
    bool remote =
        v[URI] && (starts_with(v[URI], "http://") || starts_with(v[URI], "https://") || streq(v[URI], "databricks"));
    if (!remote)
        return OK;
    TRY(resolve_reference(c, names[USERNAME], &v[USERNAME]));
    if (v[USERNAME] && *v[USERNAME])
        TRY(resolve_reference(c, names[PASSWORD], &v[PASSWORD]));
    bool known = v[USERNAME] && *v[USERNAME] && v[PASSWORD] && *v[PASSWORD];
    return known ? OK : resolve_reference(c, names[TOKEN], &v[TOKEN]);
}

int component_check_config(struct ctx *c, const struct flavor *f, const char *flavor_name, const char *type,
                           struct json_object *configuration)
{
    if (f->custom)
        return OK;
    struct check *k = check_new(c->mem);
    if (!schema_check_object(k, f->schema, configuration))
        return fail(c, EX_INVALID_VALUE, "The configuration does not fit the %s flavor '%s': %s", type, flavor_name,
                    check_text(k));
    if (streq(type, "experiment_tracker") && streq(flavor_name, "mlflow"))
        return check_mlflow(c, configuration);
    return streq(type, "artifact_store") ? check_store_path(c, flavor_name, configuration) : OK;
}

static int check_flavor(struct ctx *c, const char *flavor_name, const char *type, struct json_object *configuration)
{
    struct flavor *f;
    TRY(flavor_find(c, EX_KEY, flavor_name, type, &f));
    return component_check_config(c, f, flavor_name, type, configuration);
}

static int check_connector(struct write *w)
{
    char hex[UUID_HEX + 1];
    const char *id = member_str(w->body, "connector");
    return id ? resource_find(w->c, &resource_connector, id, hex) : OK;
}

static int check_create(struct write *w)
{
    TRY(check_connector(w));
    return check_flavor(w->c, member_str(w->body, "flavor"), member_str(w->body, "type"),
                        member(w->body, "configuration"));
}

static int protect_default(struct write *w, const char *what)
{
    const char *type = row_str(w->old, "type");
    if (streq(row_str(w->old, "name"), "default") && (streq(type, "orchestrator") || streq(type, "artifact_store")))
        return fail(w->c, EX_ILLEGAL_OPERATION, "The default %s cannot be %s", type, what);
    return OK;
}

static int before_update(struct write *w)
{
    struct json_object *configuration = member(w->body, "configuration");
    if (member_given(w->body, "configuration") && !configuration)
        return fail(w->c, EX_INVALID_VALUE, "The configuration of a component cannot be null");
    if (configuration && json_object_object_length(configuration))
        TRY(check_flavor(w->c, row_str(w->old, "flavor"), row_str(w->old, "type"), configuration));
    TRY(check_connector(w));
    TRY(protect_default(w, "changed"));
    if (!member(w->body, "connector"))
        write_set(w, "connector_resource_id", p_null());
    if (!member(w->body, "type"))
        json_object_object_del(w->body, "type"); /* null means: as it is */
    return OK;
}

static int before_delete(struct write *w)
{
    const char *stacks;
    TRY(protect_default(w, "deleted"));
    TRY(sql_value(w->c, &stacks, "SELECT COUNT(*) FROM stack_composition WHERE component_id = ?", p_text(w->id)));
    if (!streq(stacks, "0"))
        return fail(w->c, EX_ILLEGAL_OPERATION, "The %s '%s' cannot be deleted: it is part of %s stacks",
                    row_str(w->old, "type"), row_str(w->old, "name"), stacks);
    return OK;
}

const struct resource resource_component = {
    .name = "stack_component",
    .label = "stack component",
    .title = "Component",
    .table = "stack_component",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER | X_NAME_RULE | X_UPDATE_NULLS,
    .rank = RANK_COMPONENT,
    .unique = {.columns = {"name", "type", "workspace_id"}, .error = EX_COMPONENT_EXISTS, .on_update = true},
    .check_create = check_create,
    .before_update = before_update,
    .before_delete = before_delete,
};

int component_types(struct ctx *c)
{
    struct jw w = respond_json(c);
    jw_open(&w, '[');
    for (const char *const *t = COMPONENT_TYPES; *t; t++)
        jw_str(&w, *t);
    jw_close(&w, ']');
    return OK;
}
