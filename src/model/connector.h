/* Service connectors: credentials for a provider, which stack components use (docs/contract/connectors.md#storage). */
#ifndef KANSO_MODEL_CONNECTOR_H
#define KANSO_MODEL_CONNECTOR_H

#include "connector/connection.h"
#include "model/model.h"

/* {type, auth_method, configuration}: a connector that is not stored. */
extern const struct model CONNECTOR_INFO;

/* The body and queries of routes. */
extern const struct model CONNECTOR_BODY, CONNECTOR_LABELS, CONNECTOR_QUERY, CONNECTOR_VERIFY_QUERY,
    CONNECTOR_CLIENT_QUERY, CONNECTOR_CONFIG_QUERY, CONNECTOR_RESOURCES_QUERY, CONNECTOR_FULL_STACK_QUERY,
    CONNECTOR_TYPES_QUERY;

/* The type that a body names, whether by its name or by the whole type object. */
const char *connector_body_type(struct json_object *body);

/* Checks a body (a create's) and brings it into the form in which it is stored; 400 ValueError when its type is known
 * and it does not fit. */
int connector_check(struct write *w);

/* Fetches the secret values of connectors, all with one statement. */
int connector_load_secrets(struct view *v, struct row **rows, size_t count);

/* The configuration of a row with the secret values that have been loaded. *complete tells whether the row has a secret
 * whose values cannot be had. */
struct json_object *connector_configuration(struct view *v, const struct row *row, bool *complete);

/* Opens a stored connector (hex id), whose provider may take its time until monotonic_ms() is `deadline`. *problem says
 * what is wrong with it. 404 KeyError when it is not there. */
int connector_open(struct ctx *c, const char *id, double deadline, struct connection *con, const char **problem);

/* Handlers. */
int connector_list(struct ctx *c);
int connector_get(struct ctx *c);
int connector_verify(struct ctx *c);        /* PUT /service_connectors/{id}/verify */
int connector_verify_config(struct ctx *c); /* POST /service_connectors/verify */
int connector_client(struct ctx *c);        /* GET /service_connectors/{id}/client */
int connector_resources(struct ctx *c);     /* GET /workspaces/{ws}/service_connectors/resources */
int connector_full_stack(struct ctx *c);    /* POST /service_connectors/full_stack_resources */
int connector_type_list(struct ctx *c);
int connector_type_get(struct ctx *c);

#endif
