/* Devices: command lines that sign in by the OAuth 2.0 device grant (RFC 8628; docs/contract/auth.md#devices). */
#ifndef KANSO_ACCOUNT_DEVICE_H
#define KANSO_ACCOUNT_DEVICE_H

#include "model/model.h"

extern const struct resource resource_device;
extern const struct model DEVICE_AUTHORIZATION_FORM, DEVICE_GET_QUERY, DEVICE_VERIFICATION;

/* POST /device_authorization: makes the device of a client, or starts anew with it, and hands out its codes. */
int device_authorize(struct ctx *c);

/* GET /devices/{id}: the owner's, or with the user code one that nobody owns yet. */
int device_get(struct ctx *c);

/* PUT /devices/{id}/verify: the caller takes the device over with its user code. */
int device_verify(struct ctx *c);

struct device_login {
    const char *device, *user; /* hex */
    int64_t expires;           /* unix seconds, 0 = never */
};

/* A poll for the token: `client` is hex. Until the device is verified, and when it may not have one, the answer is an
 * OAuth error and FAILED; *waiting tells that nobody has answered yet. OK: the device has become active, within the
 * transaction of the sign-in, which is open. */
int device_poll(struct ctx *c, const char *client, const char *device_code, struct device_login *out, bool *waiting);

#endif
