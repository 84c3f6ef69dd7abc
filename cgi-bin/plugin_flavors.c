/* Endpoint group: plugin flavors */
#include "app/app.h"
#include "automation/plugin.h"

static const char FIXED[] = "the same for all: what this server has been built with";

static const struct route routes[] = {
    {"GET", "/api/v1/plugin-flavors", plugin_list, .query = &PLUGIN_LIST_QUERY,
     .response = "Page_BasePluginFlavorResponse_", .open = FIXED},
    {"GET", "/api/v1/plugin-flavors/{name}", plugin_get, .params = {PARAM_NAME}, .query = &PLUGIN_GET_QUERY,
     .response = "BasePluginFlavorResponse", .open = FIXED},
};

WORKER(plugin_flavors, routes)
