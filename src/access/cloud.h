/*
 * The connection to a cloud control plane (docs/contract/cloud.md#connection): a token by OAuth 2.0 client credentials
 * (RFC 6749 section 4.4), fetched when first needed and anew after a 401; 7 seconds for each call; calls that have not
 * reached it, and reads that broke off, are tried up to five times more. What is late is not: it would occupy the
 * worker for most of a minute.
 */
#ifndef KANSO_ACCESS_CLOUD_H
#define KANSO_ACCESS_CLOUD_H

#include "http/context.h"

/* The name under which the control plane knows this server: ZENML_SERVER_EXTERNAL_SERVER_ID, or "None". */
const char *cloud_server(struct arena *a);

struct cloud_answer {
    long status; /* 0 when there was no answer */
    const char *body;
    size_t len;
};

/* Calls an endpoint (path and query behind ZENML_CLOUD_API_URL). FAILED, with the answer composed: 402
 * SubscriptionUpgradeRequiredError for a GET that was answered 402; 500 RuntimeError for all other failures. */
int cloud_get(struct ctx *c, const char *endpoint, struct cloud_answer *out);
int cloud_post(struct ctx *c, const char *endpoint, const char *json, struct cloud_answer *out);

#endif
