#include "connector/types.h"

#include "base/text.h"
#include "json/model.h"

#include <string.h>

const struct connector_type *const connector_types[] = {&connector_docker, NULL};

const struct connector_type *connector_type_find(const char *name)
{
    for (const struct connector_type *const *t = connector_types; *t; t++)
        if (streq((*t)->name, name))
            return *t;
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

/* Writing -------------------------------------------------------------------------------------------------------- */

static void pair(struct jw *w, const char *key, const char *value)
{
    jw_key(w, key);
    jw_str(w, value);
}

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

static void write_resource(struct jw *w, const struct connector_type *t, const struct connector_resource *r)
{
    jw_open(w, '{');
    pair(w, "name", r->label);
    pair(w, "resource_type", r->name);
    pair(w, "description", r->description);
    jw_key(w, "auth_methods");
    jw_open(w, '[');
    for (size_t i = 0; i < t->method_count; i++)
        jw_str(w, t->methods[i].name);
    jw_close(w, ']');
    pair_bool(w, "supports_instances", r->instances);
    pair(w, "logo_url", r->logo_url);
    pair(w, "emoji", r->emoji);
    jw_close(w, '}');
}

static void write_method(struct jw *w, const struct connector_method *m)
{
    jw_open(w, '{');
    pair(w, "name", m->label);
    pair(w, "auth_method", m->name);
    pair(w, "description", m->description);
    jw_key(w, "config_schema");
    jw_raw(w, m->schema, strlen(m->schema));
    pair_seconds(w, "min_expiration_seconds", m->min_expiration);
    pair_seconds(w, "max_expiration_seconds", m->max_expiration);
    pair_seconds(w, "default_expiration_seconds", m->default_expiration);
    jw_close(w, '}');
}

void connector_type_write(struct jw *w, const struct connector_type *t)
{
    jw_open(w, '{');
    pair(w, "name", t->label);
    pair(w, "connector_type", t->name);
    pair(w, "description", t->description);
    jw_key(w, "resource_types");
    jw_open(w, '[');
    for (size_t i = 0; i < t->resource_count; i++)
        write_resource(w, t, &t->resources[i]);
    jw_close(w, ']');
    jw_key(w, "auth_methods");
    jw_open(w, '[');
    for (size_t i = 0; i < t->method_count; i++)
        write_method(w, &t->methods[i]);
    jw_close(w, ']');
    pair_bool(w, "supports_auto_configuration", t->auto_configuration);
    pair(w, "logo_url", t->logo_url);
    pair(w, "emoji", t->emoji);
    pair(w, "docs_url", NULL);
    pair(w, "sdk_docs_url", NULL);
    pair_bool(w, "local", true);
    pair_bool(w, "remote", false);
    jw_close(w, '}');
}

/* Splitting ------------------------------------------------------------------------------------------------------ */

/* The part of an attribute's schema that says more than that it may be null. */
static struct json_object *attribute_schema(struct json_object *schema)
{
    struct json_object *any = member(schema, "anyOf");
    for (size_t i = 0; any && i < json_object_array_length(any); i++) {
        struct json_object *alternative = json_object_array_get_idx(any, i);
        if (!streq(member_str(alternative, "type"), "null"))
            return alternative;
    }
    return schema;
}

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

static bool is_required(struct json_object *schema, const char *name)
{
    struct json_object *required = member(schema, "required");
    for (size_t i = 0; required && i < json_object_array_length(required); i++)
        if (streq(json_object_get_string(json_object_array_get_idx(required, i)), name))
            return true;
    return false;
}

const char *connector_split(struct arena *a, const struct connector_method *m, struct json_object *configuration,
                            struct json_object *secrets, struct json_object **plain, struct json_object **secret)
{
    struct json_object *schema = json_tree(a, m->schema, strlen(m->schema));
    *plain = json_keep(a, json_object_new_object());
    *secret = json_keep(a, json_object_new_object());
    json_object_object_foreach(member(schema, "properties"), name, attribute)
    {
        struct json_object *what = attribute_schema(attribute);
        struct json_object *v = member_given(configuration, name) ? member(configuration, name) : member(secrets, name);
        if (!v) {
            if (is_required(schema, name))
                return arena_strdup(a, name);
            continue;
        }
        if (streq(member_str(what, "format"), "password"))
            json_object_object_add(*secret, name, json_object_get(v));
        else if (streq(member_str(what, "type"), "array") && json_object_is_type(v, json_type_string))
            json_object_object_add(*plain, name, list_from_text(a, json_object_get_string(v)));
        else
            json_object_object_add(*plain, name, json_object_get(v));
    }
    return NULL;
}
