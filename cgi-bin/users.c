/* Endpoint group: users */
#include "access/needs.h"
#include "access/rbac.h"
#include "access/share.h"
#include "account/login.h"
#include "account/user.h"
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/users", resource_user),
    {"POST", "/api/v1/users", user_create, &resource_user, OP_CREATE, .exists = users_managed, .flags = R_CREDENTIALS,
     .needs = NEEDS({&resource_user, "create", NEED_TYPE, NULL})},
    {"GET", "/api/v1/users/{user_name_or_id}", user_get, &resource_user, OP_GET, .flags = R_HYDRATE,
     .needs = NEEDS({&resource_user, "read", NEED_PATH, need_other_user}), BY_NAME},
    {"PUT", "/api/v1/users/{user_name_or_id}", user_update, .body = &USER_UPDATE, .exists = users_managed,
     .response = "UserResponse", .needs = NEEDS({&resource_user, "update", NEED_PATH, need_other_user}), BY_NAME,
     .about = "Changes a user."},
    {"DELETE", "/api/v1/users/{user_name_or_id}", user_delete, &resource_user, OP_DELETE, .exists = users_managed,
     .needs = NEEDS({&resource_user, "delete", NEED_PATH, need_other_user}), BY_NAME},
    {"PUT", "/api/v1/users/{user_name_or_id}/deactivate", user_deactivate, .exists = users_managed,
     .flags = R_CREDENTIALS, .response = "UserResponse",
     .needs = NEEDS({&resource_user, "update", NEED_PATH, need_other_user}), BY_NAME,
     .about = "Deactivates a user and shows the token that activates the account again."},
    {"PUT", "/api/v1/users/{user_name_or_id}/email-opt-in", user_email_opt_in, .body = &USER_UPDATE,
     .exists = users_managed, .response = "UserResponse", .open = "one's own account only", BY_NAME,
     .about = "Records whether one wants mail, and at which address."},
    {"POST", "/api/v1/users/{user_name_or_id}/resource_membership", user_share, .query = &SHARE_QUERY,
     .flags = R_BODY_BYTES, .exists = rbac_enabled, .open = "the handler asks for what is shared", BY_NAME,
     .about = "Shares resources with a user."},
    {"GET", "/api/v1/api_token", api_token, .query = &API_TOKEN_QUERY, .response = "string", .flags = R_CREDENTIALS,
     .needs = NEEDS({&resource_run, "create", NEED_TYPE, NULL}),
     .about = "Makes a token for the runs of one pipeline or schedule."},
    {"GET", "/api/v1/current-user", user_current, .flags = R_DEFER_AUTH, .response = "UserResponse",
     .open = "one's own account only", .about = "Shows one's own account."},
    {"PUT", "/api/v1/current-user", user_update_current, .body = &USER_UPDATE, .exists = users_managed,
     .response = "UserResponse", .open = "one's own account only", .about = "Changes one's own account."},
};

WORKER(users, routes)
