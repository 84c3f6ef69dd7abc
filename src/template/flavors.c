#include "template/flavors.h"

#include "base/text.h"
#include "json/model.h"

#include <string.h>

#define SKYPILOT                                                                                                       \
    "instance_type cpus memory accelerators accelerator_args use_spot job_recovery region zone image_id disk_size "    \
    "disk_tier cluster_name retry_until_up idle_minutes_to_autostop down stream_logs docker_run_args "                 \
    "disable_step_based_settings"

static const struct flavor_settings SETTINGS[] = {
    {"annotator.argilla", "ArgillaAnnotatorSettings",
     "instance_url api_key workspace port extra_headers httpx_extra_kwargs"},
    {"annotator.label_studio", "LabelStudioAnnotatorSettings", "instance_url port api_key"},
    {"data_validator.whylogs", "WhylogsDataValidatorSettings", "enable_whylabs dataset_id"},
    {"experiment_tracker.comet", "CometExperimentTrackerSettings", "run_name tags settings"},
    {"experiment_tracker.mlflow", "MLFlowExperimentTrackerSettings", "experiment_name nested tags"},
    {"experiment_tracker.wandb", "WandbExperimentTrackerSettings", "run_name tags settings"},
    {"orchestrator.airflow", "AirflowOrchestratorSettings",
     "dag_output_dir dag_id dag_tags dag_args operator operator_args custom_dag_generator"},
    {"orchestrator.azureml", "AzureMLOrchestratorSettings",
     "mode compute_name size idle_time_before_shutdown_minutes idle_time_before_scaledown_down location min_instances "
     "max_instances tier"},
    {"orchestrator.databricks", "DatabricksOrchestratorSettings",
     "spark_version num_workers node_type_id policy_id autotermination_minutes autoscale single_user_name spark_conf "
     "spark_env_vars schedule_timezone availability_type"},
    {"orchestrator.hyperai", "HyperAIOrchestratorSettings", "mounts_from_to"},
    {"orchestrator.kubeflow", "KubeflowOrchestratorSettings",
     "synchronous timeout client_args client_username client_password user_namespace pod_settings"},
    {"orchestrator.kubernetes", "KubernetesOrchestratorSettings",
     "synchronous timeout service_account_name step_pod_service_account_name privileged pod_settings "
     "orchestrator_pod_settings"},
    {"orchestrator.lightning", "LightningOrchestratorSettings",
     "main_studio_name machine_type user_id api_key username teamspace organization custom_commands synchronous"},
    {"orchestrator.local_docker", "LocalDockerOrchestratorSettings", "run_args"},
    {"orchestrator.sagemaker", "SagemakerOrchestratorSettings",
     "instance_type processor_role volume_size_in_gb max_runtime_in_seconds processor_tags processor_args "
     "input_data_s3_mode input_data_s3_uri output_data_s3_mode output_data_s3_uri"},
    {"orchestrator.tekton", "TektonOrchestratorSettings",
     "synchronous timeout client_args client_username client_password user_namespace node_selectors node_affinity "
     "pod_settings"},
    {"orchestrator.vertex", "VertexOrchestratorSettings", "labels synchronous node_selector_constraint pod_settings"},
    {"orchestrator.vm_aws", "SkypilotBaseOrchestratorConfig", SKYPILOT},
    {"orchestrator.vm_azure", "SkypilotBaseOrchestratorConfig", SKYPILOT},
    {"orchestrator.vm_gcp", "SkypilotBaseOrchestratorConfig", SKYPILOT},
    {"orchestrator.vm_lambda", "SkypilotBaseOrchestratorConfig", SKYPILOT},
    {"step_operator.azureml", "AzureMLStepOperatorSettings",
     "mode compute_name size idle_time_before_shutdown_minutes idle_time_before_scaledown_down location min_instances "
     "max_instances tier compute_target_name"},
    {"step_operator.kubernetes", "KubernetesStepOperatorSettings", "pod_settings service_account_name privileged"},
    {"step_operator.sagemaker", "SagemakerStepOperatorSettings",
     "instance_type experiment_name input_data_s3_uri estimator_args"},
    {"step_operator.spark-kubernetes", "SparkStepOperatorConfig", "deploy_mode submit_kwargs master"},
    {"step_operator.vertex", "VertexStepOperatorSettings",
     "accelerator_type accelerator_count machine_type boot_disk_size_gb boot_disk_type"},
};

static bool is(const char *key, const char *type, const char *flavor)
{
    size_t n = strlen(type);
    return strncmp(key, type, n) == 0 && key[n] == '.' && strcmp(key + n + 1, flavor) == 0;
}

const struct flavor_settings *flavor_settings(const char *type, const char *flavor)
{
    for (size_t i = 0; i < ARRAY_LEN(SETTINGS); i++)
        if (is(SETTINGS[i].key, type, flavor))
            return &SETTINGS[i];
    return NULL;
}

bool flavor_setting(const struct flavor_settings *s, const char *name, size_t len)
{
    for (const char *p = s->names; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        if (n == len && memcmp(p, name, n) == 0)
            return true;
        p += n;
    }
    return false;
}

/* "localhost:" and four or five digits. */
static bool local_registry(const char *uri)
{
    const char *port = uri && starts_with(uri, "localhost:") ? uri + strlen("localhost:") : "";
    size_t digits = strspn(port, "0123456789");
    return port[digits] == '\0' && (digits == 4 || digits == 5);
}

static bool remote_tracking(const char *uri)
{
    return uri && (starts_with(uri, "http://") || starts_with(uri, "https://") || streq(uri, "databricks"));
}

bool flavor_is_local(const char *type, const char *flavor, struct json_object *configuration)
{
    static const char *const always[] = {"artifact_store.local", "orchestrator.local", "orchestrator.local_docker",
                                         "model_deployer.mlflow"};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (is(always[i], type, flavor))
            return true;
    if (streq(type, "container_registry"))
        return local_registry(member_str(configuration, "uri"));
    if (is("feature_store.feast", type, flavor)) {
        const char *host = member_str(configuration, "online_host");
        return !host || streq(host, "localhost") || streq(host, "127.0.0.1");
    }
    if (is("experiment_tracker.mlflow", type, flavor))
        return !remote_tracking(member_str(configuration, "tracking_uri"));
    if (is("data_validator.great_expectations", type, flavor))
        return member(configuration, "context_root_dir") != NULL;
    return is("orchestrator.kubernetes", type, flavor) && member_bool(configuration, "local");
}
