/*
 * Service connector types: how one authenticates with a provider, and which kinds of resources that opens
 * (docs/contract/connectors.md#types). The types are data; what a provider must be asked is a function of the type.
 */
#ifndef KANSO_CONNECTOR_TYPES_H
#define KANSO_CONNECTOR_TYPES_H

#include "base/arena.h"
#include "json/write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;

struct connector_method {
    const char *name, *label, *description;
    const char *schema; /* JSON schema of its configuration; attributes of format "password" are secrets */
    int64_t min_expiration, max_expiration, default_expiration; /* seconds; 0: none */
};

struct connector_resource {
    const char *name, *label, *description;
    const char *logo_url, *emoji;
    bool instances; /* one connector may reach several of them */
};

struct connector_type {
    const char *name, *label, *description;
    const char *logo_url, *emoji;
    bool auto_configuration;
    const struct connector_method *methods; /* each works for every resource type */
    size_t method_count;
    const struct connector_resource *resources;
    size_t resource_count;

    /* The canonical form of a resource's id; NULL when it is malformed. */
    const char *(*canonical_id)(struct arena *a, const struct connector_resource *r, const char *id);

    /* The id of the only resource of that kind; asked for kinds without instances. NULL when it is malformed. */
    const char *(*default_id)(const struct connection *con, const struct connector_resource *r);

    /* Asks the provider whether the credentials open the resource (or anything, when r is NULL; any of its kind, when
     * id is NULL). Returns NULL and the ids that are open, or why the provider refuses. */
    const char *(*verify)(const struct connection *con, const struct connector_resource *r, const char *id,
                          const char *const **ids, size_t *count);
};

/* All types of this build, NULL-terminated, in the order in which lists show them. */
extern const struct connector_type *const connector_types[];

/* A type by its name; NULL when this build does not have it. */
const struct connector_type *connector_type_find(const char *name);

const struct connector_method *connector_method_find(const struct connector_type *t, const char *name);
const struct connector_resource *connector_resource_find(const struct connector_type *t, const char *name);

/* Writes the type's object. */
void connector_type_write(struct jw *w, const struct connector_type *t);

/* Sorts the attributes of a configuration (NULL: none) by the method's schema into plain ones and secrets; unknown
 * ones are dropped. Returns NULL, or the name of a required attribute that is missing. */
const char *connector_split(struct arena *a, const struct connector_method *m, struct json_object *configuration,
                            struct json_object *secrets, struct json_object **plain, struct json_object **secret);

extern const struct connector_type connector_docker;

#endif
