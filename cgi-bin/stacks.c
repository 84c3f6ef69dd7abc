/* Endpoint group: stacks */
#include "access/needs.h"
#include "app/app.h"
#include "model/model.h"
#include "model/stack.h"

static const struct route routes[] = {
    LIST("/api/v1/stacks", resource_stack),
    GET("/api/v1/stacks/{stack_id}", resource_stack),
    {"PUT", "/api/v1/stacks/{stack_id}", resource_update, &resource_stack, OP_UPDATE,
     .needs = NEEDS({&resource_stack, "update", NEED_PATH, need_stack_parts})},
    DELETE("/api/v1/stacks/{stack_id}", resource_stack),
    LIST("/api/v1/workspaces/{workspace_name_or_id}/stacks", resource_stack),
    {.method = "POST",
     .path = "/api/v1/workspaces/{workspace_name_or_id}/stacks",
     .handler = stack_create,
     .resource = &resource_stack,
     .op = OP_CREATE,
     .needs = NEEDS({&resource_stack, "create", NEED_TYPE, need_stack_parts})},
};

WORKER(stacks, routes)
