/* Endpoint group: stacks */
#include "access/needs.h"
#include "app/app.h"
#include "model/handlers.h"
#include "model/model.h"
#include "stack_deployment/stack_deployment.h"

static const struct route routes[] = {
    LIST("/api/v1/stacks", resource_stack),
    GET("/api/v1/stacks/{stack_id}", resource_stack),
    {"PUT", "/api/v1/stacks/{stack_id}", resource_update, &resource_stack, OP_UPDATE,
     .needs = NEEDS({&resource_stack, "update", NEED_PATH, need_stack_parts})},
    DELETE("/api/v1/stacks/{stack_id}", resource_stack),
    LIST("/api/v1/workspaces/{workspace_name_or_id}/stacks", resource_stack, WITHIN_WORKSPACE),
    {.method = "POST",
     .path = "/api/v1/workspaces/{workspace_name_or_id}/stacks",
     .handler = stack_create,
     .resource = &resource_stack,
     .op = OP_CREATE,
     .needs = NEEDS({&resource_stack, "create", NEED_TYPE, need_stack_parts}),
     WITHIN_WORKSPACE},
    {.method = "GET",
     .path = "/api/v1/stack-deployment/info",
     .handler = deployment_info,
     .query = &DEPLOYMENT_INFO_QUERY,
     .response = "StackDeploymentInfo",
     .open = "the same for everybody",
     .about = "Tells how a stack is deployed to a cloud: instructions, permissions, locations."},
    {.method = "GET",
     .path = "/api/v1/stack-deployment/config",
     .handler = deployment_config,
     .query = &DEPLOYMENT_CONFIG_QUERY,
     .flags = R_CREDENTIALS,
     .response = "StackDeploymentConfig",
     .needs = NEEDS({&resource_connector, "create", NEED_TYPE, NULL}, {&resource_component, "create", NEED_TYPE, NULL},
                    {&resource_stack, "create", NEED_TYPE, NULL}),
     .about = "Makes the address and the settings with which a cloud deploys a stack."},
    {.method = "GET",
     .path = "/api/v1/stack-deployment/stack",
     .handler = deployment_stack,
     .query = &DEPLOYMENT_STACK_QUERY,
     .response = "DeployedStack?",
     .open = "what the answer holds is shown as far as the caller may see it",
     .about = "Shows the stack that a deployment has registered, once it is there."},
};

WORKER(stacks, routes)
