/* Endpoint group: stacks */
#include "app/app.h"
#include "model/stack.h"

static const struct route routes[] = {
    LIST("/api/v1/stacks", resource_stack),
    GET("/api/v1/stacks/{stack_id}", resource_stack),
    UPDATE("/api/v1/stacks/{stack_id}", resource_stack),
    DELETE("/api/v1/stacks/{stack_id}", resource_stack),
    LIST("/api/v1/workspaces/{workspace_name_or_id}/stacks", resource_stack),
    {.method = "POST",
     .path = "/api/v1/workspaces/{workspace_name_or_id}/stacks",
     .handler = stack_create,
     .resource = &resource_stack,
     .op = OP_CREATE},
};

WORKER(stacks, routes)
