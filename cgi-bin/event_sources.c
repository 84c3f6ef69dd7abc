/* Endpoint group: event sources */
#include "app/app.h"
#include "automation/event_source.h"

#define SOURCES "/api/v1/event-sources"

static const struct route routes[] = {
    LIST(SOURCES, resource_event_source),
    {"POST", SOURCES, event_source_create, &resource_event_source, OP_CREATE, .flags = R_CREDENTIALS,
     .needs = NEEDS({&resource_event_source, "create", NEED_TYPE, NULL})},
    GET(SOURCES "/{event_source_id}", resource_event_source),
    {"PUT", SOURCES "/{event_source_id}", event_source_update, &resource_event_source, OP_UPDATE,
     .flags = R_CREDENTIALS, .needs = NEEDS({&resource_event_source, "update", NEED_PATH, NULL})},
    DELETE(SOURCES "/{event_source_id}", resource_event_source, .query = &FORCE_QUERY),
};

WORKER(event_sources, routes)
