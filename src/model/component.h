/* Stack components: a flavor with its configuration. */
#ifndef KANSO_MODEL_COMPONENT_H
#define KANSO_MODEL_COMPONENT_H

#include "model/flavor.h"

/* Checks a configuration against its flavor (docs/contract/resources.md#components). 422 ValueError when it does not
 * fit. */
int component_check_config(struct ctx *c, const struct flavor *f, const char *flavor_name, const char *type,
                           struct json_object *configuration);

/* GET /component-types */
int component_types(struct ctx *c);

#endif
