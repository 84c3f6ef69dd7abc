/* Endpoint group: signing in and out. What runs bcrypt for strangers is here, so that it can have workers of its own.
 */
#include "app/app.h"
#include "auth/login.h"
#include "model/device.h"

static const struct route routes[] = {
    {"POST", "/api/v1/login", login, .body = &LOGIN_FORM, .flags = R_PUBLIC | R_FORM | R_CREDENTIALS,
     .answer = "OAuthTokenResponse|OAuthRedirectResponse", .open = "how one signs in"},
    {"GET", "/api/v1/logout", logout, .flags = R_PUBLIC, .open = "how one signs out"},
    {"POST", "/api/v1/device_authorization", device_authorize, .body = &DEVICE_AUTHORIZATION_FORM,
     .flags = R_PUBLIC | R_FORM | R_CREDENTIALS, .answer = "OAuthDeviceAuthorizationResponse",
     .open = "how a device asks to sign in"},
};

WORKER(auth, routes)
