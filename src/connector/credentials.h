/*
 * What opens stores and other services than those that connectors list, for rooms that call them themselves. The
 * connection must be open and of that provider; for a store, it must admit that (connection_admits()). Where its method
 * needs that, the provider is asked. Functions that return a text return NULL, or what is wrong.
 */
#ifndef KANSO_CONNECTOR_CREDENTIALS_H
#define KANSO_CONNECTOR_CREDENTIALS_H

#include "connector/connection.h"
#include "connector/sigv4.h"
#include "http/fetch.h"

/* The key for an S3 bucket (s3://NAME), with its region and without a service. */
const char *aws_bucket_key(struct connection *con, const char *id, struct sigv4_key *key);

/* Signs in with AWS where the method demands it, which stays with the connection (its `state`). *expires_at: until when
 * that is good, in seconds since 1970, 0 when there is no end. */
const char *aws_sign_in(struct connection *con, int64_t *expires_at);

/* Calls an action of a service that takes JSON 1.1, such as secretsmanager, in the configured region. The connection
 * has signed in. The answer, whatever its status. */
struct fetched aws_json(const struct connection *con, const char *service, const char *action, const char *body);

/* An OAuth 2.0 token for Google Cloud. *expires_at: when it ends, in seconds since 1970, 0 when that is not known; may
 * be NULL. */
const char *gcp_token(struct connection *con, const char **token, int64_t *expires_at);

/* An access token for one of Azure's services, by the host that names it, such as vault.azure.net. */
const char *azure_token(struct connection *con, const char *audience, const char **token);

/* A token for the storage accounts that the identity may use, and the account that a container (az://NAME) is in. */
const char *azure_storage_token(struct connection *con, const char **token);
const char *azure_storage_account(struct connection *con, const char *id, const char **account);

#endif
