/*
 * What run templates must know about the flavors of stack components (docs/contract/run-templates.md#source): which
 * parts of a component's configuration are settings that may change from run to run, and which components only work on
 * the machine that they were made on.
 */
#ifndef KANSO_TEMPLATE_FLAVORS_H
#define KANSO_TEMPLATE_FLAVORS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* The settings of a flavor: its class, and the members of the configuration that belong to it. */
struct flavor_settings {
    const char *key;   /* "orchestrator.kubernetes", as in the settings of pipelines and steps */
    const char *title; /* of the class */
    const char *names; /* with blanks between */
};

/* NULL when the flavor has none or is not a built-in one. */
const struct flavor_settings *flavor_settings(const char *type, const char *flavor);

/* Whether a member of the configuration belongs to the settings. */
bool flavor_setting(const struct flavor_settings *s, const char *name, size_t len);

/* Whether a component of that type, flavor and configuration works with local resources only. */
bool flavor_is_local(const char *type, const char *flavor, struct json_object *configuration);

#endif
