/* Endpoint group: schedules */
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/schedules", resource_schedule),
    GET("/api/v1/schedules/{schedule_id}", resource_schedule),
    UPDATE("/api/v1/schedules/{schedule_id}", resource_schedule),
    DELETE("/api/v1/schedules/{schedule_id}", resource_schedule),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/schedules", resource_schedule, WITHIN_WORKSPACE),
};

WORKER(schedules, routes)
