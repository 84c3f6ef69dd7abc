/* Calls on service connectors that ask their provider (docs/contract/connectors.md#calls). */
#include "model/connector.h"

#include "access/access.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "resource/filter.h"
#include "resource/stored.h"

#include <string.h>
#include <time.h>

/* Milliseconds that providers may take: for one connector, and for a page of them. */
enum { RESOURCES_PAGE = 20, PROVIDER_MS = 40000, LISTING_MS = 120000 };

static const struct field scope_fields[] = {
    {"resource_type", &T_STRING, NULL, 0, NUL},
    {"resource_id", &T_STRING, NULL, 0, NUL},
    {"list_resources", &T_BOOL, "true", 0, 0},
};
const struct model CONNECTOR_VERIFY_QUERY = MODEL("verification of a connector", scope_fields);
const struct model CONNECTOR_CLIENT_QUERY = {.name = "client of a connector", .fields = scope_fields, .count = 2};
const struct model CONNECTOR_CONFIG_QUERY = {
    .name = "verification of a configuration", .fields = scope_fields + 2, .count = 1};

static const struct field resources_fields[] = {
    {"connector_type", &T_STRING, NULL, 0, NUL},
    {"resource_type", &T_STRING, NULL, 0, NUL},
    {"resource_id", &T_STRING, NULL, 0, NUL},
};
const struct model CONNECTOR_RESOURCES_QUERY = MODEL("resources of connectors", resources_fields);

static const struct field full_stack_fields[] = {{"connector_uuid", &T_UUID, NULL, 0, NUL}};
const struct model CONNECTOR_FULL_STACK_QUERY = MODEL("resources for a stack", full_stack_fields);

static const struct field types_fields[] = {
    {"connector_type", &T_STRING, NULL, 0, NUL},
    {"resource_type", &T_STRING, NULL, 0, NUL},
    {"auth_method", &T_STRING, NULL, 0, NUL},
};
const struct model CONNECTOR_TYPES_QUERY = MODEL("connector types", types_fields);

/* A parameter that says something: absent and empty ones do not. */
static const char *query_text(const struct ctx *c, const char *name)
{
    const char *s = member_str(c->query, name);
    return s && *s ? s : NULL;
}

/* Opening --------------------------------------------------------------------------------------------------------- */

static int find_type(struct ctx *c, const char *name, const struct connector_type **type)
{
    *type = connector_type_find(name);
    if (!*type)
        return fail(c, EX_NOT_IMPLEMENTED, "This server does not have the service connector type '%s'",
                    name ? name : "");
    return OK;
}

static const char *open_problem(struct arena *a, const char *problem)
{
    return problem ? arena_printf(a, "The service connector configuration is not valid: %s", problem) : NULL;
}

static int64_t number(struct db_value v, int64_t otherwise)
{
    int64_t n;
    return v.s && parse_int64(v.s, &n) ? n : otherwise;
}

static struct json_object *stored_types(struct arena *a, const struct row *row)
{
    return stored_base64_tree(a, row_span(row, "resource_types"), json_type_array, row_origin(row, "resource_types"));
}

/* Opens a stored connector, whose secrets have been loaded. Returns NULL or a problem. */
static const char *open_row(struct view *v, const struct row *row, const struct connector_type *t, double deadline,
                            struct connection *con)
{
    struct arena *mem = view_ctx(v)->mem;
    const char *expires = row_str(row, "expires_at");
    bool complete;
    *con = (struct connection){
        .mem = mem,
        .type = t,
        .deadline = deadline,
        .id = uuid_dashed(mem, row->id),
        .name = row_str(row, "name"),
        .auth_method = row_str(row, "auth_method"),
        .resource_types = stored_types(mem, row),
        .resource_id = row_str(row, "resource_id"),
        .config = connector_configuration(v, row, &complete),
        .expiration = number(row_value(row, "expiration_seconds"), -1),
        .expires_at = expires ? stamp_seconds(expires) : 0,
        .skew = number(row_value(row, "expires_skew_tolerance"), -1),
    };
    if (!complete)
        return open_problem(mem, "the values of its secret are missing");
    return open_problem(mem, connection_open(con));
}

/* Opens what a body describes. */
static const char *open_body(struct ctx *c, struct json_object *body, const struct connector_type *t,
                             struct connection *con)
{
    double deadline = monotonic_ms() + PROVIDER_MS;
    struct json_object *config = json_keep(c->mem, json_object_new_object());
    struct json_object *skew = member(body, "expires_skew_tolerance"), *expiration = member(body, "expiration_seconds");
    const char *expires = member_str(body, "expires_at"), *parts[] = {"configuration", "secrets"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (!member(body, parts[i]))
            continue;
        json_object_object_foreach(member(body, parts[i]), key, value) if (value)
            json_object_object_add(config, key, json_object_get(value));
    }
    *con = (struct connection){
        .mem = c->mem,
        .type = t,
        .deadline = deadline,
        .auth_method = member_str(body, "auth_method"),
        .resource_types = member(body, "resource_types"),
        .resource_id = member_str(body, "resource_id"),
        .config = config,
        .expiration = expiration ? json_object_get_int64(expiration) : -1,
        .expires_at = expires ? stamp_seconds(expires) : 0,
        .skew = skew ? json_object_get_int64(skew) : -1,
    };
    return open_problem(c->mem, connection_open(con));
}

/* Loads the connector of the path (or of `id`), whole, with its secrets. */
static int load_row(struct view *v, const char *id, struct row **row)
{
    TRY(view_row(v, &resource_connector, D_ALL, id, row));
    return connector_load_secrets(v, row, 1);
}

int connector_open(struct ctx *c, const char *id, double deadline, struct connection *con, const char **problem)
{
    struct view *v = view_new(c);
    struct row *row = NULL;
    TRY(load_row(v, id, &row));
    const char *name = row_str(row, "connector_type");
    const struct connector_type *t = connector_type_find(name);
    *problem = t ? open_row(v, row, t, deadline, con)
                 : arena_printf(c->mem, "this server does not have the service connector type '%s'", name);
    return OK;
}

/* Verifying ------------------------------------------------------------------------------------------------------- */

static void write_verified(struct jw *w, const struct row *row, const struct connector_type *t,
                           const struct verification *got)
{
    jw_open(w, '{');
    jw_key_uuid(w, "id", row ? row->id : NULL);
    jw_key_str(w, "name", row ? row_str(row, "name") : NULL);
    jw_key(w, "connector_type");
    connector_type_write(w, t);
    verification_write(w, got);
    jw_close(w, '}');
}

/* Opens and verifies a stored connector. */
static int verify_row(struct view *v, const char *id, const char *type, const char *resource, bool list,
                      struct row **row, struct connection *con, struct verification *got)
{
    struct ctx *c = view_ctx(v);
    const struct connector_type *t;
    TRY(load_row(v, id, row));
    TRY(find_type(c, row_str(*row, "connector_type"), &t));
    const char *problem = open_row(v, *row, t, monotonic_ms() + PROVIDER_MS, con);
    if (!problem)
        problem = connection_verify(con, type, resource, list, got);
    return problem ? fail(c, EX_VALUE, "%s", problem) : OK;
}

int connector_verify(struct ctx *c)
{
    struct view *v = view_new(c);
    struct row *row = NULL;
    struct connection con = {0};
    struct verification got = {0};
    TRY(verify_row(v, c->param[0], query_text(c, "resource_type"), query_text(c, "resource_id"),
                   member_bool(c->query, "list_resources"), &row, &con, &got));
    struct jw w = respond_json(c);
    write_verified(&w, row, con.type, &got);
    return OK;
}

static int verify_body(struct ctx *c, struct json_object *body, const char *type, bool list, struct connection *con,
                       struct verification *got)
{
    const struct connector_type *t;
    TRY(find_type(c, type, &t));
    const char *problem = open_body(c, body, t, con);
    if (!problem)
        problem = connection_verify(con, NULL, NULL, list, got);
    return problem ? fail(c, EX_VALUE, "%s", problem) : OK;
}

int connector_verify_config(struct ctx *c)
{
    struct connection con = {0};
    struct verification got = {0};
    TRY(verify_body(c, c->body, connector_body_type(c->body), member_bool(c->query, "list_resources"), &con, &got));
    struct jw w = respond_json(c);
    write_verified(&w, NULL, con.type, &got);
    return OK;
}

/* Clients --------------------------------------------------------------------------------------------------------- */

static const char *base64_text(struct arena *a, struct json_object *v)
{
    const char *text = json_text(a, v, true);
    return base64_encode(a, text, strlen(text));
}

static const char *now_with_microseconds(struct arena *a)
{
    struct timespec now;
    char stamp[STAMP_LEN + 1];
    clock_gettime(CLOCK_REALTIME, &now);
    stamp_from_seconds(now.tv_sec, stamp);
    return arena_printf(a, "%s.%06ld", stamp, now.tv_nsec / 1000);
}

static const char *stamp_text(struct arena *a, int64_t seconds)
{
    char stamp[STAMP_LEN + 1];
    if (!seconds)
        return NULL;
    stamp_from_seconds(seconds, stamp);
    return arena_strdup(a, stamp);
}

/* Turns the stored row into what a client works with: one resource, the secrets apart and in clear. */
static void become_client(struct row *row, const struct connection *to)
{
    struct json_object *plain, *secret;
    connector_split(to->mem, to->method, to->config, NULL, &plain, &secret);
    row_set(row, "name", to->name);
    row_set(row, "connector_type", to->type->name);
    row_set(row, "auth_method", to->auth_method);
    row_set(row, "created", now_with_microseconds(to->mem));
    row_set(row, "updated", row_str(row, "created"));
    row_set(row, "resource_types", base64_text(to->mem, to->resource_types));
    row_set(row, "resource_id", to->resource_id);
    row_set(row, "supports_instances", to->resource->instances ? "1" : "0");
    row_set(row, "expires_at", stamp_text(to->mem, to->expires_at));
    row_set(row, "expires_skew_tolerance", to->skew >= 0 ? arena_printf(to->mem, "%lld", (long long)to->skew) : NULL);
    row_set(row, "configuration", base64_text(to->mem, plain));
    row_set(row, "secret_id", NULL);
    row_set(row, "expiration_seconds",
            to->expiration > 0 ? arena_printf(to->mem, "%lld", (long long)to->expiration) : NULL);
    row->links[SLOT_FIRST] = NULL;
    row->data = secret;
}

int connector_client(struct ctx *c)
{
    struct view *v = view_new(c);
    struct row *row = NULL;
    struct connection con = {0}, to = {0};
    const struct connector_type *t;
    bool refused = false;
    TRY(load_row(v, c->param[0], &row));
    TRY(find_type(c, row_str(row, "connector_type"), &t));
    const char *problem = open_row(v, row, t, monotonic_ms() + PROVIDER_MS, &con);
    if (!problem)
        problem = connection_client(&con, query_text(c, "resource_type"), query_text(c, "resource_id"), &to, &refused);
    if (problem)
        return fail(c, refused ? EX_AUTHORIZATION : EX_VALUE, "%s", problem);
    become_client(row, &to);
    row->detail = D_META;
    TRY(view_load(v));
    struct jw w = respond_json(c);
    view_write(v, &w, row, D_META);
    return OK;
}

/* Resources of all connectors -------------------------------------------------------------------------------------- */

/* What is known about a connector of a type that this server does not have: its own words. */
static void write_unverified(struct view *v, struct jw *w, const struct row *row, const char *wanted)
{
    struct arena *mem = view_ctx(v)->mem;
    const char *type = row_str(row, "connector_type"), *id = row_str(row, "resource_id");
    struct json_object *types = stored_types(mem, row);
    size_t count = wanted ? 1 : types ? json_object_array_length(types) : 0;
    jw_open(w, '{');
    jw_key_uuid(w, "id", row->id);
    jw_key_str(w, "name", row_str(row, "name"));
    jw_key_str(w, "connector_type", type);
    jw_key_open(w, "resources", '[');
    for (size_t i = 0; i < count; i++) {
        jw_open(w, '{');
        jw_key_str(w, "resource_type", wanted ? wanted : json_object_get_string(json_object_array_get_idx(types, i)));
        jw_key(w, "resource_ids");
        if (id) {
            jw_open(w, '[');
            jw_str(w, id);
            jw_close(w, ']');
        } else {
            jw_null(w);
        }
        jw_key_str(w, "error",
                   id ? NULL : arena_printf(mem, "The service '%s' connector type is not available.", type));
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_key_str(w, "error", NULL);
    jw_close(w, '}');
}

static void write_resources(struct view *v, struct jw *w, const struct row *row, const char *type, const char *id,
                            double deadline)
{
    const struct connector_type *t = connector_type_find(row_str(row, "connector_type"));
    struct connection con = {0};
    struct verification got = {0};
    if (!t) {
        if (!id || streq(id, row_str(row, "resource_id")))
            write_unverified(v, w, row, type);
        return;
    }
    const char *problem = open_row(v, row, t, deadline, &con);
    if (!problem)
        problem = connection_verify(&con, type, id, true, &got);
    if (problem)
        log_warn("service connector %s: %s", row->id, problem);
    else
        write_verified(w, row, t, &got);
}

int connector_resources(struct ctx *c)
{
    const char *connector_type = query_text(c, "connector_type"), *type = query_text(c, "resource_type"),
               *id = query_text(c, "resource_id");
    char workspace[UUID_HEX + 1];
    struct view *v = view_new(c);
    struct query *q = view_query(v, &resource_connector, D_ALL);
    struct row **rows;
    size_t count;
    TRY(path_within(c, workspace));
    query_with(q, " FROM service_connector t WHERE t.workspace_id = ?", SQL_PARAMS(p_text(workspace)));
    TRY(access_readable(c, &resource_connector, q));
    if (connector_type)
        query_with(q, " AND t.connector_type = ?", SQL_PARAMS(p_text(connector_type)));
    if (type)
        query_with(q, " AND JSON_CONTAINS(CONVERT(FROM_BASE64(t.resource_types) USING utf8mb4), ?)",
                   SQL_PARAMS(p_text(json_text(c->mem, json_keep(c->mem, json_object_new_string(type)), true))));
    query_add(q, " ORDER BY t.created, t.kanso_order LIMIT %d", RESOURCES_PAGE);
    TRY(view_select(v, &resource_connector, D_ALL, q, &rows, &count));
    TRY(connector_load_secrets(v, rows, count));
    double deadline = monotonic_ms() + LISTING_MS;
    struct jw w = respond_json(c);
    jw_open(&w, '[');
    for (size_t i = 0; i < count; i++)
        write_resources(v, &w, rows[i], type, id, deadline);
    jw_close(&w, ']');
    return OK;
}

/* Resources for a stack -------------------------------------------------------------------------------------------- */

/* A component that a stack could have for a resource of a cloud. */
struct offer {
    const char *connector_type, *resource_type, *component_type, *flavor, *label;
    const char *needs[4][2]; /* members of its configuration that the user fills in, and what they are */
    bool fixed;              /* the resource's id is the value of the only one of them */
};

static const struct offer OFFERS[] = {
    {"aws", "s3-bucket", "artifact_store", "s3", "S3 Bucket", {{"path", "Path"}}, true},
    {"aws", "aws-generic", "orchestrator", "sagemaker", "AWS Sagemaker", {{"execution_role", "execution role ARN"}}},
    {"aws", "aws-generic", "orchestrator", "vm_aws", "Skypilot (EC2)", {{"region", "region"}}, true},
    {"aws", "kubernetes-cluster", "orchestrator", "kubernetes", "Kubernetes"},
    {"aws", "docker-registry", "container_registry", "aws", "ECR", {{"uri", "URI"}}, true},
    {"gcp", "gcs-bucket", "artifact_store", "gcp", "GCS Bucket", {{"path", "Path"}}, true},
    {"gcp", "gcp-generic", "orchestrator", "vertex", "Vertex AI", {{"location", "region name"}}},
    {"gcp", "gcp-generic", "orchestrator", "vm_gcp", "Skypilot (Compute)", {{"region", "region name"}}},
    {"gcp", "kubernetes-cluster", "orchestrator", "kubernetes", "Kubernetes"},
    {"gcp", "docker-registry", "container_registry", "gcp", "GCR", {{"uri", "URI"}}, true},
    {"azure", "blob-container", "artifact_store", "azure", "Blob container", {{"path", "Path"}}, true},
    {"azure", "azure-generic", "orchestrator", "vm_azure", "Skypilot (VM)", {{"region", "region name"}}},
    {"azure",
     "azure-generic",
     "orchestrator",
     "azureml",
     "AzureML",
     {{"subscription_id", "subscription ID"}, {"resource_group", "resource group"}, {"workspace", "workspace"}}},
    {"azure", "kubernetes-cluster", "orchestrator", "kubernetes", "Kubernetes"},
    {"azure", "docker-registry", "container_registry", "azure", "ACR", {{"uri", "URI"}}, true},
};

static const char *const STACK_PARTS[] = {"artifact_store", "orchestrator", "container_registry"};

/* What a verified connector reaches, and the components that use it already. */
struct reach {
    struct view *v;
    const struct connector_type *type;
    const struct verification *got;
    struct row **components;
    size_t count;
};

static const struct access *find_access(const struct reach *of, const struct offer *o, const char *part)
{
    if (!streq(o->connector_type, of->type->name) || !streq(o->component_type, part))
        return NULL;
    for (size_t i = 0; i < of->got->count; i++)
        if (streq(of->got->access[i].resource->name, o->resource_type) && of->got->access[i].count)
            return &of->got->access[i];
    return NULL;
}

static void write_offer(struct jw *w, const struct reach *of, const struct offer *o, const struct access *a)
{
    jw_open(w, '{');
    jw_key_str(w, "flavor", o->flavor);
    jw_key_str(w, "flavor_display_name", o->label);
    jw_key_open(w, "required_configuration", '{');
    for (size_t i = 0; o->needs[i][0]; i++) {
        jw_key_str(w, o->needs[i][0], o->needs[i][1]);
    }
    jw_close(w, '}');
    jw_key(w, "use_resource_value_as_fixed_config");
    jw_bool(w, o->fixed);
    jw_key_open(w, "accessible_by_service_connector", '[');
    for (size_t i = 0; i < a->count; i++)
        jw_str(w, a->ids[i]);
    jw_close(w, ']');
    jw_key_open(w, "connected_through_service_connector", '[');
    for (size_t i = 0; i < of->count; i++)
        if (streq(row_str(of->components[i], "type"), o->component_type) &&
            streq(row_str(of->components[i], "flavor"), o->flavor))
            view_write(of->v, w, of->components[i], D_BODY);
    jw_close(w, ']');
    jw_close(w, '}');
}

static void write_full_stack(struct jw *w, const struct reach *of)
{
    jw_open(w, '{');
    jw_key_str(w, "connector_type", of->type->name);
    jw_key_open(w, "components_resources_info", '{');
    for (size_t i = 0; i < ARRAY_LEN(STACK_PARTS); i++) {
        jw_key_open(w, STACK_PARTS[i], '[');
        for (size_t k = 0; k < ARRAY_LEN(OFFERS); k++) {
            const struct access *a = find_access(of, &OFFERS[k], STACK_PARTS[i]);
            if (a)
                write_offer(w, of, &OFFERS[k], a);
        }
        jw_close(w, ']');
    }
    jw_close(w, '}');
    jw_close(w, '}');
}

/* A stack on a cloud needs something of each part; other types make no part of one. */
static int check_parts(struct ctx *c, const struct reach *of)
{
    bool cloud = false;
    for (size_t k = 0; k < ARRAY_LEN(OFFERS); k++)
        cloud = cloud || streq(OFFERS[k].connector_type, of->type->name);
    for (size_t i = 0; cloud && i < ARRAY_LEN(STACK_PARTS); i++) {
        bool any = false;
        const char *wanted = "";
        for (size_t k = 0; k < ARRAY_LEN(OFFERS); k++) {
            const struct offer *o = &OFFERS[k];
            any = any || find_access(of, o, STACK_PARTS[i]);
            if (streq(o->connector_type, of->type->name) && streq(o->component_type, STACK_PARTS[i]))
                wanted = arena_printf(c->mem, "%s%s%s", wanted, *wanted ? ", " : "", o->label);
        }
        if (!any)
            return fail(c, EX_VALUE,
                        "The service connector opens nothing that could be the %s of a stack (%s): check what its "
                        "credentials may do, see https://docs.zenml.io/how-to/auth-management/%s-service-connector",
                        STACK_PARTS[i], wanted, of->type->name);
    }
    return OK;
}

static int find_users(struct view *v, const char *connector, struct reach *of)
{
    struct query *q = view_query(v, &resource_component, D_BODY);
    query_with(q, " FROM stack_component t WHERE t.connector_id = ? ORDER BY t.created, t.kanso_order",
               SQL_PARAMS(p_text(connector)));
    TRY(view_select(v, &resource_component, D_BODY, q, &of->components, &of->count));
    return view_load(v);
}

int connector_full_stack(struct ctx *c)
{
    const char *id = member_str(c->query, "connector_uuid");
    char hex[UUID_HEX + 1];
    struct row *row = NULL;
    struct connection con = {0};
    struct verification got = {0};
    struct reach of = {.v = view_new(c), .got = &got};
    if (!c->body && !id)
        return fail(c, EX_VALUE, "Give a service connector, by its connector_uuid or in the body");
    if (c->body && id)
        return fail(c, EX_VALUE, "Give either a connector_uuid or a body, not both");
    if (!id)
        TRY(verify_body(c, c->body, member_str(c->body, "type"), true, &con, &got));
    else if (uuid_read(id, strlen(id), hex))
        TRY(verify_row(of.v, hex, NULL, NULL, true, &row, &con, &got));
    else
        return FAILED;
    if (!con.type)
        return OK;
    of.type = con.type;
    TRY(check_parts(c, &of));
    if (id)
        TRY(find_users(of.v, hex, &of));
    struct jw w = respond_json(c);
    write_full_stack(&w, &of);
    return OK;
}

/* Types ------------------------------------------------------------------------------------------------------------ */

int connector_type_list(struct ctx *c)
{
    const char *name = query_text(c, "connector_type"), *resource = query_text(c, "resource_type"),
               *method = query_text(c, "auth_method");
    struct jw w = respond_json(c);
    jw_open(&w, '[');
    for (const struct connector_type *const *t = connector_types; *t; t++)
        if (connector_type_enabled(*t) && (!name || streq(name, (*t)->name)) &&
            (!resource || connector_resource_find(*t, resource)) && (!method || connector_method_find(*t, method)))
            connector_type_write(&w, *t);
    jw_close(&w, ']');
    return OK;
}

int connector_type_get(struct ctx *c)
{
    const struct connector_type *t = connector_type_find(c->param[0]);
    if (!t)
        return fail(c, EX_KEY, "This server does not have the service connector type %s", c->param[0]);
    struct jw w = respond_json(c);
    connector_type_write(&w, t);
    return OK;
}
