/* Endpoint group: service connectors */
#include "access/needs.h"
#include "app/app.h"
#include "model/connector.h"
#include "model/model.h"

#define CONNECTORS     "/api/v1/service_connectors"
#define IN_A_WORKSPACE "/api/v1/workspaces/{workspace_name_or_id}/service_connectors"

static const struct route routes[] = {
    {.method = "GET",
     .path = CONNECTORS,
     .handler = connector_list,
     .resource = &resource_connector,
     .op = OP_LIST,
     .body = &CONNECTOR_LABELS,
     .query = &CONNECTOR_QUERY,
     .flags = R_BODY_OPTIONAL | R_CREDENTIALS,
     .needs = NEEDS({&resource_connector, "read", NEED_LISTED, NULL})},
    {.method = "POST",
     .path = CONNECTORS "/verify",
     .handler = connector_verify_config,
     .body = &CONNECTOR_BODY,
     .query = &CONNECTOR_CONFIG_QUERY,
     .response = "ServiceConnectorResourcesModel",
     .needs = NEEDS({&resource_connector, "create", NEED_TYPE, NULL})},
    {.method = "POST",
     .path = CONNECTORS "/full_stack_resources",
     .handler = connector_full_stack,
     .body = &CONNECTOR_INFO,
     .query = &CONNECTOR_FULL_STACK_QUERY,
     .flags = R_BODY_OPTIONAL | R_CREDENTIALS,
     .response = "ServiceConnectorResourcesInfo",
     .needs = NEEDS({&resource_connector, "read", NEED_TYPE, need_connector_reach})},
    {.method = "GET",
     .path = CONNECTORS "/{connector_id}",
     .handler = connector_get,
     .resource = &resource_connector,
     .op = OP_GET,
     .query = &CONNECTOR_QUERY,
     .flags = R_HYDRATE | R_CREDENTIALS,
     .needs = NEEDS({&resource_connector, "read", NEED_PATH, need_secret_values})},
    UPDATE(CONNECTORS "/{connector_id}", resource_connector),
    DELETE(CONNECTORS "/{connector_id}", resource_connector),
    {.method = "PUT",
     .path = CONNECTORS "/{connector_id}/verify",
     .handler = connector_verify,
     .query = &CONNECTOR_VERIFY_QUERY,
     .response = "ServiceConnectorResourcesModel",
     .needs = NEEDS({&resource_connector, "read", NEED_PATH, NULL})},
    {.method = "GET",
     .path = CONNECTORS "/{connector_id}/client",
     .handler = connector_client,
     .query = &CONNECTOR_CLIENT_QUERY,
     .flags = R_CREDENTIALS,
     .response = "ServiceConnectorResponse",
     .needs = NEEDS({&resource_connector, "read", NEED_PATH, NULL}, {&resource_connector, "client", NEED_PATH, NULL})},
    LIST(IN_A_WORKSPACE, resource_connector, .body = &CONNECTOR_LABELS, .flags = R_BODY_OPTIONAL | R_CREDENTIALS),
    CREATE(IN_A_WORKSPACE, resource_connector),
    {.method = "GET",
     .path = IN_A_WORKSPACE "/resources",
     .handler = connector_resources,
     .query = &CONNECTOR_RESOURCES_QUERY,
     .response = "[ServiceConnectorResourcesModel]",
     .open = "shows what is left by access_readable()"},
};

WORKER(service_connectors, routes)
