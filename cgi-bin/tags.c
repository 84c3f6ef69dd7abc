/* Endpoint group: tags */
#include "app/app.h"
#include "model/model.h"
#include "prune/steps.h"

static const struct route routes[] = {
    LIST("/api/v1/tags", resource_tag),
    CREATE("/api/v1/tags", resource_tag),
    GET("/api/v1/tags/{tag_name_or_id}", resource_tag, BY_NAME),
    UPDATE("/api/v1/tags/{tag_id}", resource_tag),
    DELETE_LARGE("/api/v1/tags/{tag_name_or_id}", resource_tag, BY_NAME),
};

WORKER(tags, routes)
