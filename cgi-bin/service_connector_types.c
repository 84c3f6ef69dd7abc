/* Endpoint group: types of service connectors */
#include "app/app.h"
#include "model/connector.h"

static const struct route routes[] = {
    {.method = "GET",
     .path = "/api/v1/service_connector_types",
     .handler = connector_type_list,
     .query = &CONNECTOR_TYPES_QUERY,
     .response = "[ServiceConnectorTypeModel]",
     .open = "the same for everybody",
     .about = "Lists the types of service connectors and what each of them takes."},
    {.method = "GET",
     .path = "/api/v1/service_connector_types/{connector_type}",
     .handler = connector_type_get,
     .response = "ServiceConnectorTypeModel",
     .open = "the same for everybody",
     .params = {PARAM_NAME},
     .about = "Shows one type of service connectors and what it takes."},
};

WORKER(service_connector_types, routes)
