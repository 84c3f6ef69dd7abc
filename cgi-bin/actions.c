/* Endpoint group: actions */
#include "access/needs.h"
#include "account/service_account.h"
#include "app/app.h"
#include "automation/event_source.h"

#define ACTIONS "/api/v1/actions"

static const struct route routes[] = {
    LIST(ACTIONS, resource_action),
    {"POST", ACTIONS, resource_create, &resource_action, OP_CREATE,
     .needs = NEEDS({&resource_service_account, "read", NEED_TYPE, need_service_account},
                    {&resource_action, "create", NEED_TYPE, NULL})},
    GET(ACTIONS "/{action_id}", resource_action),
    {"PUT", ACTIONS "/{action_id}", resource_update, &resource_action, OP_UPDATE,
     .needs = NEEDS({&resource_action, "update", NEED_PATH, NULL},
                    {&resource_service_account, "read", NEED_TYPE, need_service_account})},
    DELETE(ACTIONS "/{action_id}", resource_action, .query = &FORCE_QUERY),
};

WORKER(actions, routes)
