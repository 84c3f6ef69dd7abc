/*
 * Who the machine is that this server runs on: for implicit methods, which an administrator has to allow
 * (connection_implicit()).
 *
 * The credentials are looked for where the providers' own libraries do, in their order: variables of the environment,
 * tokens and endpoints that a platform names there, the metadata service of the machine. Files of a user (profiles,
 * logins of command lines) are not read. All functions return NULL, or why there are none.
 */
#ifndef KANSO_CONNECTOR_MACHINE_H
#define KANSO_CONNECTOR_MACHINE_H

#include "connector/connection.h"
#include "connector/sigv4.h"

/* Where clouds answer questions of their machines. */
#define METADATA "http://169.254.169.254"

/* Credentials for AWS: id, secret and session of the key. The region is the one whose STS is asked, where that is
 * needed. */
const char *machine_aws_key(const struct connection *con, const char *region, struct sigv4_key *key);

const char *machine_aws_region(const struct connection *con, const char **region);

/* Credentials out of an answer of STS, in XML. *expires_at: when they end; may be NULL. */
const char *sts_credentials(struct arena *a, const char *xml, struct sigv4_key *key, int64_t *expires_at);

/* A token of Microsoft's identity platform for "https://AUDIENCE/". */
const char *machine_azure_token(const struct connection *con, const char *audience, const char **token);

/* A token of a service principal: with its secret, or with what another issuer says of it (the other is NULL). */
const char *azure_client_token(const struct connection *con, const char *tenant, const char *client, const char *secret,
                               const char *assertion, const char *audience, const char **token);

/* A token of the service account of a machine of Google's, and when it ends. */
const char *machine_google_token(const struct connection *con, const char **token, int64_t *expires_at);

/* The key file in GOOGLE_APPLICATION_CREDENTIALS, a JSON object; NULL in *key when the variable is not set. */
const char *machine_google_key(const struct connection *con, struct json_object **key);

#endif
