/* Endpoint group: signing in and out, and all else that runs bcrypt for strangers, so that it can have
 * workers of its own. */
#include "account/device.h"
#include "account/login.h"
#include "account/settings.h"
#include "account/user.h"
#include "app/app.h"

static const struct route routes[] = {
    {"POST", "/api/v1/login", login, .body = &LOGIN_FORM, .flags = R_PUBLIC | R_FORM | R_CREDENTIALS,
     .response = "OAuthTokenResponse|OAuthRedirectResponse", .open = "how one signs in",
     .about = "Signs in with a password, an API key or the code of a device, and gives a token."},
    {"GET", "/api/v1/logout", logout, .flags = R_PUBLIC | R_AUDITED, .open = "how one signs out",
     .about = "Signs out: the cookie of the session is taken back."},
    {"POST", "/api/v1/device_authorization", device_authorize, .body = &DEVICE_AUTHORIZATION_FORM,
     .flags = R_PUBLIC | R_FORM | R_CREDENTIALS, .response = "OAuthDeviceAuthorizationResponse",
     .open = "how a device asks to sign in",
     .about = "Begins the sign-in of a device: gives it a code, which its user has to confirm."},
    {"PUT", "/api/v1/users/{user_name_or_id}/activate", user_activate, .body = &USER_UPDATE, .flags = R_PUBLIC,
     .exists = users_managed, .response = "UserResponse", .open = "by the token that the account's maker was given",
     BY_NAME, .about = "Activates an account with the token that its maker was given, and sets its password."},
    {"PUT", "/api/v1/activate", server_activate, .body = &SERVER_ACTIVATION, .flags = R_PUBLIC, .exists = users_managed,
     .response = "UserResponse?", .open = "only while the server has no administrator",
     .about = "Activates a new server: names it and creates its first administrator."},
};

WORKER(auth, routes)
