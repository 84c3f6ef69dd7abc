/*
 * What opens a store, for rooms that call stores themselves. The connection must be open, of that provider, and admit
 * the store (connection_admits()). Where the method of the connection needs that, the provider is asked. Each returns
 * NULL, or what is wrong.
 */
#ifndef KANSO_CONNECTOR_CREDENTIALS_H
#define KANSO_CONNECTOR_CREDENTIALS_H

#include "connector/connection.h"
#include "connector/sigv4.h"

/* The key for an S3 bucket (s3://NAME), with its region and without a service. */
const char *aws_bucket_key(struct connection *con, const char *id, struct sigv4_key *key);

/* An OAuth 2.0 token for Google Cloud. *expires_at: when it ends, in seconds since 1970, 0 when that is not known; may
 * be NULL. */
const char *gcp_token(struct connection *con, const char **token, int64_t *expires_at);

/* A token for the storage accounts that the identity may use, and the account that a container (az://NAME) is in. */
const char *azure_storage_token(struct connection *con, const char **token);
const char *azure_storage_account(struct connection *con, const char *id, const char **account);

#endif
