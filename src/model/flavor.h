/* Flavors: kinds of stack components, with the JSON schema of their configuration. */
#ifndef KANSO_MODEL_FLAVOR_H
#define KANSO_MODEL_FLAVOR_H

#include "model/model.h"

/* What others need to know about a flavor. */
struct flavor {
    bool custom; /* made by a user: its configuration is checked by the client alone */
    struct json_object *schema;
    const char *connector_type, *connector_resource_type, *connector_id_attribute; /* NULL: any, none, none */
};

/* Finds the flavor of a name for a component type: the oldest, whoever owns it. Refuses with `error` when there is
 * none. The flavor lives in the arena. */
int flavor_find(struct ctx *c, enum exception error, const char *name, const char *component_type, struct flavor **out);

/* PATCH /flavors/sync: brings the flavors that come with the server up to date. */
int flavors_sync(struct ctx *c);

#endif
