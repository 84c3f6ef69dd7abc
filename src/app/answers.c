#include "app/answers.h"

#include "automation/plugin.h"
#include "document/documents.h"
#include "model/model.h"
#include "stack_deployment/stack_deployment.h"

#define WORDS(t, title, ...)                                                                                           \
    static const char *const words_##t[] = {__VA_ARGS__, NULL};                                                        \
    static const struct type t = {.kind = K_ENUM, .label = (title), .words = words_##t}
#define DOCUMENT(t, title, rows)                                                                                       \
    static const struct model model_##t = MODEL(title, rows);                                                          \
    static const struct type t = {.kind = K_MODEL, .model = &model_##t}
#define LIST_TYPE(t, of) static const struct type t = {.kind = K_LIST, .item = &(of)}
#define MAP_TYPE(t, of)  static const struct type t = {.kind = K_MAP, .item = &(of)}

static const struct field error_fields[] = {{"detail", &T_ANY, NULL, 0, NUL}};
static const struct model error = MODEL("ErrorModel", error_fields);
const struct type T_ERROR = {.kind = K_MODEL, .model = &error};

/* The server ------------------------------------------------------------------------------------------------------ */

WORDS(scheme, "AuthScheme", "NO_AUTH", "HTTP_BASIC", "OAUTH2_PASSWORD_BEARER", "EXTERNAL");
WORDS(database, "ServerDatabaseType", "sqlite", "mysql", "other");
WORDS(deployment, "ServerDeploymentType", "local", "docker", "kubernetes", "aws", "gcp", "azure", "alpha", "other",
      "hf_spaces", "sandbox", "cloud");
WORDS(secrets_store, "SecretsStoreType", "none", "sql", "aws", "gcp", "azure", "hashicorp", "custom");

static const struct field server_fields[] = {
    {"id", &T_UUID},
    {"version", &T_STRING, NULL, 0, REQ},
    {"active", &T_BOOL, "true"},
    {"debug", &T_BOOL, "false"},
    {"deployment_type", &deployment, "\"other\""},
    {"database_type", &database, "\"other\""},
    {"secrets_store_type", &secrets_store, "\"none\""},
    {"auth_scheme", &scheme, NULL, 0, REQ},
    {"server_url", &T_STRING, "\"\""},
    {"dashboard_url", &T_STRING, "\"\""},
    {"analytics_enabled", &T_BOOL, "true"},
    {"metadata", &T_MAP_STRING, "{}"},
    {"last_user_activity", &T_STAMP, NULL, 0, NUL},
    {"use_legacy_dashboard", &T_BOOL, "false"},
};
DOCUMENT(server, "ServerModel", server_fields);

/* Signing in ------------------------------------------------------------------------------------------------------ */

static const struct field token_fields[] = {
    {"access_token", &T_STRING, NULL, 0, REQ}, {"token_type", &T_STRING, NULL, 0, REQ},
    {"expires_in", &T_INT, NULL, 0, NUL},      {"refresh_token", &T_STRING, NULL, 0, NUL},
    {"scope", &T_STRING, NULL, 0, NUL},
};
DOCUMENT(token, "OAuthTokenResponse", token_fields);

static const struct field redirect_fields[] = {{"authorization_url", &T_STRING, NULL, 0, REQ}};
DOCUMENT(redirect, "OAuthRedirectResponse", redirect_fields);

static const struct field device_fields[] = {
    {"device_code", &T_STRING, NULL, 0, REQ},      {"user_code", &T_STRING, NULL, 0, REQ},
    {"verification_uri", &T_STRING, NULL, 0, REQ}, {"verification_uri_complete", &T_STRING, NULL, 0, NUL},
    {"expires_in", &T_INT, NULL, 0, REQ},          {"interval", &T_INT, NULL, 0, REQ},
};
DOCUMENT(device, "OAuthDeviceAuthorizationResponse", device_fields);

/* The graph of a run ---------------------------------------------------------------------------------------------- */

WORDS(artifact_status, "ArtifactNodeStatus", "cached", "created", "external", "unknown");
LIST_TYPE(metadata, T_STRINGS); /* key, value and type */

static const struct field artifact_details[] = {
    {"execution_id", &T_STRING, NULL, 0, REQ},
    {"name", &T_STRING, NULL, 0, REQ},
    {"status", &artifact_status, NULL, 0, REQ},
    {"is_cached", &T_BOOL, NULL, 0, REQ},
    {"artifact_type", &T_STRING, NULL, 0, REQ},
    {"artifact_data_type", &T_STRING, NULL, 0, REQ},
    {"parent_step_id", &T_STRING, NULL, 0, REQ},
    {"producer_step_id", &T_STRING, NULL, 0, REQ | NUL},
    {"uri", &T_STRING, NULL, 0, REQ},
    {"metadata", &metadata, NULL, 0, REQ},
};
DOCUMENT(artifact_data, "ArtifactNodeDetails", artifact_details);
static const struct field artifact_fields[] = {
    {"id", &T_STRING, NULL, 0, REQ}, {"type", &T_STRING, "\"artifact\""}, {"data", &artifact_data, NULL, 0, REQ}};
DOCUMENT(artifact_node, "ArtifactNode", artifact_fields);

static const struct field step_details[] = {
    {"execution_id", &T_STRING, NULL, 0, REQ},     {"name", &T_STRING, NULL, 0, REQ},
    {"status", &T_EXECUTION_STATUS, NULL, 0, REQ}, {"entrypoint_name", &T_STRING, NULL, 0, REQ},
    {"parameters", &T_MAP_ANY, NULL, 0, REQ},      {"configuration", &T_MAP_ANY, NULL, 0, REQ},
    {"inputs", &T_MAP_ANY, NULL, 0, REQ},          {"outputs", &T_MAP_ANY, NULL, 0, REQ},
    {"metadata", &metadata, NULL, 0, REQ},
};
DOCUMENT(step_data, "StepNodeDetails", step_details);
static const struct field step_fields[] = {
    {"id", &T_STRING, NULL, 0, REQ}, {"type", &T_STRING, "\"step\""}, {"data", &step_data, NULL, 0, REQ}};
DOCUMENT(step_node, "StepNode", step_fields);

static const struct field edge_fields[] = {
    {"id", &T_STRING, NULL, 0, REQ}, {"source", &T_STRING, NULL, 0, REQ}, {"target", &T_STRING, NULL, 0, REQ}};
DOCUMENT(edge, "Edge", edge_fields);
LIST_TYPE(edges, edge);
static const struct type *const node_forms[] = {&step_node, &artifact_node, NULL};
static const struct type node = {.kind = K_UNION, .any = node_forms};
LIST_TYPE(nodes, node);

static const struct field graph_fields[] = {
    {"nodes", &nodes, "[]"},
    {"edges", &edges, "[]"},
    {"root_step_id", &T_STRING, NULL, 0, NUL},
    {"run_metadata", &metadata, "[]"},
};
DOCUMENT(graph, "LineageGraph", graph_fields);

/* Artifacts ------------------------------------------------------------------------------------------------------- */

static const struct field loaded_fields[] = {
    {"type", &T_VISUALIZATION_TYPE, NULL, 0, REQ}, {"value", &T_STRING, NULL, 0, REQ}, /* of images: base64 */
};
DOCUMENT(loaded, "LoadedVisualization", loaded_fields);

/* Service connectors ---------------------------------------------------------------------------------------------- */

static const struct field method_fields[] = {
    {"name", &T_STRING, NULL, 0, REQ},
    {"auth_method", &T_STRING, NULL, 255, REQ},
    {"description", &T_STRING, "\"\""},
    {"config_schema", &T_MAP_ANY},
    {"min_expiration_seconds", &T_INT, NULL, 0, NUL},
    {"max_expiration_seconds", &T_INT, NULL, 0, NUL},
    {"default_expiration_seconds", &T_INT, NULL, 0, NUL},
};
DOCUMENT(method, "AuthenticationMethodModel", method_fields);
LIST_TYPE(methods, method);

static const struct field resource_type_fields[] = {
    {"name", &T_STRING, NULL, 0, REQ},        {"resource_type", &T_STRING, NULL, 0, REQ},
    {"description", &T_STRING, "\"\""},       {"auth_methods", &T_STRINGS, NULL, 0, REQ},
    {"supports_instances", &T_BOOL, "false"}, {"logo_url", &T_STRING, NULL, 0, NUL},
    {"emoji", &T_STRING, NULL, 0, NUL},
};
DOCUMENT(resource_kind, "ResourceTypeModel", resource_type_fields);
LIST_TYPE(resource_kinds, resource_kind);

static const struct field connector_type_fields[] = {
    {"name", &T_STRING, NULL, 0, REQ},
    {"connector_type", &T_STRING, NULL, 255, REQ},
    {"description", &T_STRING, "\"\""},
    {"resource_types", &resource_kinds, NULL, 0, REQ},
    {"auth_methods", &methods, NULL, 0, REQ},
    {"supports_auto_configuration", &T_BOOL, "false"},
    {"logo_url", &T_STRING, NULL, 0, NUL},
    {"emoji", &T_STRING, NULL, 0, NUL},
    {"docs_url", &T_STRING, NULL, 0, NUL},
    {"sdk_docs_url", &T_STRING, NULL, 0, NUL},
    {"local", &T_BOOL, "true"},
    {"remote", &T_BOOL, "false"},
};
DOCUMENT(connector_type, "ServiceConnectorTypeModel", connector_type_fields);
static const struct type *const type_forms[] = {&T_STRING, &connector_type, NULL};
static const struct type either_type = {.kind = K_UNION, .any = type_forms};

static const struct field typed_fields[] = {
    {"resource_type", &T_STRING, NULL, 255, REQ},
    {"resource_ids", &T_STRINGS, NULL, 0, NUL},
    {"error", &T_STRING, NULL, 0, NUL},
};
DOCUMENT(typed, "ServiceConnectorTypedResourcesModel", typed_fields);
LIST_TYPE(typed_list, typed);

static const struct field reach_fields[] = {
    {"id", &T_UUID, NULL, 0, NUL}, {"name", &T_STRING, NULL, 255, NUL}, {"connector_type", &either_type, NULL, 0, REQ},
    {"resources", &typed_list},    {"error", &T_STRING, NULL, 0, NUL},
};
DOCUMENT(reach, "ServiceConnectorResourcesModel", reach_fields);

/* A resource as a document refers to it. */
static const struct model component_answer = {.name = "ComponentResponse"};
static const struct type component = {.kind = K_MODEL, .model = &component_answer};
LIST_TYPE(components, component);

static const struct field info_fields[] = {
    {"flavor", &T_STRING, NULL, 0, REQ},
    {"flavor_display_name", &T_STRING, NULL, 0, REQ},
    {"required_configuration", &T_MAP_STRING, "{}"},
    {"use_resource_value_as_fixed_config", &T_BOOL, "false"},
    {"accessible_by_service_connector", &T_STRINGS, NULL, 0, REQ},
    {"connected_through_service_connector", &components, NULL, 0, REQ},
};
DOCUMENT(info, "ResourcesInfo", info_fields);
LIST_TYPE(infos, info);
MAP_TYPE(info_map, infos);

static const struct field full_fields[] = {
    {"connector_type", &T_STRING, NULL, 0, REQ},
    {"components_resources_info", &info_map, NULL, 0, REQ},
};
DOCUMENT(full, "ServiceConnectorResourcesInfo", full_fields);

/* Plugin flavors -------------------------------------------------------------------------------------------------- */

static const struct model plugin_body = {.name = "BasePluginResponseBody"};
static const struct type plugin_body_type = {.kind = K_MODEL, .model = &plugin_body};
static const struct model plugin_metadata = {.name = "BasePluginResponseMetadata"};
static const struct type plugin_metadata_type = {.kind = K_MODEL, .model = &plugin_metadata};
static const struct model plugin_resources = {.name = "BasePluginResponseResources", .extra = EXTRA_ALLOW};
static const struct type plugin_resources_type = {.kind = K_MODEL, .model = &plugin_resources};

static const struct field plugin_fields[] = {
    {"body", &plugin_body_type, NULL, 0, NUL},
    {"metadata", &plugin_metadata_type, NULL, 0, NUL},
    {"resources", &plugin_resources_type, NULL, 0, NUL},
    {"name", &T_STRING, NULL, 0, REQ},
    {"type", &T_PLUGIN_TYPE, NULL, 0, REQ},
    {"subtype", &T_PLUGIN_SUBTYPE, NULL, 0, REQ},
};
DOCUMENT(plugin, "BasePluginFlavorResponse", plugin_fields);
/* Stack deployment ------------------------------------------------------------------------------------------------ */

MAP_TYPE(permission_map, T_STRINGS);
static const struct field deployment_info_fields[] = {
    {"provider", &T_DEPLOYMENT_PROVIDER, NULL, 0, REQ}, {"description", &T_STRING, NULL, 0, REQ},
    {"instructions", &T_STRING, NULL, 0, REQ},          {"post_deploy_instructions", &T_STRING, NULL, 0, REQ},
    {"integrations", &T_STRINGS, NULL, 0, REQ},         {"permissions", &permission_map, NULL, 0, REQ},
    {"locations", &T_MAP_STRING, NULL, 0, REQ},         {"skypilot_default_regions", &T_MAP_STRING, NULL, 0, REQ},
};
DOCUMENT(deployment_info_doc, "StackDeploymentInfo", deployment_info_fields);

static const struct field deployment_config_fields[] = {
    {"deployment_url", &T_STRING, NULL, 0, REQ},
    {"deployment_url_text", &T_STRING, NULL, 0, REQ},
    {"configuration", &T_STRING, NULL, 0, NUL},
    {"instructions", &T_STRING, NULL, 0, NUL},
};
DOCUMENT(deployment_config_doc, "StackDeploymentConfig", deployment_config_fields);

static const struct model stack_answer = {.name = "StackResponse"};
static const struct type stack_doc = {.kind = K_MODEL, .model = &stack_answer};
static const struct model connector_answer = {.name = "ServiceConnectorResponse"};
static const struct type connector_doc = {.kind = K_MODEL, .model = &connector_answer};
static const struct field deployed_fields[] = {
    {"stack", &stack_doc, NULL, 0, REQ},
    {"service_connector", &connector_doc, NULL, 0, NUL},
};
DOCUMENT(deployed, "DeployedStack", deployed_fields);

/* ----------------------------------------------------------------------------------------------------------------- */

const struct type *const answer_types[] = {&server,
                                           &token,
                                           &redirect,
                                           &device,
                                           &graph,
                                           &loaded,
                                           &connector_type,
                                           &reach,
                                           &full,
                                           &plugin,
                                           &deployment_info_doc,
                                           &deployment_config_doc,
                                           &deployed,
                                           &T_EXECUTION_STATUS,
                                           &T_COMPONENT_TYPE,
                                           &T_SOURCE,
                                           &T_STEP_CONFIGURATION,
                                           &T_STEP_SPEC,
                                           &T_PIPELINE_CONFIGURATION,
                                           &T_VISUALIZATION_TYPE,
                                           NULL};
