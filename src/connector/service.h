/*
 * Calls on services that are not among what connectors list, with the credentials of an open connection: for those who
 * keep something there. See credentials.h, too.
 */
#ifndef KANSO_CONNECTOR_SERVICE_H
#define KANSO_CONNECTOR_SERVICE_H

#include "connector/connection.h"
#include "http/fetch.h"

/* Signs in with AWS where the method demands it, which stays with the connection (its `state`). *expires_at: until when
 * that is good, in seconds since 1970, 0 when there is no end. Returns NULL or a problem. */
const char *aws_sign_in(struct connection *con, int64_t *expires_at);

/* Calls an action of a service that takes JSON 1.1, such as secretsmanager, in the configured region. The connection
 * has signed in. The answer, whatever its status. */
struct fetched aws_json(const struct connection *con, const char *service, const char *action, const char *body);

/* An access token for one of Azure's services, by the host that names it, such as vault.azure.net. Returns NULL or a
 * problem. */
const char *azure_token(struct connection *con, const char *audience, const char **token);

#endif
