#include "connector/connection.h"

#include "base/text.h"
#include "json/schema.h"

#include <string.h>
#include <time.h>

enum { DEFAULT_SKEW = 300 };

static const char EXPIRED[] = "the connector's authentication credentials have expired.";

/* Instantiating -------------------------------------------------------------------------------------------------- */

static const char *check_expiration(struct connection *con)
{
    const struct connector_method *m = con->method;
    bool known = m->min_expiration || m->max_expiration || m->default_expiration;
    if (!known && con->expiration >= 0)
        return arena_printf(con->mem, "the method '%s' knows no expiration time, but one of %lld seconds is given",
                            m->name, (long long)con->expiration);
    if (con->expiration <= 0)
        con->expiration = m->default_expiration ? m->default_expiration : -1;
    if (con->expiration < 0)
        return NULL;
    if (m->min_expiration && con->expiration < m->min_expiration)
        return arena_printf(con->mem, "the expiration time must be at least %lld seconds",
                            (long long)m->min_expiration);
    if (m->max_expiration && con->expiration > m->max_expiration)
        return arena_printf(con->mem, "the expiration time must be at most %lld seconds", (long long)m->max_expiration);
    return NULL;
}

/* The attributes of the method alone, checked. */
static const char *check_config(struct connection *con)
{
    struct json_object *plain, *secret, *schema = json_tree(con->mem, con->method->schema, strlen(con->method->schema));
    const char *missing = connector_split(con->mem, con->method, con->config, NULL, &plain, &secret);
    if (missing)
        return arena_printf(con->mem, "the attribute '%s' is missing", missing);
    json_object_object_foreach(secret, key, value) json_object_object_add(plain, key, json_object_get(value));
    con->config = plain;
    struct check *k = check_new(con->mem);
    return schema_check_object(k, schema, plain) ? NULL : check_text(k);
}

/* Whether an id names the only resource of its kind; *id becomes canonical. */
static const char *single_id(const struct connection *con, const struct connector_resource *r, const char **id,
                             bool *refused)
{
    const char *only = con->type->default_id(con, r);
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
static const char *check_id(const struct connection *con, const struct connector_resource *r, const char **id,
                            bool *refused)
{
    const char *given = *id;
    *refused = false;
    if (given && !(*id = con->type->canonical_id(con->mem, r, given)))
        return arena_printf(con->mem, "'%s' does not name a %s", given, r->label);
    return r->instances ? NULL : single_id(con, r, id, refused);
}

const char *connection_open(struct connection *con)
{
    const char *problem, *id = con->resource_id;
    bool refused;
    con->method = connector_method_find(con->type, con->auth_method);
    if (!con->method)
        return arena_printf(con->mem, "the connector type '%s' knows no authentication method '%s'", con->type->name,
                            con->auth_method ? con->auth_method : "");
    if (con->resource_types && json_object_array_length(con->resource_types) == 1) {
        const char *name = json_object_get_string(json_object_array_get_idx(con->resource_types, 0));
        con->resource = connector_resource_find(con->type, name);
        if (!con->resource)
            return arena_printf(con->mem, "the connector type '%s' knows no resource type '%s'", con->type->name, name);
    }
    problem = check_expiration(con);
    if (!problem)
        problem = check_config(con);
    if (problem || !con->resource)
        return problem;
    problem = check_id(con, con->resource, &id, &refused);
    con->resource_id = refused ? NULL : id; /* another id than the only one is forgotten */
    return refused ? NULL : problem;
}

/* Asking --------------------------------------------------------------------------------------------------------- */

static bool has_expired(const struct connection *con)
{
    int64_t skew = con->skew < 0 ? DEFAULT_SKEW : con->skew;
    return con->expires_at && con->expires_at - skew < (int64_t)time(NULL);
}

/* What a call is about: the kind asked for or configured, and the id. */
static const char *resolve(const struct connection *con, const struct connector_resource **r, const char **id,
                           bool whole, bool *refused)
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
static const char *ask(const struct connection *con, const struct connector_resource *r, const char *id,
                       struct verification *v, bool *refused)
{
    const char *named = con->name ? arena_printf(con->mem, "connector '%s'", con->name) : "connector";
    const struct connector_resource *about = r;
    const char *problem = resolve(con, &about, &id, false, refused), *const *ids = NULL;
    size_t count = 0;
    if (problem && !*refused)
        return arena_printf(con->mem, "The connector configuration is incomplete or invalid: %s", problem);
    if (!problem) {
        problem = con->type->verify(con, about, id, &ids, &count);
        *refused = problem != NULL;
    }
    if (problem) {
        set_error(v, r ? r : about, arena_printf(con->mem, "%s authorization failure: %s", named, problem));
        return NULL;
    }
    if (!about)
        return NULL;
    if (id || count) {
        const char **only = arena_alloc(con->mem, sizeof *only);
        *only = id;
        set_ids(v, &(struct access){.resource = about, .ids = id ? only : ids, .count = id ? 1 : count});
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

const char *connection_client(struct connection *con, const char *resource_type, const char *resource_id,
                              struct access *out, bool *refused)
{
    *refused = false;
    *out = (struct access){0};
    if (resource_type && !(out->resource = connector_resource_find(con->type, resource_type)))
        return arena_printf(con->mem, "the connector type '%s' knows no resource type '%s'", con->type->name,
                            resource_type);
    const char *problem = resolve(con, &out->resource, &resource_id, true, refused);
    if (problem)
        return problem;
    *refused = true;
    if (has_expired(con))
        return EXPIRED;
    problem = con->type->verify(con, out->resource, resource_id, &out->ids, &out->count);
    if (problem)
        return problem;
    const char **only = arena_alloc(con->mem, sizeof *only);
    *only = resource_id;
    out->ids = only;
    out->count = 1;
    *refused = false;
    return NULL;
}

/* Showing -------------------------------------------------------------------------------------------------------- */

void verification_write(struct jw *w, const struct verification *v)
{
    jw_key(w, "resources");
    jw_open(w, '[');
    for (size_t i = 0; i < v->count; i++) {
        const struct access *a = &v->access[i];
        jw_open(w, '{');
        jw_key(w, "resource_type");
        jw_str(w, a->resource->name);
        jw_key(w, "resource_ids");
        if (a->ids)
            jw_open(w, '[');
        for (size_t k = 0; a->ids && k < a->count; k++)
            jw_str(w, a->ids[k]);
        if (a->ids)
            jw_close(w, ']');
        else
            jw_null(w);
        jw_key(w, "error");
        jw_str(w, a->error);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_key(w, "error");
    jw_str(w, v->error);
}
