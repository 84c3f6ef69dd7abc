/* Endpoint group: triggers */
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/triggers", resource_trigger),
    CREATE("/api/v1/triggers", resource_trigger),
    GET("/api/v1/triggers/{trigger_id}", resource_trigger),
    UPDATE("/api/v1/triggers/{trigger_id}", resource_trigger),
    DELETE("/api/v1/triggers/{trigger_id}", resource_trigger),
};

WORKER(triggers, routes)
