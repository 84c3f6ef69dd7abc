#include "connector/connection.h"

#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "json/schema.h"

#include <string.h>
#include <time.h>

enum { DEFAULT_SKEW = 300 };

/* A boolean as it is accepted: also as a word. */
static bool flag(struct json_object *v)
{
    const char *s = json_object_get_string(v);
    return parse_bool_word(s, strlen(s)) == 1;
}

static const char EXPIRED[] = "the connector's authentication credentials have expired.";

/* Instantiating -------------------------------------------------------------------------------------------------- */

/* What is wrong with which attributes. Values are left out: there are secrets among them. */
static const char *check_summary(struct check *k)
{
    const char *text = check_text(k), *out = "";
    struct json_object *problems = json_tree(k->mem, text, strlen(text));
    for (size_t i = 0; problems && i < json_object_array_length(problems); i++) {
        struct json_object *p = json_object_array_get_idx(problems, i), *loc = member(p, "loc");
        size_t depth = loc ? json_object_array_length(loc) : 0;
        const char *name = depth ? json_object_get_string(json_object_array_get_idx(loc, 0)) : "";
        out = arena_printf(k->mem, "%s%sattribute '%s': %s", out, *out ? "; " : "", name, member_str(p, "msg"));
    }
    return out;
}

/* Flags become booleans, the default included, and UUIDs have one form. False for what is no UUID. */
static bool normalise(struct json_object *config_of, const struct connector_attribute *at)
{
    struct json_object *given = member(config_of, at->name);
    char hex[UUID_HEX + 1], dashed[UUID_TEXT + 1];
    if (at->form == A_FLAG)
        json_object_object_add(config_of, at->name,
                               json_object_new_boolean(given ? flag(given) : (at->flags & A_DEFAULT_TRUE) != 0));
    if (at->form != A_UUID || !given)
        return true;
    const char *text = json_object_get_string(given);
    if (!uuid_read(text, strlen(text), hex))
        return false;
    uuid_write(hex, dashed);
    json_object_object_add(config_of, at->name, json_object_new_string(dashed));
    return true;
}

/* The attributes of the method alone, checked, with the defaults of those that are not given. */
static const char *check_config(struct connection *con)
{
    const struct connector_config *of = con->method->config;
    const char *schema = connector_schema(con->mem, of);
    struct json_object *plain, *secret;
    const char *missing = connector_split(con->mem, con->method, con->config, NULL, &plain, &secret);
    if (missing)
        return arena_printf(con->mem, "the attribute '%s' is missing", missing);
    struct check *k = check_new(con->mem);
    json_object_object_foreach(secret, key, value) json_object_object_add(plain, key, json_object_get(value));
    con->config = plain;
    for (size_t i = 0; i < of->count; i++) {
        struct json_object *given = member(plain, of->attributes[i].name);
        if (of->attributes[i].flags & A_DOCUMENT && json_object_is_type(given, json_type_object))
            json_object_object_add(plain, of->attributes[i].name,
                                   json_object_new_string(json_text(con->mem, given, false)));
    }
    if (!schema_check_object(k, json_tree(con->mem, schema, strlen(schema)), plain))
        return check_summary(k);
    for (size_t i = 0; i < of->count; i++)
        if (!normalise(plain, &of->attributes[i]))
            return arena_printf(con->mem, "the attribute '%s' is not a UUID", of->attributes[i].name);
    return con->type->check ? con->type->check(con) : NULL;
}

/* Whether an id names the only resource of its kind; *id becomes canonical. */
static const char *single_id(struct connection *con, const struct connector_resource *r, const char **id, bool *refused)
{
    const char *refusal = NULL, *only = con->type->default_id(con, r, &refusal);
    *refused = refusal != NULL;
    if (refusal)
        return refusal;
    if (!only)
        return arena_printf(con->mem, "the configured %s has a malformed name", r->label);
    if (!*id || streq(*id, only)) {
        *id = only;
        return NULL;
    }
    *refused = true;
    return arena_printf(con->mem, "the connector does not open the %s '%s', but only '%s'", r->label, *id, only);
}

/* Brings the id of a resource into canonical form; of kinds without instances, there is just one. */
static const char *check_id(struct connection *con, const struct connector_resource *r, const char **id, bool *refused)
{
    const char *given = *id;
    *refused = false;
    if (given && !(*id = con->type->canonical_id(con, r, given)))
        return arena_printf(con->mem, "'%s' does not name a %s that the connector can reach", given, r->label);
    return r->instances ? NULL : single_id(con, r, id, refused);
}

const char *connection_open(struct connection *con)
{
    struct json_object *types = con->resource_types;
    bool bound = types && json_object_array_length(types) == 1, refused;
    const char *name = bound ? json_object_get_string(json_object_array_get_idx(types, 0)) : NULL;
    const char *id = con->resource_id, *problem = connector_specification(con->mem, con->type, con->auth_method, name);
    if (problem)
        return problem;
    con->method = connector_method_find(con->type, con->auth_method);
    con->resource = bound ? connector_resource_find(con->type, name) : NULL;
    problem = connector_expiration(con->mem, con->method, &con->expiration);
    if (!problem)
        problem = check_config(con);
    if (problem || !con->resource)
        return problem;
    problem = check_id(con, con->resource, &id, &refused);
    con->resource_id = refused ? NULL : id; /* what the provider or the connector refuses is forgotten */
    return refused ? NULL : problem;
}

const char *connection_implicit(const struct connection *con)
{
    return con->own || config.implicit_auth_methods
               ? NULL
               : "methods that use the credentials of the server itself are switched off here; "
                 "ZENML_ENABLE_IMPLICIT_AUTH_METHODS switches them on";
}

int64_t seconds_from_now(int64_t seconds)
{
    return (int64_t)time(NULL) + seconds;
}

/* Asking --------------------------------------------------------------------------------------------------------- */

static bool has_expired(const struct connection *con)
{
    int64_t skew = con->skew < 0 ? DEFAULT_SKEW : con->skew;
    return con->expires_at && con->expires_at - skew < (int64_t)time(NULL);
}

/* What a call is about: the kind asked for or configured, and the id. */
static const char *resolve(struct connection *con, const struct connector_resource **r, const char **id, bool whole,
                           bool *refused)
{
    *refused = false;
    if (con->resource && *r && con->resource != *r)
        return arena_printf(con->mem, "the connector is for resources of type '%s', not '%s'", con->resource->name,
                            (*r)->name);
    if (!*r)
        *r = con->resource;
    if (!*id)
        *id = con->resource_id;
    if (!*r && whole)
        return "the connector reaches resources of several types: say which one is meant";
    if (!*r)
        return *id ? "a resource is named without its type, and the connector reaches several types" : NULL;
    const char *problem = check_id(con, *r, id, refused);
    if (problem)
        return problem;
    if (*id && con->resource_id && !streq(con->resource_id, *id))
        return arena_printf(con->mem, "the connector is for the %s '%s' alone, not for '%s'", (*r)->label,
                            con->resource_id, *id);
    if (!*id && whole)
        return arena_printf(con->mem, "the connector reaches several resources of the type %s: say which one is meant",
                            (*r)->label);
    return NULL;
}

const char *connection_admits(struct connection *con, const char *resource_type, const char **resource_id)
{
    const struct connector_resource *r = connector_resource_find(con->type, resource_type);
    bool refused;
    if (!r)
        return connector_specification(con->mem, con->type, con->auth_method, resource_type);
    const char *problem = resolve(con, &r, resource_id, true, &refused);
    return problem ? problem : has_expired(con) ? EXPIRED : NULL;
}

static void set_error(struct verification *v, const struct connector_resource *r, const char *error)
{
    if (!r || v->count == 1)
        v->error = error;
    for (size_t i = 0; i < v->count; i++)
        if (!r || v->access[i].resource == r) {
            v->access[i].error = error;
            v->access[i].ids = NULL;
        }
}

static void set_ids(struct verification *v, const struct access *got)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->access[i].resource == got->resource)
            v->access[i] = *got;
}

/* One question: about everything (r is NULL), or about one kind of resource. */
static const char *ask(struct connection *con, const struct connector_resource *r, const char *id,
                       struct verification *v, bool *refused)
{
    const char *named = con->name ? arena_printf(con->mem, "connector '%s'", con->name) : "connector";
    const struct connector_resource *about = r;
    const char *problem = resolve(con, &about, &id, false, refused);
    struct texts ids = {.mem = con->mem};
    if (problem && !*refused)
        return arena_printf(con->mem, "The connector configuration is incomplete or invalid: %s", problem);
    if (!problem) {
        problem = con->type->verify(con, about, id, &ids);
        *refused = problem != NULL;
    }
    if (problem) {
        set_error(v, r ? r : about, arena_printf(con->mem, "%s authorization failure: %s", named, problem));
        return NULL;
    }
    if (!about)
        return NULL;
    if (id || ids.count) {
        if (id) {
            ids.count = 0;
            texts_add(&ids, id);
        }
        set_ids(v, &(struct access){.resource = about, .ids = ids.at, .count = ids.count});
    } else {
        set_error(v, about,
                  arena_printf(con->mem,
                               "%s listed no resources of the type %s: its credentials may lack "
                               "permission to list them",
                               named, about->label));
    }
    return NULL;
}

const char *connection_verify(struct connection *con, const char *resource_type, const char *resource_id, bool list,
                              struct verification *out)
{
    const struct connector_resource *wanted = NULL;
    bool refused;
    *out = (struct verification){0};
    for (size_t i = 0; i < con->type->resource_count; i++) {
        const struct connector_resource *r = &con->type->resources[i];
        if (con->resource && con->resource != r)
            continue;
        if (resource_type && !streq(resource_type, r->name))
            continue;
        if (resource_type)
            wanted = r;
        out->access[out->count++] = (struct access){.resource = r};
    }
    if (resource_type && !wanted)
        return arena_printf(con->mem, "the connector does not reach resources of the type '%s'", resource_type);
    if (has_expired(con)) {
        set_error(out, NULL, EXPIRED);
        return NULL;
    }
    if (!list && !resource_id)
        return ask(con, NULL, NULL, out, &refused);
    if (out->count == 1)
        return ask(con, out->access[0].resource, resource_id, out, &refused);
    const char *problem = ask(con, NULL, NULL, out, &refused);
    for (size_t i = 0; i < out->count && !problem && !out->error; i++)
        problem = ask(con, out->access[i].resource, NULL, out, &refused);
    return problem;
}

void connection_renew(struct connection *out, const struct connector_type *type, const char *auth_method,
                      struct json_object *configuration, int64_t expires_at)
{
    out->type = type;
    out->auth_method = auth_method;
    out->config = configuration;
    out->expires_at = expires_at;
    out->expiration = -1;
    out->state = NULL;
    out->method = NULL;
}

/* Binds a connection to one resource, and opens it again when it is a new one. */
static const char *bind(const struct connection *con, const struct connector_resource *r, const char *id,
                        struct connection *out)
{
    out->resource_types = json_keep(con->mem, json_object_new_array());
    json_object_array_add(out->resource_types, json_object_new_string(r->name));
    if (out->method) {
        out->resource = r;
        out->resource_id = id;
        return NULL;
    }
    out->resource_id = out->type == con->type ? id : NULL;
    out->skew = out->expires_at ? con->skew : -1;
    out->name = arena_printf(con->mem, "%s (%s | %s client)", con->name ? con->name : "", r->name, id);
    const char *problem = connection_open(out);
    out->expiration = -1; /* it has its credentials: none are asked for any more */
    return problem;
}

static const char *verified(struct connection *con, const struct connector_resource *r, const char *id)
{
    struct texts ids = {.mem = con->mem};
    return has_expired(con) ? EXPIRED : con->type->verify(con, r, id, &ids);
}

const char *connection_client(struct connection *con, const char *resource_type, const char *resource_id,
                              struct connection *out, bool *refused)
{
    const struct connector_resource *r = NULL;
    *refused = false;
    if (resource_type && !(r = connector_resource_find(con->type, resource_type)))
        return connector_specification(con->mem, con->type, con->auth_method, resource_type);
    const char *problem = resolve(con, &r, &resource_id, true, refused);
    if (problem)
        return problem;
    *refused = true;
    problem = verified(con, r, resource_id);
    if (problem)
        return problem;
    *out = *con;
    if (con->type->client)
        problem = con->type->client(con, r, resource_id, out);
    bool renewed = !out->method;
    if (!problem)
        problem = bind(con, r, resource_id, out);
    if (!problem && renewed)
        problem = verified(out, out->resource, out->resource_id);
    *refused = problem != NULL;
    return problem;
}

/* Showing -------------------------------------------------------------------------------------------------------- */

void verification_write(struct jw *w, const struct verification *v)
{
    jw_key_open(w, "resources", '[');
    for (size_t i = 0; i < v->count; i++) {
        const struct access *a = &v->access[i];
        jw_open(w, '{');
        jw_key_str(w, "resource_type", a->resource->name);
        jw_key(w, "resource_ids");
        if (a->ids)
            jw_open(w, '[');
        for (size_t k = 0; a->ids && k < a->count; k++)
            jw_str(w, a->ids[k]);
        if (a->ids)
            jw_close(w, ']');
        else
            jw_null(w);
        jw_key_str(w, "error", a->error);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_key_str(w, "error", v->error);
}
