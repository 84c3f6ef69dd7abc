/*
 * Service connector types: how one authenticates with a provider, and which kinds of resources that opens
 * (docs/contract/connectors.md#types). The types are data; what a provider must be asked is a function of the type, in
 * a file for each provider.
 */
#ifndef KANSO_CONNECTOR_TYPES_H
#define KANSO_CONNECTOR_TYPES_H

#include "base/arena.h"
#include "json/write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;

enum attribute_form { A_TEXT, A_UUID, A_FLAG, A_TEXTS };
enum attribute_flags {
    A_SECRET = 1,
    A_REQUIRED = 2,
    A_DEFAULT_TRUE = 4, /* of a flag; others are false by default */
    A_DOCUMENT = 8,     /* a text of JSON, which may be given as an object */
};

struct connector_attribute {
    const char *name, *title, *description; /* the description may be NULL */
    enum attribute_form form;
    unsigned flags;
};

/* What the configuration of a method consists of. */
struct connector_config {
    const char *title, *description;
    const struct connector_attribute *attributes;
    size_t count;
};

#define CONFIG(named, about, rows)                                                                                     \
    {                                                                                                                  \
        .title = (named), .description = (about), .attributes = (rows), .count = sizeof(rows) / sizeof *(rows)         \
    }

struct connector_method {
    const char *name, *label, *description;
    const struct connector_config *config;
    int64_t min_expiration, max_expiration, default_expiration; /* seconds; 0: none */
    bool implicit; /* uses what the server itself may do: only where an administrator allows it */
};

struct connector_resource {
    const char *name, *label, *description;
    const char *logo_url, *emoji;
    bool instances; /* one connector may reach several of them */
};

/* A growing list of texts. */
struct texts {
    struct arena *mem;
    const char **at;
    size_t count, room;
};

struct connector_type {
    const char *name, *label, *description;
    const char *logo_url, *emoji;
    bool auto_configuration;
    const struct connector_method *methods; /* each works for every resource type */
    size_t method_count;
    const struct connector_resource *resources;
    size_t resource_count;

    /* Checks and completes a configuration that fits the schema. Returns NULL, or what is wrong. NULL: nothing to do.
     */
    const char *(*check)(struct connection *con);

    /* The canonical form of a resource's id; NULL when it is malformed, or lies outside of what is configured. */
    const char *(*canonical_id)(struct connection *con, const struct connector_resource *r, const char *id);

    /* The id of the only resource of that kind; asked for kinds without instances. NULL when it is malformed; with
     * *refusal the provider does not tell, and says why. */
    const char *(*default_id)(struct connection *con, const struct connector_resource *r, const char **refusal);

    /* Asks the provider whether the credentials open the resource (or anything, when r is NULL; any of its kind, when
     * id is NULL). Returns NULL and adds the ids that are open, or why the provider refuses. */
    const char *(*verify)(struct connection *con, const struct connector_resource *r, const char *id,
                          struct texts *ids);

    /* Makes of a verified connection one that a client may have: bound to the resource, and with temporary credentials
     * where the provider has such. Fills type, auth_method, config and expires_at of `out`. Returns NULL, or why the
     * provider refuses. NULL: the connection itself. */
    const char *(*client)(struct connection *con, const struct connector_resource *r, const char *id,
                          struct connection *out);
};

/* All types of this build, NULL-terminated, in the order in which lists show them. */
extern const struct connector_type *const connector_types[];

/* Whether the administrator has switched the type on (KANSO_CONNECTOR_TYPES). */
bool connector_type_enabled(const struct connector_type *t);

/* A type by its name; NULL when this server does not have it. */
const struct connector_type *connector_type_find(const char *name);

const struct connector_method *connector_method_find(const struct connector_type *t, const char *name);
const struct connector_resource *connector_resource_find(const struct connector_type *t, const char *name);

/* The method, and the resource type unless that is NULL: returns NULL, or a sentence that says which of them the type
 * lacks and which ones it has. */
const char *connector_specification(struct arena *a, const struct connector_type *t, const char *method,
                                    const char *resource);

/* Seconds for which temporary credentials are asked: a value below 0 (none given) and 0 are the default, which *seconds
 * then holds (-1: none). Returns NULL, or what is wrong with the value. */
const char *connector_expiration(struct arena *a, const struct connector_method *m, int64_t *seconds);

/* What a flavor demands of the connector of its components: a type (NULL or empty: any), a kind of resources, and an
 * attribute of the component that names the resource (NULL or empty: none). Returns NULL, or what is not satisfied. */
const char *connector_satisfies(struct arena *a, const char *type, struct json_object *resource_types,
                                struct json_object *component_configuration, const char *wanted_type,
                                const char *wanted_resource, const char *id_attribute);

/* Writes the type's object. */
void connector_type_write(struct jw *w, const struct connector_type *t);

/* The JSON schema of a configuration, as text. */
const char *connector_schema(struct arena *a, const struct connector_config *config);

/* Sorts the attributes of a configuration (NULL: none) into plain ones and secrets; unknown ones are dropped. Returns
 * NULL, or the name of a required attribute that is missing. */
const char *connector_split(struct arena *a, const struct connector_method *m, struct json_object *configuration,
                            struct json_object *secrets, struct json_object **plain, struct json_object **secret);

void texts_add(struct texts *t, const char *text);

extern const struct connector_type connector_aws, connector_gcp, connector_azure, connector_kubernetes,
    connector_docker, connector_hyperai;

/* Attributes that several methods of a type have are written once in its file. */
#define LOGO(path) "https://public-flavor-logos.s3.eu-central-1.amazonaws.com/" path

#endif
