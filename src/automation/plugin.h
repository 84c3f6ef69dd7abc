/*
 * Plugins: what events come from and what they lead to, by type, subtype and flavor
 * (docs/contract/automation.md#plugins). The set is fixed: webhooks of GitHub and Bitbucket, and runs of templates.
 */
#ifndef KANSO_AUTOMATION_PLUGIN_H
#define KANSO_AUTOMATION_PLUGIN_H

#include "automation/event.h"
#include "http/context.h"

struct plugin {
    const char *type, *subtype, *flavor;
    const struct model *configuration; /* of an action or event source */
    const struct event_kind *events;   /* of an event source; NULL: none */
};

/* The plugin of that name; 404 KeyError when there is none. */
int plugin_find(struct ctx *c, const char *type, const char *subtype, const char *flavor, const struct plugin **out);

/* Checks a configuration of `what` ("action", "event filter"): the complete document, or NULL once it has composed 400
 * ValueError with all that is wrong with it. */
struct json_object *plugin_check(struct ctx *c, const struct model *m, struct json_object *value, const char *what);

/* Handlers of GET /plugin-flavors and /plugin-flavors/{name}. */
int plugin_list(struct ctx *c);
int plugin_get(struct ctx *c);
extern const struct model PLUGIN_LIST_QUERY, PLUGIN_GET_QUERY;

/* Words. */
extern const struct type T_PLUGIN_TYPE, T_PLUGIN_SUBTYPE;

#endif
