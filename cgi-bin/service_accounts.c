/* Endpoint group: service accounts and their API keys */
#include "account/api_key.h"
#include "account/service_account.h"
#include "app/app.h"
#include "model/model.h"

#define KEYS "/api/v1/service_accounts/{service_account_id}/api_keys"
#define KEY  KEYS "/{api_key_name_or_id}"

static const struct route routes[] = {
    LIST("/api/v1/service_accounts", resource_service_account),
    CREATE("/api/v1/service_accounts", resource_service_account),
    GET("/api/v1/service_accounts/{service_account_name_or_id}", resource_service_account, BY_NAME),
    UPDATE("/api/v1/service_accounts/{service_account_name_or_id}", resource_service_account, BY_NAME),
    DELETE("/api/v1/service_accounts/{service_account_name_or_id}", resource_service_account, BY_NAME),
    {"GET", KEYS, resource_list, &resource_api_key, OP_LIST,
     .needs = NEEDS({&resource_service_account, "read", NEED_PATH, NULL}), .within = &resource_service_account},
    {"POST", KEYS, api_key_create, &resource_api_key, OP_CREATE, .flags = R_CREDENTIALS,
     .needs = NEEDS({&resource_service_account, "update", NEED_PATH, NULL}), .within = &resource_service_account,
     .about = "Creates an API key of a service account and shows it, this once."},
    {"GET", KEY, api_key_get, &resource_api_key, OP_GET, .flags = R_HYDRATE,
     .needs = NEEDS({&resource_service_account, "read", NEED_PATH, NULL}), .within = &resource_service_account,
     .params = {PARAM_ID, PARAM_NAME_OR_ID}},
    {"PUT", KEY, api_key_update, &resource_api_key, OP_UPDATE,
     .needs = NEEDS({&resource_service_account, "update", NEED_PATH, NULL}), .within = &resource_service_account,
     .params = {PARAM_ID, PARAM_NAME_OR_ID}},
    {"DELETE", KEY, api_key_delete, &resource_api_key, OP_DELETE,
     .needs = NEEDS({&resource_service_account, "update", NEED_PATH, NULL}), .within = &resource_service_account,
     .params = {PARAM_ID, PARAM_NAME_OR_ID}},
    {"PUT", KEY "/rotate", api_key_rotate, .body = &API_KEY_ROTATION, .response = "APIKeyResponse",
     .flags = R_CREDENTIALS, .needs = NEEDS({&resource_service_account, "update", NEED_PATH, NULL}),
     .within = &resource_service_account, .params = {PARAM_ID, PARAM_NAME_OR_ID},
     .about = "Gives an API key a new value; the old one can stay valid for a while."},
};

WORKER(service_accounts, routes)
