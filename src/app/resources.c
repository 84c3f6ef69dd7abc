/* Every resource that an answer can show. */
#include "account/api_key.h"
#include "account/device.h"
#include "account/service_account.h"
#include "model/model.h"

const struct resource *const all_resources[] = {&resource_api_key,
                                                &resource_artifact,
                                                &resource_artifact_version,
                                                &resource_visualization,
                                                &resource_code_reference,
                                                &resource_code_repository,
                                                &resource_component,
                                                &resource_flavor,
                                                &resource_logs,
                                                &resource_model,
                                                &resource_mv_artifact,
                                                &resource_mv_run,
                                                &resource_model_version,
                                                &resource_device,
                                                &resource_build,
                                                &resource_deployment,
                                                &resource_pipeline,
                                                &resource_run,
                                                &resource_run_metadata,
                                                &resource_run_template,
                                                &resource_schedule,
                                                &resource_secret,
                                                &resource_settings,
                                                &resource_service_account,
                                                &resource_connector,
                                                &resource_service,
                                                &resource_stack,
                                                &resource_step,
                                                &resource_tag,
                                                &resource_trigger_execution,
                                                &resource_user,
                                                &resource_workspace,
                                                NULL};
