/*
 * Configuration: environment variables with the reference's names and meanings (docs/contract/auth.md#variables),
 * Kanso's own beginning with KANSO_. Read once at start; a bad value is refused with the variable's name.
 */
#ifndef KANSO_BASE_CONFIG_H
#define KANSO_BASE_CONFIG_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum auth_scheme { SCHEME_NO_AUTH, SCHEME_HTTP_BASIC, SCHEME_OAUTH2_PASSWORD_BEARER, SCHEME_EXTERNAL };

enum header_index { H_SERVER, H_HSTS, H_XFO, H_XXP, H_CONTENT, H_CSP, H_REFERRER, H_CACHE, H_PERMISSIONS, H_COUNT };

/* A secrets store, by ZENML_SECRETS_STORE_* or ZENML_BACKUP_SECRETS_STORE_*; NULL: not given. */
struct secrets_config {
    const char *type; /* NULL: there is no such store */
    const char *encryption_key;
    const char *auth_method, *auth_config;
    const char *region_name, *aws_access_key_id, *aws_secret_access_key;
    const char *project_id;
    const char *key_vault_name, *azure_client_id, *azure_client_secret, *azure_tenant_id;
    const char *vault_addr, *vault_token, *vault_namespace, *mount_point;
    int64_t max_versions;
};

struct config {
    const char *deployment_type, *server_url, *dashboard_url, *root_url_path, *metadata, *server_name;
    enum auth_scheme auth_scheme;
    const char *jwt_algorithm, *jwt_issuer, *jwt_audience, *jwt_secret_key;
    int64_t jwt_leeway, jwt_expire_minutes; /* expire: 0 = never */
    const char *auth_cookie_name, *auth_cookie_domain, *cors_origins;
    int64_t max_failed_device_attempts, device_auth_timeout, device_polling_interval, device_expiration_minutes,
        trusted_device_expiration_minutes;
    const char *external_login_url, *external_user_info_url, *external_cookie_name, *external_server_id;
    const char *rbac_source, *feature_gate_source, *workload_manager_source;
    const char *workload_command, *workload_python, *workload_pythonpath;
    int64_t workload_timeout, workload_limit;
    const char *docker_host, *docker_cert_path, *kubeconfig;
    bool docker_tls;
    const char *workload_registry, *workload_registry_user, *workload_registry_password;
    const char *workload_cpus, *workload_network, *workload_image, *workload_builder;
    const char *workload_namespace, *workload_service_account, *workload_pull_secret;
    int64_t workload_memory, workload_millicpus, workload_kept; /* 0: no limit; kept: seconds */
    int64_t pipeline_run_auth_window;
    bool rate_limit;
    int64_t login_rate_minute, login_rate_day;
    const char *headers[H_COUNT]; /* NULL: the default */
    bool use_legacy_dashboard, display_announcements, display_updates, auto_activate;
    int64_t thread_pool_size;
    const char *reportable_resources;
    const char *cloud_api_url, *cloud_client_id, *cloud_client_secret, *cloud_audience, *cloud_auth0_domain;
    size_t cloud_api_url_len; /* without slashes at its end */
    const char *default_user, *default_password, *default_workspace;
    bool debug, analytics_opt_in, local_server;
    int64_t pagination_limit;
    struct secrets_config secrets, backup_secrets;
    const char *vault_token, *google_credentials;
    const char *local_stores_path, *config_path, *store_roots;
    const char *log_level, *log_format, *trusted_proxies, *metrics_token;
    int64_t slow_request;            /* ms; 0: none is */
    const char *connector_types;     /* names with commas between; NULL: all */
    const char *connector_endpoints; /* HOST=URL with commas between */
    const char *egress;              /* see base/egress.h */
    bool implicit_auth_methods;
    int64_t max_body, webhook_max_body, max_requests, worker_memory;
    int64_t jobs, jobs_grace, jobs_lease, jobs_keep; /* at a time; seconds; seconds; days */
    bool strict, scheduler, audit;
    int64_t audit_days; /* 0: rows stay */
    bool db_pipelining;
};

/* The configuration of this process, after config_load(). */
extern struct config config;

/* Fills `config` from the environment, from which secrets are then gone. Returns NULL, or a sentence about the first
 * bad value; texts live in `a`. */
const char *config_load(struct arena *a);

/* A variable of the configuration. */
struct config_variable {
    const char *name, *def, *about; /* def: NULL without a default */
    bool secret;                    /* nobody is shown its value, and config_load() removes it from the environment */
};

/* The variables that config_load() reads, by their place from 0; false when there are fewer. */
bool config_variable(size_t i, struct config_variable *out);

/* The variables with their types and defaults, one line each, for --help and the documentation. */
void config_print(void);

#endif
