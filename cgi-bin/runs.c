/* Endpoint group: pipeline runs */
#include "app/app.h"
#include "model/model.h"
#include "model/run.h"
#include "prune/steps.h"

static const struct route routes[] = {
    LIST("/api/v1/runs", resource_run),
    LIST("/api/v1/workspaces/{workspace_name_or_id}/runs", resource_run, WITHIN_WORKSPACE),
    LIST("/api/v1/pipelines/{pipeline_id}/runs", resource_run, .path_filter = "pipeline_id",
         .about = "Lists the runs of a pipeline, a page at a time."),
    CREATE("/api/v1/workspaces/{workspace_name_or_id}/runs", resource_run, WITHIN_WORKSPACE),
    {"POST", "/api/v1/workspaces/{workspace_name_or_id}/runs/get-or-create", run_get_or_create, &resource_run,
     OP_CREATE, .response = "[PipelineRunResponse|bool]", .needs = NEEDS({&resource_run, "create", NEED_TYPE, NULL}),
     .feature = "pipeline_run", WITHIN_WORKSPACE,
     .about = "Shows the run of an orchestrator, or creates it, and tells which it was."},
    GET("/api/v1/runs/{run_id}", resource_run),
    UPDATE("/api/v1/runs/{run_id}", resource_run),
    DELETE_LARGE("/api/v1/runs/{run_id}", resource_run),
    {"GET", "/api/v1/runs/{run_id}/graph", run_graph, .flags = R_DEFER_AUTH, .response = "LineageGraph",
     .needs = NEEDS({&resource_run, "read", NEED_PATH, NULL}),
     .about = "Shows a run as a graph of its steps and artifacts."},
    {"GET", "/api/v1/runs/{run_id}/steps", run_steps, &resource_step, OP_LIST, .path_filter = "pipeline_run_id",
     .needs = NEEDS({&resource_run, "read", NEED_PATH, NULL}), .about = "Lists the steps of a run, a page at a time."},
    {"GET", "/api/v1/runs/{run_id}/pipeline-configuration", resource_member, &resource_run, .member = "config",
     .flags = R_DEFER_AUTH, .response = "object", .needs = NEEDS({&resource_run, "read", NEED_PATH, NULL}),
     .about = "Shows the configuration with which a run was started."},
    {"GET", "/api/v1/runs/{run_id}/status", resource_member, &resource_run, .member = "status", .flags = R_DEFER_AUTH,
     .response = "ExecutionStatus", .needs = NEEDS({&resource_run, "read", NEED_PATH, NULL}),
     .about = "Tells the status of a run."},
};

WORKER(runs, routes)
