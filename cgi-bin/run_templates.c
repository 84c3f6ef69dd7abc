/* Endpoint group: run templates */
#include "app/app.h"
#include "model/model.h"

static const struct route routes[] = {
    LIST("/api/v1/run_templates", resource_run_template),
    GET("/api/v1/run_templates/{template_id}", resource_run_template),
    UPDATE("/api/v1/run_templates/{template_id}", resource_run_template),
    DELETE("/api/v1/run_templates/{template_id}", resource_run_template),
    LIST("/api/v1/workspaces/{workspace_name_or_id}/run_templates", resource_run_template),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/run_templates", resource_run_template),
};

WORKER(run_templates, routes)
