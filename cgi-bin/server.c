/* Endpoint group: the server itself */
#include "account/settings.h"
#include "account/user.h"
#include "app/app.h"
#include "app/openapi.h"
#include "model/model.h"
#include "model/onboarding.h"

static const struct route routes[] = {
    {"GET", "/api/v1/version", server_version, .flags = R_PUBLIC, .response = "string",
     .open = "clients ask before they sign in", .about = "Tells the version of the API."},
    {"GET", "/api/v1/info", server_info, .flags = R_PUBLIC, .response = "ServerModel",
     .open = "clients ask before they sign in", .about = "Tells what clients have to know of the server."},
    {"GET", "/api/v1/settings", settings_get, .flags = R_HYDRATE, .exists = settings_here,
     .response = "ServerSettingsResponse", .open = "everybody may read them",
     .about = "Shows the settings of the server."},
    {"PUT", "/api/v1/settings", settings_update, .body = &SETTINGS_UPDATE, .exists = settings_here,
     .response = "ServerSettingsResponse", .open = "the handler asks for an administrator",
     .about = "Changes the settings of the server."},
    {"GET", "/api/v1/onboarding_state", onboarding_get, .response = "[string]", .open = "the same for everybody",
     .about = "Lists which steps of getting started have been done."},
    {"GET", "/api/v1/kanso/audit", resource_list, &resource_audit_entry, OP_LIST, .flags = R_INTERNAL,
     .open = "for administrators, as the resource's scope says"},
    {"GET", "/openapi.json", openapi_get, .flags = R_PUBLIC | R_INTERNAL | R_HEAD, .open = "the same for everybody"},
};

WORKER(server, routes)
