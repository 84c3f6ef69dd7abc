/* Endpoint group: stack components */
#include "app/app.h"
#include "model/component.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/components", resource_component),
    GET("/api/v1/components/{component_id}", resource_component),
    UPDATE("/api/v1/components/{component_id}", resource_component),
    DELETE("/api/v1/components/{component_id}", resource_component),
    LIST("/api/v1/workspaces/{workspace_name_or_id}/components", resource_component, WITHIN_WORKSPACE),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/components", resource_component, WITHIN_WORKSPACE),
    {.method = "GET",
     .path = "/api/v1/component-types",
     .handler = component_types,
     .response = "[string]",
     .open = "the same for everybody",
     .about = "Lists the types of stack components."},
};

WORKER(components, routes)
