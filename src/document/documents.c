#include "document/documents.h"

#include "base/text.h"

#include <string.h>

#define TYPE_OF(m, text)                                                                                               \
    {                                                                                                                  \
        .kind = K_MODEL, .label = (text), .model = &(m)                                                                \
    }
#define MAP_OF(t, text)                                                                                                \
    {                                                                                                                  \
        .kind = K_MAP, .label = (text), .item = &(t)                                                                   \
    }
#define LIST_OF(t, text)                                                                                               \
    {                                                                                                                  \
        .kind = K_LIST, .label = (text), .item = &(t)                                                                  \
    }

/* A copy of an object whose members may be exchanged; the members themselves are shared. */
static struct json_object *shallow_copy(struct check *c, struct json_object *v)
{
    struct json_object *copy = json_keep(c->mem, json_object_new_object());
    json_object_object_foreach(v, key, item) json_object_object_add(copy, key, json_object_get(item));
    return copy;
}

/* Sources -------------------------------------------------------------------------------------------------------- */

static const char *const source_types[] = {"user",     "builtin", "internal", "distribution_package", "code_repository",
                                           "notebook", "unknown", NULL};
static const struct type T_SOURCE_TYPE = {.kind = K_ENUM, .label = "SourceType", .words = source_types};

/* "a.b.C" or, from old clients, "a.b.C@version". */
static struct json_object *read_import_path(struct check *c, struct json_object *v)
{
    if (!json_object_is_type(v, json_type_string))
        return v;
    const char *path = json_object_get_string(v);
    if (!*path) {
        check_problem(c, NULL, "value_error", v, "{\"error\":\"empty import path\"}",
                      "Value error, A source needs a module: the import path is empty");
        return NULL;
    }
    size_t len = strcspn(path, "@");
    const char *dot = memrchr(path, '.', len);
    size_t module = dot ? (size_t)(dot - path) : len;
    struct json_object *out = json_keep(c->mem, json_object_new_object());
    json_object_object_add(out, "module", json_object_new_string_len(path, (int)module));
    json_object_object_add(out, "attribute", dot ? json_object_new_string_len(dot + 1, (int)(len - module - 1)) : NULL);
    json_object_object_add(out, "type", json_object_new_string("unknown"));
    return out;
}

static const struct field source_fields[] = {
    {"module", &T_STRING, NULL, 0, REQ},
    {"attribute", &T_STRING, NULL, 0, NUL},
    {"type", &T_SOURCE_TYPE, NULL, 0, REQ},
};
const struct model MODEL_SOURCE = MODEL("Source", source_fields, .extra = EXTRA_ALLOW, .before = read_import_path);
const struct type T_SOURCE = TYPE_OF(MODEL_SOURCE, "Source");
static const struct model source_object = MODEL("Source", source_fields, .extra = EXTRA_ALLOW);
const struct type T_SOURCE_OBJECT = TYPE_OF(source_object, "Source");

static const struct type T_SOURCES = LIST_OF(T_SOURCE, "list[Source]");

/* What pipelines and steps have in common ------------------------------------------------------------------------- */

const struct model MODEL_SETTINGS = {.name = "BaseSettings", .extra = EXTRA_ALLOW};
const struct type T_SETTINGS = TYPE_OF(MODEL_SETTINGS, "BaseSettings");
const struct type T_MAP_SETTINGS = MAP_OF(T_SETTINGS, "dict[str,BaseSettings]");

static const struct field retry_fields[] = {
    {"max_retries", &T_INT, "1"},
    {"delay", &T_INT, "0"},
    {"backoff", &T_INT, "0"},
};
const struct model MODEL_STEP_RETRY = MODEL("StepRetryConfig", retry_fields, .extra = EXTRA_FORBID);
const struct type T_STEP_RETRY = TYPE_OF(MODEL_STEP_RETRY, "StepRetryConfig");

static const char *const stages[] = {"none", "staging", "production", "archived", "latest", NULL};
const struct type T_MODEL_STAGE = {.kind = K_ENUM, .label = "str-enum[ModelStages]", .words = stages};
static const struct type T_VERSION = {.kind = K_UNION,
                                      .any = (const struct type *const[]){&T_MODEL_STAGE, &T_INT, &T_STRING, NULL}};

/* A model that has been through a check asks for no more warnings. */
static struct json_object *suppress_warnings(struct check *c, struct json_object *v)
{
    if (!json_object_is_type(v, json_type_object))
        return v;
    struct json_object *copy = shallow_copy(c, v);
    json_object_object_add(copy, "suppress_class_validation_warnings", json_object_new_boolean(true));
    return copy;
}

static const struct field model_fields[] = {
    {"name", &T_STRING, NULL, 0, REQ},
    {"license", &T_STRING, NULL, 0, NUL},
    {"description", &T_STRING, NULL, 0, NUL},
    {"audience", &T_STRING, NULL, 0, NUL},
    {"use_cases", &T_STRING, NULL, 0, NUL},
    {"limitations", &T_STRING, NULL, 0, NUL},
    {"trade_offs", &T_STRING, NULL, 0, NUL},
    {"ethics", &T_STRING, NULL, 0, NUL},
    {"tags", &T_STRINGS, NULL, 0, NUL},
    {"version", &T_VERSION, NULL, 0, NUL},
    {"save_models_to_registry", &T_BOOL, "true"},
    {"model_version_id", &T_UUID, NULL, 0, NUL},
    {"suppress_class_validation_warnings", &T_BOOL, "true"},
    {"was_created_in_this_run", &T_BOOL, "false"},
};
const struct model MODEL_MODEL = MODEL("Model", model_fields, .before = suppress_warnings);
const struct type T_MODEL = TYPE_OF(MODEL_MODEL, "Model");

/* Steps ---------------------------------------------------------------------------------------------------------- */

static struct json_object *list_materializers(struct check *c, struct json_object *v)
{
    struct json_object *source = member(v, "materializer_source");
    if (!json_object_is_type(source, json_type_string) && !json_object_is_type(source, json_type_object))
        return v;
    struct json_object *copy = shallow_copy(c, v), *list = json_object_new_array();
    json_object_array_add(list, json_object_get(source));
    json_object_object_add(copy, "materializer_source", list);
    return copy;
}

static const char *const artifact_dropped[] = {"artifact_source", NULL};
static const struct field artifact_fields[] = {
    {"materializer_source", &T_SOURCES, NULL, 0, REQ},
    {"default_materializer_source", &T_SOURCE, NULL, 0, NUL},
};
const struct model MODEL_ARTIFACT_CONFIGURATION =
    MODEL("ArtifactConfiguration", artifact_fields, .split = true, .extra = EXTRA_FORBID, .dropped = artifact_dropped,
          .before = list_materializers);
static const struct type T_ARTIFACT = TYPE_OF(MODEL_ARTIFACT_CONFIGURATION, "ArtifactConfiguration");
static const struct type T_OUTPUTS = MAP_OF(T_ARTIFACT, "dict[str,ArtifactConfiguration]");

static void version_or_model(struct check *c, struct json_object *v)
{
    const char *version = member_str(v, "version");
    if (version && *version && member(v, "model"))
        check_problem(c, NULL, "value_error", v, "{\"error\":\"version and model\"}",
                      "Value error, An external artifact takes a version or a model, not both");
}

static const struct field external_fields[] = {
    {"id", &T_UUID, NULL, 0, NUL},
    {"name", &T_STRING, NULL, 0, NUL},
    {"version", &T_STRING, NULL, 0, NUL},
    {"model", &T_MODEL, NULL, 0, NUL},
};
const struct model MODEL_EXTERNAL_ARTIFACT =
    MODEL("ExternalArtifactConfiguration", external_fields, .split = true, .after = version_or_model);
static const struct type T_EXTERNAL = TYPE_OF(MODEL_EXTERNAL_ARTIFACT, "ExternalArtifactConfiguration");
static const struct type T_EXTERNALS = MAP_OF(T_EXTERNAL, "dict[str,ExternalArtifactConfiguration]");

static const struct field version_loader_fields[] = {
    {"model", &T_MODEL, NULL, 0, REQ},
    {"artifact_name", &T_STRING, NULL, 0, NUL},
    {"artifact_version", &T_STRING, NULL, 0, NUL},
    {"metadata_name", &T_STRING, NULL, 0, NUL},
};
const struct model MODEL_VERSION_LOADER = MODEL("ModelVersionDataLazyLoader", version_loader_fields, .split = true);
static const struct type T_VERSION_LOADER = TYPE_OF(MODEL_VERSION_LOADER, "ModelVersionDataLazyLoader");
static const struct type T_VERSION_LOADERS = MAP_OF(T_VERSION_LOADER, "dict[str,ModelVersionDataLazyLoader]");

static const struct field call_step_fields[] = {
    {"attribute_name", &T_STRING, NULL, 0, NUL}, {"is_call", &T_BOOL, "false", 0, NUL},
    {"call_args", &T_LIST_ANY, "[]", 0, NUL},    {"call_kwargs", &T_MAP_ANY, "{}", 0, NUL},
    {"selector", &T_ANY, NULL, 0, NUL},
};
const struct model MODEL_CALL_STEP = MODEL("_CallStep", call_step_fields);
static const struct type T_CALL_STEP = TYPE_OF(MODEL_CALL_STEP, "_CallStep");
static const struct type T_CALL_STEPS = LIST_OF(T_CALL_STEP, "list[_CallStep]");

static const struct field client_loader_fields[] = {
    {"method_name", &T_STRING, NULL, 0, REQ},
    {"call_chain", &T_CALL_STEPS, "[]"},
    {"exclude_next_call", &T_BOOL, "false"},
};
const struct model MODEL_CLIENT_LOADER = MODEL("ClientLazyLoader", client_loader_fields);
static const struct type T_CLIENT_LOADER = TYPE_OF(MODEL_CLIENT_LOADER, "ClientLazyLoader");
static const struct type T_CLIENT_LOADERS = MAP_OF(T_CLIENT_LOADER, "dict[str,ClientLazyLoader]");

static const struct field input_spec_fields[] = {
    {"step_name", &T_STRING, NULL, 0, REQ},
    {"output_name", &T_STRING, NULL, 0, REQ},
};
const struct model MODEL_INPUT_SPEC = MODEL("InputSpec", input_spec_fields, .extra = EXTRA_FORBID);
static const struct type T_INPUT_SPEC = TYPE_OF(MODEL_INPUT_SPEC, "InputSpec");
static const struct type T_INPUT_SPECS = MAP_OF(T_INPUT_SPEC, "dict[str,InputSpec]");

static const struct field step_spec_fields[] = {
    {"source", &T_SOURCE, NULL, 0, REQ},
    {"upstream_steps", &T_STRINGS, NULL, 0, REQ},
    {"inputs", &T_INPUT_SPECS, "{}"},
    {"pipeline_parameter_name", &T_STRING, "\"\""},
};
const struct model MODEL_STEP_SPEC = MODEL("StepSpec", step_spec_fields, .split = true, .extra = EXTRA_FORBID);
const struct type T_STEP_SPEC = TYPE_OF(MODEL_STEP_SPEC, "StepSpec");
static const struct type T_STEP_SPECS = LIST_OF(T_STEP_SPEC, "list[StepSpec]");

static const char *const step_dropped[] = {"docstring", "inputs", NULL};
static const struct field step_configuration_fields[] = {
    {"name", &T_STRING, NULL, 0, REQ},
    {"enable_cache", &T_BOOL, NULL, 0, NUL},
    {"enable_artifact_metadata", &T_BOOL, NULL, 0, NUL},
    {"enable_artifact_visualization", &T_BOOL, NULL, 0, NUL},
    {"enable_step_logs", &T_BOOL, NULL, 0, NUL},
    {"step_operator", &T_STRING, NULL, 0, NUL},
    {"experiment_tracker", &T_STRING, NULL, 0, NUL},
    {"parameters", &T_MAP_ANY, "{}"},
    {"settings", &T_MAP_SETTINGS, "{}"},
    {"extra", &T_MAP_ANY, "{}"},
    {"failure_hook_source", &T_SOURCE, NULL, 0, NUL},
    {"success_hook_source", &T_SOURCE, NULL, 0, NUL},
    {"model", &T_MODEL, NULL, 0, NUL},
    {"retry", &T_STEP_RETRY, NULL, 0, NUL},
    {"outputs", &T_OUTPUTS, "{}"},
    {"caching_parameters", &T_MAP_ANY, "{}"},
    {"external_input_artifacts", &T_EXTERNALS, "{}"},
    {"model_artifacts_or_metadata", &T_VERSION_LOADERS, "{}"},
    {"client_lazy_loaders", &T_CLIENT_LOADERS, "{}"},
};
const struct model MODEL_STEP_CONFIGURATION = MODEL("StepConfiguration", step_configuration_fields, .split = true,
                                                    .extra = EXTRA_FORBID, .dropped = step_dropped);
const struct type T_STEP_CONFIGURATION = TYPE_OF(MODEL_STEP_CONFIGURATION, "StepConfiguration");

static const struct field step_fields[] = {
    {"spec", &T_STEP_SPEC, NULL, 0, REQ},
    {"config", &T_STEP_CONFIGURATION, NULL, 0, REQ},
};
const struct model MODEL_STEP = MODEL("Step", step_fields, .split = true, .extra = EXTRA_FORBID);
const struct type T_STEP = TYPE_OF(MODEL_STEP, "Step");
const struct type T_STEPS = MAP_OF(T_STEP, "dict[str,Step]");

/* Pipelines ------------------------------------------------------------------------------------------------------ */

static const struct field pipeline_spec_fields[] = {
    {"version", &T_STRING, "\"0.4\""},
    {"source", &T_SOURCE, NULL, 0, NUL},
    {"parameters", &T_MAP_ANY, "{}"},
    {"steps", &T_STEP_SPECS, NULL, 0, REQ},
};
const struct model MODEL_PIPELINE_SPEC =
    MODEL("PipelineSpec", pipeline_spec_fields, .split = true, .extra = EXTRA_FORBID);
const struct type T_PIPELINE_SPEC = TYPE_OF(MODEL_PIPELINE_SPEC, "PipelineSpec");

static void refuse_reserved_name(struct check *c, struct json_object *v)
{
    if (streq(member_str(v, "name"), "unlisted"))
        check_problem(c, "name", "value_error", member(v, "name"), "{\"error\":\"reserved name\"}",
                      "Value error, The pipeline name 'unlisted' is reserved");
}

static const struct field pipeline_configuration_fields[] = {
    {"enable_cache", &T_BOOL, NULL, 0, NUL},
    {"enable_artifact_metadata", &T_BOOL, NULL, 0, NUL},
    {"enable_artifact_visualization", &T_BOOL, NULL, 0, NUL},
    {"enable_step_logs", &T_BOOL, NULL, 0, NUL},
    {"settings", &T_MAP_SETTINGS, "{}"},
    {"extra", &T_MAP_ANY, "{}"},
    {"failure_hook_source", &T_SOURCE, NULL, 0, NUL},
    {"success_hook_source", &T_SOURCE, NULL, 0, NUL},
    {"model", &T_MODEL, NULL, 0, NUL},
    {"parameters", &T_MAP_ANY, NULL, 0, NUL},
    {"retry", &T_STEP_RETRY, NULL, 0, NUL},
    {"name", &T_STRING, NULL, 0, REQ},
};
const struct model MODEL_PIPELINE_CONFIGURATION =
    MODEL("PipelineConfiguration", pipeline_configuration_fields, .split = true, .extra = EXTRA_FORBID,
          .after = refuse_reserved_name);
const struct type T_PIPELINE_CONFIGURATION = TYPE_OF(MODEL_PIPELINE_CONFIGURATION, "PipelineConfiguration");

void schedule_needs_a_time(struct check *c, struct json_object *v)
{
    const char *cron = member_str(v, "cron_expression");
    bool periodic = member(v, "start_time") && json_object_get_double(member(v, "interval_second")) != 0;
    if (c->mode == CHECK_CREATE && !(cron && *cron) && !periodic && !member(v, "run_once_start_time"))
        check_problem(c, NULL, "value_error", v, "{\"error\":\"no time\"}",
                      "Value error, A schedule needs a cron expression, a start time with an interval, or a time to "
                      "run once");
}

static const struct field schedule_fields[] = {
    {"name", &T_STRING, NULL, 0, NUL},
    {"cron_expression", &T_STRING, NULL, 0, NUL},
    {"start_time", &T_STAMP, NULL, 0, NUL},
    {"end_time", &T_STAMP, NULL, 0, NUL},
    {"interval_second", &T_DURATION, NULL, 0, NUL},
    {"catchup", &T_BOOL, "false"},
    {"run_once_start_time", &T_STAMP, NULL, 0, NUL},
};
const struct model MODEL_SCHEDULE = MODEL("Schedule", schedule_fields, .after = schedule_needs_a_time);
const struct type T_SCHEDULE = TYPE_OF(MODEL_SCHEDULE, "Schedule");

static const struct field build_item_fields[] = {
    {"image", &T_STRING, NULL, 0, REQ},        {"dockerfile", &T_STRING, NULL, 0, NUL},
    {"requirements", &T_STRING, NULL, 0, NUL}, {"settings_checksum", &T_STRING, NULL, 0, NUL},
    {"contains_code", &T_BOOL, "true"},        {"requires_code_download", &T_BOOL, "false"},
};
const struct model MODEL_BUILD_ITEM = MODEL("BuildItem", build_item_fields);
static const struct type T_BUILD_ITEM = TYPE_OF(MODEL_BUILD_ITEM, "BuildItem");
const struct type T_BUILD_ITEMS = MAP_OF(T_BUILD_ITEM, "dict[str,BuildItem]");

/* What a run of a template may change --------------------------------------------------------------------------------
 */

static const struct field partial_artifact_fields[] = {
    {"materializer_source", &T_SOURCES, NULL, 0, NUL},
    {"default_materializer_source", &T_SOURCE, NULL, 0, NUL},
};
static const struct model partial_artifact =
    MODEL("PartialArtifactConfiguration", partial_artifact_fields, .extra = EXTRA_FORBID, .dropped = artifact_dropped,
          .before = list_materializers);
static const struct type T_PARTIAL_ARTIFACT = TYPE_OF(partial_artifact, "PartialArtifactConfiguration");
static const struct type T_PARTIAL_ARTIFACTS = MAP_OF(T_PARTIAL_ARTIFACT, "dict[str,PartialArtifactConfiguration]");

static const struct field step_update_fields[] = {
    {"name", &T_STRING, NULL, 0, NUL},
    {"enable_cache", &T_BOOL, NULL, 0, NUL},
    {"enable_artifact_metadata", &T_BOOL, NULL, 0, NUL},
    {"enable_artifact_visualization", &T_BOOL, NULL, 0, NUL},
    {"enable_step_logs", &T_BOOL, NULL, 0, NUL},
    {"step_operator", &T_STRING, NULL, 0, NUL},
    {"experiment_tracker", &T_STRING, NULL, 0, NUL},
    {"parameters", &T_MAP_ANY, "{}"},
    {"settings", &T_MAP_SETTINGS, "{}"},
    {"extra", &T_MAP_ANY, "{}"},
    {"failure_hook_source", &T_SOURCE, NULL, 0, NUL},
    {"success_hook_source", &T_SOURCE, NULL, 0, NUL},
    {"model", &T_MODEL, NULL, 0, NUL},
    {"retry", &T_STEP_RETRY, NULL, 0, NUL},
    {"outputs", &T_PARTIAL_ARTIFACTS, "{}"},
};
static const struct model step_update = MODEL("StepConfigurationUpdate", step_update_fields, .extra = EXTRA_FORBID);
static const struct type T_STEP_UPDATE = TYPE_OF(step_update, "StepConfigurationUpdate");
static const struct type T_STEP_UPDATES = MAP_OF(T_STEP_UPDATE, "dict[str,StepConfigurationUpdate]");

static const struct field build_base_fields[] = {
    {"images", &T_BUILD_ITEMS, "{}"},
    {"is_local", &T_BOOL, NULL, 0, REQ},
    {"contains_code", &T_BOOL, NULL, 0, REQ},
    {"zenml_version", &T_STRING, NULL, 0, NUL},
    {"python_version", &T_STRING, NULL, 0, NUL},
};
static const struct model build_base = MODEL("PipelineBuildBase", build_base_fields);
static const struct type T_BUILD_BASE = TYPE_OF(build_base, "PipelineBuildBase");
static const struct type T_BUILD_CHOICE = {.kind = K_UNION,
                                           .any = (const struct type *const[]){&T_BUILD_BASE, &T_UUID, NULL}};

static const struct field run_configuration_fields[] = {
    {"run_name", &T_STRING, NULL, 0, NUL},
    {"enable_cache", &T_BOOL, NULL, 0, NUL},
    {"enable_artifact_metadata", &T_BOOL, NULL, 0, NUL},
    {"enable_artifact_visualization", &T_BOOL, NULL, 0, NUL},
    {"enable_step_logs", &T_BOOL, NULL, 0, NUL},
    {"schedule", &T_SCHEDULE, NULL, 0, NUL},
    {"build", &T_BUILD_CHOICE, NULL, 0, NUL},
    {"steps", &T_STEP_UPDATES, "{}"},
    {"settings", &T_MAP_SETTINGS, "{}"},
    {"extra", &T_MAP_ANY, "{}"},
    {"model", &T_MODEL, NULL, 0, NUL},
    {"parameters", &T_MAP_ANY, NULL, 0, NUL},
    {"retry", &T_STEP_RETRY, NULL, 0, NUL},
    {"failure_hook_source", &T_SOURCE, NULL, 0, NUL},
    {"success_hook_source", &T_SOURCE, NULL, 0, NUL},
};
const struct model MODEL_RUN_CONFIGURATION =
    MODEL("PipelineRunConfiguration", run_configuration_fields, .extra = EXTRA_FORBID);
const struct type T_RUN_CONFIGURATION = TYPE_OF(MODEL_RUN_CONFIGURATION, "PipelineRunConfiguration");

static const struct field code_reference_fields[] = {
    {"commit", &T_STRING, NULL, 0, REQ},
    {"subdirectory", &T_STRING, NULL, 0, REQ},
    {"code_repository", &T_UUID, NULL, 0, REQ},
};
const struct model MODEL_CODE_REFERENCE = MODEL("CodeReferenceRequest", code_reference_fields);
const struct type T_CODE_REFERENCE = TYPE_OF(MODEL_CODE_REFERENCE, "CodeReferenceRequest");

/* Logs, visualizations, services, stacks --------------------------------------------------------------------------- */

static void limit_uri(struct check *c, struct json_object *v)
{
    enum { URI_MAX = 65534 };
    struct json_object *uri = member(v, "uri");
    if (utf8_length(json_object_get_string(uri), (size_t)json_object_get_string_len(uri)) > URI_MAX)
        check_problem(c, "uri", "assertion_error", uri, "{\"error\":\"too long\"}",
                      "Assertion failed, The value may have at most %d characters", URI_MAX);
}

static const struct field logs_fields[] = {
    {"uri", &T_STRING, NULL, 0, REQ},
    {"artifact_store_id", &T_UUID, NULL, 0, REQ},
};
const struct model MODEL_LOGS_REQUEST = MODEL("LogsRequest", logs_fields, .after = limit_uri);
const struct type T_LOGS_REQUEST = TYPE_OF(MODEL_LOGS_REQUEST, "LogsRequest");

static const char *const visualization_types[] = {"csv", "html", "image", "markdown", NULL};
const struct type T_VISUALIZATION_TYPE = {.kind = K_ENUM, .label = "VisualizationType", .words = visualization_types};

static const struct field visualization_fields[] = {
    {"type", &T_VISUALIZATION_TYPE, NULL, 0, REQ},
    {"uri", &T_STRING, NULL, 0, REQ},
};
const struct model MODEL_VISUALIZATION_REQUEST = MODEL("ArtifactVisualizationRequest", visualization_fields);
const struct type T_VISUALIZATION_REQUEST = TYPE_OF(MODEL_VISUALIZATION_REQUEST, "ArtifactVisualizationRequest");
const struct type T_VISUALIZATIONS = LIST_OF(T_VISUALIZATION_REQUEST, "list[ArtifactVisualizationRequest]");

static const struct field service_type_fields[] = {
    {"type", &T_STRING, NULL, 0, REQ},  {"flavor", &T_STRING, NULL, 0, REQ}, {"name", &T_STRING, "\"\""},
    {"description", &T_STRING, "\"\""}, {"logo_url", &T_STRING, "\"\""},
};
const struct model MODEL_SERVICE_TYPE = MODEL("ServiceType", service_type_fields);
const struct type T_SERVICE_TYPE = TYPE_OF(MODEL_SERVICE_TYPE, "ServiceType");

static const struct field component_info_fields[] = {
    {"flavor", &T_STRING, NULL, 0, REQ},
    {"service_connector_index", &T_INT, NULL, 0, NUL},
    {"service_connector_resource_id", &T_STRING, NULL, 0, NUL},
    {"configuration", &T_MAP_ANY, "{}"},
};
const struct model MODEL_COMPONENT_INFO = MODEL("ComponentInfo", component_info_fields);
const struct type T_COMPONENT_INFO = TYPE_OF(MODEL_COMPONENT_INFO, "ComponentInfo");

static const struct field connector_info_fields[] = {
    {"type", &T_STRING, NULL, 0, REQ},
    {"auth_method", &T_STRING, NULL, 0, REQ},
    {"configuration", &T_MAP_ANY, "{}"},
};
const struct model MODEL_CONNECTOR_INFO = MODEL("ServiceConnectorInfo", connector_info_fields);
const struct type T_CONNECTOR_INFO = TYPE_OF(MODEL_CONNECTOR_INFO, "ServiceConnectorInfo");
