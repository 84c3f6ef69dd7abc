#include "model/connector.h"

#include "base/text.h"
#include "base/uuid.h"
#include "model/secret.h"
#include "resource/filter.h"
#include "resource/stored.h"

#include <ctype.h>
#include <string.h>

/* Showing -------------------------------------------------------------------------------------------------------- */

/* The whole type where a connector stands for itself, its name where it is part of something else. */
static void show_type(const struct cell *at, struct jw *w)
{
    const char *name = row_str(at->row, "connector_type");
    const struct connector_type *t = at->row->detail == D_BODY ? NULL : connector_type_find(name);
    if (t)
        connector_type_write(w, t);
    else
        jw_str(w, name);
}

static void show_configuration(const struct cell *at, struct jw *w)
{
    bool complete;
    jw_value(w, connector_configuration(at->view, at->row, &complete));
}

/* Secret values are part of the configuration; only a client gets them here, as the row's data. */
static void show_secrets(const struct cell *at, struct jw *w)
{
    if (at->row->data)
        jw_value(w, at->row->data);
    else
        jw_raw(w, "{}", 2);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "description", .section = S_BODY},
    {.name = "connector_type",
     .col = "connector_type",
     .section = S_BODY,
     .filter = F_STRING,
     .show = show_type,
     .schema = "string|ServiceConnectorTypeModel"},
    {.name = "auth_method", .section = S_BODY, .filter = F_STRING},
    {.name = "resource_types", .enc = E_B64, .section = S_BODY},
    {.name = "resource_id", .section = S_BODY, .filter = F_STRING, .flags = C_ALWAYS},
    {.name = "supports_instances", .enc = E_BOOL, .section = S_BODY},
    {.name = "expires_at", .enc = E_STAMP, .section = S_BODY},
    {.name = "expires_skew_tolerance", .enc = E_INT, .section = S_BODY},
    COL_WORKSPACE,
    {.name = "configuration",
     .col = "configuration",
     .enc = E_B64,
     .section = S_META,
     .show = show_configuration,
     .flags = C_EMPTY_NULL,
     .schema = "~"},
    {.name = "secret_id", .enc = E_UUID, .section = S_META, .filter = F_UUID, .flags = C_READONLY, .schema = "?"},
    {.name = "expiration_seconds", .enc = E_INT, .section = S_META, .flags = C_ALWAYS},
    {.name = "secrets", .section = S_META, .show = show_secrets, .schema = "{password?}~"},
    {.name = "labels", .enc = E_B64, .section = S_META, .null_as = "{}", .flags = C_EMPTY_NULL},
    COL_NAME,
};

static const struct filter filters[] = {
    {.name = "scope_type", .cls = F_IGNORED},
    {.name = "resource_type", .cls = F_IGNORED}, /* see scope() */
    {.name = "labels_str", .cls = F_IGNORED},
};

/* Bodies --------------------------------------------------------------------------------------------------------- */

static const struct type T_OPTIONAL_TEXTS = {
    .kind = K_MAP, .label = "dict[str,str]", .item = &T_STRING, .item_null = true};
static const struct type T_SECRETS = {.kind = K_MAP, .label = "dict[str,str]", .item = &T_PASSWORD, .item_null = true};
static const struct field type_fields[] = {
    {"connector_type", &T_STRING, NULL, 255, REQ},
};
static const struct model type_object = MODEL("ServiceConnectorTypeModel", type_fields);
static const struct type T_TYPE_OBJECT = {.kind = K_MODEL, .label = "ServiceConnectorTypeModel", .model = &type_object};
static const struct type *const type_forms[] = {&T_STRING, &T_TYPE_OBJECT, NULL};
static const struct type T_CONNECTOR_TYPE = {.kind = K_UNION, .any = type_forms};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"connector_type", &T_CONNECTOR_TYPE, NULL, 0, REQ | UPD},
    {"description", &T_STRING, "\"\"", 0, UPD},
    {"auth_method", &T_STRING, NULL, 255, REQ | UPD},
    {"resource_types", &T_STRINGS, "[]", 0, UPD},
    {"resource_id", &T_STRING, NULL, 255, NUL | UPD},
    {"supports_instances", &T_BOOL, "false", 0, UPD},
    {"expires_at", &T_STAMP, NULL, 0, NUL | UPD},
    {"expires_skew_tolerance", &T_INT, NULL, 0, NUL | UPD},
    {"expiration_seconds", &T_INT, NULL, 0, NUL | UPD},
    {"configuration", &T_MAP_ANY, "{}", 0, UPD},
    {"secrets", &T_SECRETS, "{}", 0, UPD | HOOK},
    {"labels", &T_MAP_STRING, "{}", 0, UPD},
};
const struct model CONNECTOR_BODY = MODEL("ServiceConnectorRequest", fields);

static const struct field info_fields[] = {
    {"type", &T_STRING, NULL, 0, REQ},
    {"auth_method", &T_STRING, NULL, 0, REQ},
    {"configuration", &T_MAP_ANY, "{}", 0, 0},
};
const struct model CONNECTOR_INFO = MODEL("ServiceConnectorInfo", info_fields);

/* The body of a list: labels that the connectors must have. */
static struct json_object *check_labels(struct check *k, struct json_object *v)
{
    bool ok;
    json_object_put(type_check(k, &T_OPTIONAL_TEXTS, NULL, v, &ok));
    return ok ? v : json_keep(k->mem, json_object_new_object());
}
const struct model CONNECTOR_LABELS = {.name = "labels", .extra = EXTRA_ALLOW, .before = check_labels};

static const struct field expand_query[] = {{"expand_secrets", &T_BOOL, "true", 0, 0}};
const struct model CONNECTOR_QUERY = MODEL("service connectors", expand_query);

const char *connector_body_type(struct json_object *body)
{
    struct json_object *v = member(body, "connector_type");
    return json_object_is_type(v, json_type_object) ? member_str(v, "connector_type") : json_object_get_string(v);
}

/* Configuring ---------------------------------------------------------------------------------------------------- */

/* One resource type is kept; none or several mean all of the connector's type. */
static void configure_resources(struct write *w, const struct connector_type *t, const struct connector_resource *only)
{
    struct json_object *all = json_object_new_array();
    for (size_t i = 0; i < t->resource_count; i++)
        if (!only || only == &t->resources[i])
            json_object_array_add(all, json_object_new_string(t->resources[i].name));
    json_object_object_add(w->body, "resource_types", all);
    json_object_object_add(w->body, "supports_instances", json_object_new_boolean(only && only->instances));
}

/* Brings a body whose type this server knows into the form in which it is stored. */
static int configure(struct write *w, const struct connector_type *t, const char *auth_method)
{
    struct json_object *configuration = member(w->body, "configuration"), *secrets = member(w->body, "secrets"), *plain,
                       *secret, *types = member(w->body, "resource_types");
    bool one = types && json_object_array_length(types) == 1;
    const char *type = one ? json_object_get_string(json_object_array_get_idx(types, 0)) : NULL;
    const char *problem = connector_specification(w->c->mem, t, auth_method, type);
    if (problem)
        return fail(w->c, EX_VALUE, "The connector configuration is not valid: %s", problem);
    configure_resources(w, t, type ? connector_resource_find(t, type) : NULL);
    if (!configuration && !secrets)
        return OK;
    const struct connector_method *m = connector_method_find(t, auth_method);
    const char *missing = connector_split(w->c->mem, m, configuration, secrets, &plain, &secret);
    if (missing)
        return fail(w->c, EX_VALUE, "The connector lacks the attribute '%s', which '%s' demands", missing, m->label);
    json_object_object_add(w->body, "configuration", json_object_get(plain));
    json_object_object_add(w->body, "secrets", json_object_get(secret));
    return OK;
}

int connector_check(struct write *w)
{
    const char *name = connector_body_type(w->body);
    const struct connector_type *t = connector_type_find(name);
    write_set(w, "connector_type", p_text(name));
    return t ? configure(w, t, member_str(w->body, "auth_method")) : OK;
}

/* Secrets -------------------------------------------------------------------------------------------------------- */

/* A name that no secret has: connector-<name>-<four letters>. */
static int secret_name(struct ctx *c, const char *connector, const char **out)
{
    enum { NAME_MAX = 255 - sizeof "connector--abcd" };
    char *plain = arena_strndup(c->mem, connector, strnlen(connector, NAME_MAX)), letters[5];
    for (char *p = plain; *p; p++)
        *p = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '-';
    for (;;) {
        struct db_rows found;
        random_letters(letters, 4);
        *out = arena_printf(c->mem, "connector-%s-%s", plain, letters);
        TRY(sql(c, &found, "SELECT id FROM secret WHERE name = ? LIMIT 1", p_text(*out)));
        if (found.count == 0)
            return OK;
    }
}

/* Stores the secrets of the body, when there are any. */
static int store_secrets(struct write *w, const char *connector, const char *workspace, const char *user)
{
    struct json_object *values = json_keep(w->c->mem, json_object_new_object());
    char id[UUID_HEX + 1];
    const char *name = NULL;
    json_object_object_foreach(member(w->body, "secrets"), key, v) if (v)
        json_object_object_add(values, key, json_object_new_string(json_object_get_string(v)));
    if (json_object_object_length(values) == 0)
        return OK;
    TRY(secret_name(w->c, connector, &name));
    TRY(secret_create_row(w->c, name, workspace, user, values, id));
    write_set(w, "secret_id", p_text(arena_strdup(w->c->mem, id)));
    return OK;
}

static int before_create(struct write *w)
{
    return store_secrets(w, member_str(w->body, "name"), write_get(w, "workspace_id"), write_get(w, "user_id"));
}

/* The key of the link to the secret becomes the values as JSON text, NULL when they are missing. */
int connector_load_secrets(struct view *v, struct row **rows, size_t count)
{
    struct ctx *c = view_ctx(v);
    TRY(view_links(v, rows, count, SLOT_FIRST, NULL,
                   "SELECT t.id, s.id, s.`values` FROM service_connector t JOIN secret s ON s.id = t.secret_id "
                   "WHERE t.id IN %s"));
    for (size_t i = 0; i < count; i++) {
        struct link *link = rows[i]->links[SLOT_FIRST];
        struct json_object *values;
        if (!link || !link->id)
            continue;
        TRY(secret_read(c, link->id, value_span(&link->values[2]), &values));
        link->key = values ? json_text(c->mem, values, false) : NULL;
    }
    return OK;
}

struct json_object *connector_configuration(struct view *v, const struct row *row, bool *complete)
{
    struct arena *mem = view_ctx(v)->mem;
    const struct link *link = row->links[SLOT_FIRST];
    struct span stored = row_span(row, "configuration");
    struct json_object *all =
        stored.len ? stored_base64_tree(mem, stored, json_type_object, row_origin(row, "configuration")) : NULL;
    if (!all)
        all = json_keep(mem, json_object_new_object());
    struct json_object *values = link && link->key ? json_tree(mem, link->key, strlen(link->key)) : NULL;
    *complete = values || !row_str(row, "secret_id");
    if (values) {
        json_object_object_foreach(values, key, value) json_object_object_add(all, key, json_object_get(value));
    }
    return all;
}

static bool expands(const struct ctx *c)
{
    return c->query && member_bool(c->query, "expand_secrets") && !(c->auth && c->auth->no_secret_values);
}

static int load(struct view *v, struct row **rows, size_t count)
{
    return expands(view_ctx(v)) && rows[0]->detail & D_META ? connector_load_secrets(v, rows, count) : OK;
}

/* Changing ------------------------------------------------------------------------------------------------------- */

static int count_users(struct write *w, const char **count)
{
    return sql_value(w->c, count, "SELECT COUNT(*) FROM stack_component WHERE connector_id = ?", p_text(w->id));
}

static bool same_list(struct arena *a, const struct row *row, const char *member, struct json_object *list)
{
    return json_object_equal(stored_base64_tree(a, row_span(row, member), json_type_array, row_origin(row, member)),
                             list);
}

/* A connector in use goes on to reach what its components expect. */
static int protect_reach(struct write *w)
{
    const char *users, *type = connector_body_type(w->body), *method = member_str(w->body, "auth_method"), *what = NULL;
    struct json_object *types = member(w->body, "resource_types");
    TRY(count_users(w, &users));
    if (streq(users, "0"))
        return OK;
    if (type && !streq(type, row_str(w->old, "connector_type")))
        what = "type";
    else if (method && *method && !streq(method, row_str(w->old, "auth_method")))
        what = "authentication method";
    else if (types && json_object_array_length(types) && !same_list(w->c->mem, w->old, "resource_types", types))
        what = "resource type";
    else if (!streq(member_str(w->body, "resource_id"), row_str(w->old, "resource_id")))
        what = "resource id";
    return what ? fail(w->c, EX_ILLEGAL_OPERATION,
                       "The %s of the service connector cannot be changed: %s stack components use it", what, users)
                : OK;
}

static int replace_secrets(struct write *w)
{
    const char *old = row_str(w->old, "secret_id"), *name = member_str(w->body, "name"),
               *user = row_str(w->old, "user_id");
    if (!member(w->body, "secrets"))
        return OK;
    write_set(w, "secret_id", p_null());
    if (old)
        TRY(secret_delete_row(w->c, old));
    return store_secrets(w, name ? name : row_str(w->old, "name"), row_str(w->old, "workspace_id"),
                         user ? user : w->c->auth->user_id);
}

static int before_update(struct write *w)
{
    const char *type = connector_body_type(w->body), *method = member_str(w->body, "auth_method");
    const struct connector_type *t = connector_type_find(row_str(w->old, "connector_type"));
    TRY(protect_reach(w));
    if (type)
        write_set(w, "connector_type", p_text(type));
    if (t)
        TRY(configure(w, t, method && *method ? method : row_str(w->old, "auth_method")));
    return replace_secrets(w);
}

static int before_delete(struct write *w)
{
    const char *users, *secret = row_str(w->old, "secret_id");
    TRY(count_users(w, &users));
    if (!streq(users, "0"))
        return fail(w->c, EX_ILLEGAL_OPERATION,
                    "The service connector '%s' cannot be deleted: %s stack components use it", row_str(w->old, "name"),
                    users);
    return secret ? secret_delete_row(w->c, secret) : OK;
}

/* Finding -------------------------------------------------------------------------------------------------------- */

#define DECODED(col) "CONVERT(FROM_BASE64(t." col ") USING utf8mb4)"

/* Condition: the label is there, and has the value unless that is null. Stored labels are in the spaced style. */
static void scope_label(struct ctx *c, struct filter_query *f, const char *key, struct json_object *value)
{
    struct json_object *want = json_keep(c->mem, value ? json_object_new_object() : json_object_new_string(key));
    if (value)
        json_object_object_add(want, key, json_object_get(value));
    const char *text = json_text(c->mem, want, true);
    if (value)
        filter_scope(f, "JSON_CONTAINS(" DECODED("labels") ", ?)", SQL_PARAMS(p_text(text)));
    else
        filter_scope(f, "JSON_CONTAINS(JSON_KEYS(" DECODED("labels") "), ?)", SQL_PARAMS(p_text(text)));
}

/* k=v,k: what is between commas, around the first equals sign. */
static struct json_object *labels_from_words(struct ctx *c, const char *s)
{
    struct json_object *labels = json_keep(c->mem, json_object_new_object());
    while (*s) {
        size_t len = strcspn(s, ",");
        char *word = arena_strndup(c->mem, s, len), *sign = strchr(word, '=');
        if (sign)
            *sign = '\0';
        if (*word || sign)
            json_object_object_add(labels, word, sign ? json_object_new_string(sign + 1) : NULL);
        s += len + (s[len] == ',');
    }
    return labels;
}

static int read_labels(struct ctx *c, const struct pair *given, struct json_object **labels)
{
    struct json_error error;
    if (!json_parse(c->mem, given->value, given->value_len, labels, &error)) {
        *labels = labels_from_words(c, given->value);
        return OK;
    }
    if (!json_object_is_type(*labels, json_type_object))
        return fail(c, EX_VALUE, "labels_str is neither a JSON object nor a list like key=value,key");
    return OK;
}

static int scope(struct ctx *c, struct filter_query *f)
{
    const struct pair *type = request_query(c, "resource_type"), *labels_str = request_query(c, "labels_str");
    struct json_object *labels = c->body;
    if (type && type->value_len) {
        struct json_object *name = json_keep(c->mem, json_object_new_string(type->value));
        filter_scope(f, "JSON_CONTAINS(" DECODED("resource_types") ", ?)",
                     SQL_PARAMS(p_text(json_text(c->mem, name, true))));
    }
    if (labels_str && labels_str->value_len)
        TRY(read_labels(c, labels_str, &labels));
    if (labels) {
        json_object_object_foreach(labels, key, value) scope_label(c, f, key, value);
    }
    return OK;
}

const struct resource resource_connector = {
    .name = "service_connector",
    .label = "service connector",
    .title = "ServiceConnector",
    .table = "service_connector",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &CONNECTOR_BODY,
    .flags = X_WORKSPACE | X_OWNER,
    .rank = RANK_CONNECTOR,
    .unique = {.columns = {"name", "workspace_id"}, .error = EX_ENTITY_EXISTS, .on_update = true},
    .load = load,
    .scope = scope,
    .check_create = connector_check,
    .before_create = before_create,
    .before_update = before_update,
    .before_delete = before_delete,
};

/* Secret values are metadata: asking for them asks for metadata. */
int connector_list(struct ctx *c)
{
    c->filter->hydrate = c->filter->hydrate || expands(c);
    return resource_list(c);
}

int connector_get(struct ctx *c)
{
    if (expands(c))
        json_object_object_add(c->query, "hydrate", json_object_new_boolean(true));
    return resource_get(c);
}
