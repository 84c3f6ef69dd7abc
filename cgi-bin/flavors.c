/* Endpoint group: flavors */
#include "app/app.h"
#include "model/flavor.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/flavors", resource_flavor),
    CREATE("/api/v1/flavors", resource_flavor),
    {.method = "PATCH",
     .path = "/api/v1/flavors/sync",
     .handler = flavors_sync,
     .needs = NEEDS({&resource_flavor, "update", NEED_TYPE, NULL}),
     .about = "Brings the flavors that come with the server up to date."},
    GET("/api/v1/flavors/{flavor_id}", resource_flavor),
    UPDATE("/api/v1/flavors/{flavor_id}", resource_flavor),
    DELETE("/api/v1/flavors/{flavor_id}", resource_flavor),
};

WORKER(flavors, routes)
