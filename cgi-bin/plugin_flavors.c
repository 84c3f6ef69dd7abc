/* Endpoint group: plugin flavors */
#include "app/app.h"
#include "automation/plugin.h"

static const char FIXED[] = "the same for all: what this server has been built with";

static const struct route routes[] = {
    {"GET", "/api/v1/plugin-flavors", plugin_list, .query = &PLUGIN_LIST_QUERY,
     .response = "Page_BasePluginFlavorResponse_", .open = FIXED,
     .about = "Lists the flavors of event sources and actions, a page at a time."},
    {"GET", "/api/v1/plugin-flavors/{name}", plugin_get, .params = {PARAM_NAME}, .query = &PLUGIN_GET_QUERY,
     .response = "BasePluginFlavorResponse", .open = FIXED, .about = "Shows one flavor of event sources or actions."},
};

WORKER(plugin_flavors, routes)
