#include "connector/types.h"

#include "base/config.h"
#include "base/text.h"
#include "json/model.h"

#include <string.h>

const struct connector_type *const connector_types[] = {
    &connector_aws,     &connector_gcp, &connector_azure, &connector_kubernetes, &connector_docker,
    &connector_hyperai, NULL,
};

bool connector_type_enabled(const struct connector_type *t)
{
    size_t len = strlen(t->name);
    const char *list = config.connector_types;
    if (!list)
        return true;
    for (list += strspn(list, ", "); *list; list += strspn(list, ", ")) {
        size_t word = strcspn(list, ", ");
        if (word == len && strncmp(list, t->name, len) == 0)
            return true;
        list += word;
    }
    return false;
}

const struct connector_type *connector_type_find(const char *name)
{
    for (const struct connector_type *const *t = connector_types; *t; t++)
        if (streq((*t)->name, name))
            return connector_type_enabled(*t) ? *t : NULL;
    return NULL;
}

const struct connector_method *connector_method_find(const struct connector_type *t, const char *name)
{
    for (size_t i = 0; i < t->method_count; i++)
        if (streq(t->methods[i].name, name))
            return &t->methods[i];
    return NULL;
}

const struct connector_resource *connector_resource_find(const struct connector_type *t, const char *name)
{
    for (size_t i = 0; i < t->resource_count; i++)
        if (streq(t->resources[i].name, name))
            return &t->resources[i];
    return NULL;
}

void texts_add(struct texts *t, const char *text)
{
    if (t->count == t->room) {
        size_t room = t->room ? size_mul(t->room, 2) : 8;
        const char **more = arena_array(t->mem, room, sizeof *more);
        if (t->count)
            memcpy(more, t->at, t->count * sizeof *more);
        t->at = more;
        t->room = room;
    }
    t->at[t->count++] = text;
}

/* Specifications ------------------------------------------------------------------------------------------------- */

static const char *listed(struct arena *a, const char *list, const char *name)
{
    return arena_printf(a, "%s%s%s", list, *list ? ", " : "", name);
}

const char *connector_specification(struct arena *a, const struct connector_type *t, const char *method,
                                    const char *resource)
{
    const char *names = "";
    if (!connector_method_find(t, method)) {
        for (size_t i = 0; i < t->method_count; i++)
            names = listed(a, names, t->methods[i].name);
        return arena_printf(a, "the connector type '%s' has no authentication method '%s', but these: %s", t->name,
                            method ? method : "", names);
    }
    if (resource && !connector_resource_find(t, resource)) {
        for (size_t i = 0; i < t->resource_count; i++)
            names = listed(a, names, t->resources[i].name);
        return arena_printf(a, "the connector type '%s' has no resource type '%s', but these: %s", t->name, resource,
                            names);
    }
    return NULL;
}

const char *connector_expiration(struct arena *a, const struct connector_method *m, int64_t *seconds)
{
    bool known = m->min_expiration || m->max_expiration || m->default_expiration;
    if (!known && *seconds >= 0)
        return arena_printf(a, "the method '%s' knows no expiration time, but one of %lld seconds is given", m->name,
                            (long long)*seconds);
    if (*seconds <= 0)
        *seconds = m->default_expiration ? m->default_expiration : -1;
    if (*seconds < 0)
        return NULL;
    if (m->min_expiration && *seconds < m->min_expiration)
        return arena_printf(a, "the expiration time must be at least %lld seconds", (long long)m->min_expiration);
    if (m->max_expiration && *seconds > m->max_expiration)
        return arena_printf(a, "the expiration time must be at most %lld seconds", (long long)m->max_expiration);
    return NULL;
}

const char *connector_satisfies(struct arena *a, const char *type, struct json_object *resource_types,
                                struct json_object *component_configuration, const char *wanted_type,
                                const char *wanted_resource, const char *id_attribute)
{
    const char *names = "";
    bool reached = false;
    if (wanted_type && *wanted_type && !streq(wanted_type, type))
        return arena_printf(a, "a service connector of the type '%s' is needed, not '%s'", wanted_type, type);
    for (size_t i = 0; resource_types && i < json_object_array_length(resource_types); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(resource_types, i));
        names = listed(a, names, name);
        reached = reached || streq(name, wanted_resource);
    }
    if (!reached)
        return arena_printf(a, "resources of the type '%s' are needed, and the service connector reaches: %s",
                            wanted_resource, names);
    struct json_object *value = id_attribute && *id_attribute ? member(component_configuration, id_attribute) : NULL;
    const char *text = value ? json_object_get_string(value) : NULL;
    if (id_attribute && *id_attribute && (!text || !*text))
        return arena_printf(a,
                            "the attribute '%s' of the component's configuration, which names the resource, is "
                            "missing",
                            id_attribute);
    return NULL;
}

/* Writing -------------------------------------------------------------------------------------------------------- */

static void pair_bool(struct jw *w, const char *key, bool value)
{
    jw_key(w, key);
    jw_bool(w, value);
}

static void pair_seconds(struct jw *w, const char *key, int64_t value)
{
    jw_key(w, key);
    if (value)
        jw_int(w, value);
    else
        jw_null(w);
}

/* Schemas -------------------------------------------------------------------------------------------------------- */

static void write_form(struct jw *w, const struct connector_attribute *at)
{
    static const char *const forms[] = {[A_TEXT] = "{\"type\":\"string\"}",
                                        [A_UUID] = "{\"format\":\"uuid\",\"type\":\"string\"}",
                                        [A_FLAG] = "{\"type\":\"boolean\"}",
                                        [A_TEXTS] = "{\"items\":{\"type\":\"string\"},\"type\":\"array\"}"};
    const char *form =
        at->flags & A_SECRET ? "{\"format\":\"password\",\"type\":\"string\",\"writeOnly\":true}" : forms[at->form];
    jw_raw(w, form, strlen(form));
}

/* The members of a form, within the object of the attribute. */
static void write_bare_form(struct jw *w, const struct connector_attribute *at)
{
    if (at->form == A_TEXTS) {
        jw_key(w, "items");
        jw_raw(w, "{\"type\":\"string\"}", 17);
    }
    if (at->flags & A_SECRET)
        jw_key_str(w, "format", "password");
    else if (at->form == A_UUID)
        jw_key_str(w, "format", "uuid");
    jw_key_str(w, "title", at->title);
    jw_key_str(w, "type", at->form == A_TEXTS ? "array" : at->form == A_FLAG ? "boolean" : "string");
    if (at->flags & A_SECRET)
        pair_bool(w, "writeOnly", true);
}

static void write_attribute(struct jw *w, const struct connector_attribute *at)
{
    bool optional = !(at->flags & A_REQUIRED) && at->form != A_FLAG;
    jw_open(w, '{');
    if (optional) {
        jw_key_open(w, "anyOf", '[');
        write_form(w, at);
        jw_raw(w, "{\"type\":\"null\"}", 15);
        jw_close(w, ']');
        jw_key(w, "default");
        jw_null(w);
    } else if (at->form == A_FLAG) {
        pair_bool(w, "default", at->flags & A_DEFAULT_TRUE);
    }
    if (at->description)
        jw_key_str(w, "description", at->description);
    if (optional)
        jw_key_str(w, "title", at->title);
    else
        write_bare_form(w, at);
    jw_close(w, '}');
}

static void write_schema(struct jw *w, const struct connector_config *config_of)
{
    jw_open(w, '{');
    jw_key_str(w, "description", config_of->description);
    jw_key_open(w, "properties", '{');
    for (size_t i = 0; i < config_of->count; i++) {
        jw_key(w, config_of->attributes[i].name);
        write_attribute(w, &config_of->attributes[i]);
    }
    jw_close(w, '}');
    bool any = false;
    for (size_t i = 0; i < config_of->count; i++)
        if (config_of->attributes[i].flags & A_REQUIRED) {
            if (!any) {
                jw_key_open(w, "required", '[');
            }
            any = true;
            jw_str(w, config_of->attributes[i].name);
        }
    if (any)
        jw_close(w, ']');
    jw_key_str(w, "title", config_of->title);
    jw_key_str(w, "type", "object");
    jw_close(w, '}');
}

const char *connector_schema(struct arena *a, const struct connector_config *config_of)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    write_schema(&w, config_of);
    const char *out = arena_strndup(a, text.data, text.len);
    buf_free(&text);
    return out;
}

static void write_resource(struct jw *w, const struct connector_type *t, const struct connector_resource *r)
{
    jw_open(w, '{');
    jw_key_str(w, "name", r->label);
    jw_key_str(w, "resource_type", r->name);
    jw_key_str(w, "description", r->description);
    jw_key_open(w, "auth_methods", '[');
    for (size_t i = 0; i < t->method_count; i++)
        jw_str(w, t->methods[i].name);
    jw_close(w, ']');
    pair_bool(w, "supports_instances", r->instances);
    jw_key_str(w, "logo_url", r->logo_url);
    jw_key_str(w, "emoji", r->emoji);
    jw_close(w, '}');
}

static void write_method(struct jw *w, const struct connector_method *m)
{
    jw_open(w, '{');
    jw_key_str(w, "name", m->label);
    jw_key_str(w, "auth_method", m->name);
    jw_key_str(w, "description", m->description);
    jw_key(w, "config_schema");
    write_schema(w, m->config);
    pair_seconds(w, "min_expiration_seconds", m->min_expiration);
    pair_seconds(w, "max_expiration_seconds", m->max_expiration);
    pair_seconds(w, "default_expiration_seconds", m->default_expiration);
    jw_close(w, '}');
}

void connector_type_write(struct jw *w, const struct connector_type *t)
{
    jw_open(w, '{');
    jw_key_str(w, "name", t->label);
    jw_key_str(w, "connector_type", t->name);
    jw_key_str(w, "description", t->description);
    jw_key_open(w, "resource_types", '[');
    for (size_t i = 0; i < t->resource_count; i++)
        write_resource(w, t, &t->resources[i]);
    jw_close(w, ']');
    jw_key_open(w, "auth_methods", '[');
    for (size_t i = 0; i < t->method_count; i++)
        write_method(w, &t->methods[i]);
    jw_close(w, ']');
    pair_bool(w, "supports_auto_configuration", t->auto_configuration);
    jw_key_str(w, "logo_url", t->logo_url);
    jw_key_str(w, "emoji", t->emoji);
    jw_key_str(w, "docs_url", NULL);
    jw_key_str(w, "sdk_docs_url", NULL);
    pair_bool(w, "local", true);
    pair_bool(w, "remote", false);
    jw_close(w, '}');
}

/* Splitting ------------------------------------------------------------------------------------------------------ */

/* A text for a list: JSON, or words between commas. A new reference. */
static struct json_object *list_from_text(struct arena *a, const char *s)
{
    struct json_object *list;
    struct json_error error;
    if (json_parse(a, s, strlen(s), &list, &error))
        return json_object_get(list);
    list = json_object_new_array();
    for (;;) {
        size_t len = strcspn(s, ",");
        json_object_array_add(list, json_object_new_string_len(s, (int)len));
        if (!s[len])
            return list;
        s += len + 1;
    }
}

const char *connector_split(struct arena *a, const struct connector_method *m, struct json_object *configuration,
                            struct json_object *secrets, struct json_object **plain, struct json_object **secret)
{
    *plain = json_keep(a, json_object_new_object());
    *secret = json_keep(a, json_object_new_object());
    for (size_t i = 0; i < m->config->count; i++) {
        const struct connector_attribute *at = &m->config->attributes[i];
        struct json_object *v =
            member_given(configuration, at->name) ? member(configuration, at->name) : member(secrets, at->name);
        if (!v && at->flags & A_REQUIRED)
            return at->name;
        if (!v)
            continue;
        if (at->flags & A_SECRET)
            json_object_object_add(*secret, at->name, json_object_get(v));
        else if (at->form == A_TEXTS && json_object_is_type(v, json_type_string))
            json_object_object_add(*plain, at->name, list_from_text(a, json_object_get_string(v)));
        else
            json_object_object_add(*plain, at->name, json_object_get(v));
    }
    return NULL;
}
