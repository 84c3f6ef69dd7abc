/* The groups of cgi-bin/, in the order in which documents list them. */
#include "app/app.h"

/* clang-format moves one of these lines at each call. */
/* clang-format off */
#define EACH_GROUP(X) \
    X(server) X(auth) X(runs) X(steps) X(run_metadata) X(pipelines) X(pipeline_builds) X(pipeline_deployments) \
    X(schedules) X(code_repositories) X(run_templates) X(users) X(workspaces) X(tags) X(secrets) X(devices) \
    X(service_accounts) X(artifacts) X(artifact_versions) X(artifact_files) X(models) X(model_versions) X(model_version_artifacts) \
    X(model_version_pipeline_runs) X(services) X(stacks) X(components) X(flavors) X(service_connectors) \
    X(service_connector_types) X(plugin_flavors) X(event_sources) X(actions) X(triggers) \
    X(webhooks) X(probes)
/* clang-format on */

#define DECLARE(id) extern const struct group group_##id;
#define ADDRESS(id) &group_##id,

EACH_GROUP(DECLARE)

const struct group *const all_groups[] = {EACH_GROUP(ADDRESS) NULL};
