#include "base/config.h"

#include "base/address.h"
#include "base/egress.h"
#include "base/settings.h"
#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config config;

enum value_type { V_TEXT, V_SECRET, V_INT, V_BOOL, V_LOOSE_BOOL, V_SCHEME };

struct entry {
    const char *name, *def;
    enum value_type type;
    size_t offset;
    int64_t min, max;
    const char *about;
};

#define AT(member) offsetof(struct config, member)
#define TEXT(name, member, def, about)                                                                                 \
    {                                                                                                                  \
        name, def, V_TEXT, AT(member), 0, 0, about                                                                     \
    }
/* A text that leaves the environment when it has been read. */
#define SECRET(name, member, def, about)                                                                               \
    {                                                                                                                  \
        name, def, V_SECRET, AT(member), 0, 0, about                                                                   \
    }
#define INT(name, member, def, lo, hi, about)                                                                          \
    {                                                                                                                  \
        name, def, V_INT, AT(member), lo, hi, about                                                                    \
    }
#define BOOL(name, member, def, about)                                                                                 \
    {                                                                                                                  \
        name, def, V_BOOL, AT(member), 0, 0, about                                                                     \
    }
#define LOOSE(name, member, def, about)                                                                                \
    {                                                                                                                  \
        name, def, V_LOOSE_BOOL, AT(member), 0, 0, about                                                               \
    }
#define HEADER(name, index, about)                                                                                     \
    {                                                                                                                  \
        "ZENML_SERVER_SECURE_HEADERS_" name, NULL, V_TEXT, AT(headers) + (index) * sizeof(char *), 0, 0, about         \
    }

/* Where secrets are kept; which of these a type takes stands in docs/configuration.md. */
#define SECRETS_STORE(prefix, of, type_default)                                                                        \
    TEXT(prefix "TYPE", of.type, type_default, "sql, aws, gcp, azure, hashicorp or none"),                             \
        SECRET(prefix "ENCRYPTION_KEY", of.encryption_key, NULL, "sql: key of the secrets in the database"),           \
        TEXT(prefix "AUTH_METHOD", of.auth_method, NULL, "aws, gcp, azure: method of the service connector type"),     \
        SECRET(prefix "AUTH_CONFIG", of.auth_config, NULL, "and its configuration, a JSON object"),                    \
        TEXT(prefix "REGION_NAME", of.region_name, NULL, "aws, the older form: region"),                               \
        TEXT(prefix "AWS_ACCESS_KEY_ID", of.aws_access_key_id, NULL, "and the key; without it, that of the machine"),  \
        SECRET(prefix "AWS_SECRET_ACCESS_KEY", of.aws_secret_access_key, NULL, "likewise"),                            \
        TEXT(prefix "PROJECT_ID", of.project_id, NULL,                                                                 \
             "gcp, the older form: project; the key is in the file GOOGLE_APPLICATION_CREDENTIALS or the machine's"),  \
        TEXT(prefix "KEY_VAULT_NAME", of.key_vault_name, NULL, "azure: the key vault"),                                \
        TEXT(prefix "AZURE_CLIENT_ID", of.azure_client_id, NULL, "azure, the older form: service principal"),          \
        SECRET(prefix "AZURE_CLIENT_SECRET", of.azure_client_secret, NULL, "likewise"),                                \
        TEXT(prefix "AZURE_TENANT_ID", of.azure_tenant_id, NULL, "likewise"),                                          \
        TEXT(prefix "VAULT_ADDR", of.vault_addr, NULL, "hashicorp: URL of the Vault server"),                          \
        SECRET(prefix "VAULT_TOKEN", of.vault_token, NULL, "hashicorp: token, else that of VAULT_TOKEN"),              \
        TEXT(prefix "VAULT_NAMESPACE", of.vault_namespace, NULL, "hashicorp: namespace"),                              \
        TEXT(prefix "MOUNT_POINT", of.mount_point, NULL, "hashicorp: see docs/configuration.md"),                      \
        INT(prefix "MAX_VERSIONS", of.max_versions, "1", 0, 100000, "hashicorp: versions of values that Vault keeps")

/* As many bytes as the shortest of the digests gives: a key that is harder to guess than its signatures. */
enum { JWT_KEY_MIN = 32, METRICS_TOKEN_MIN = 16 };
enum { MINUTES_MAX = 100 * 365 * 24 * 60 };

static const struct entry ENTRIES[] = {
    TEXT("ZENML_SERVER_DEPLOYMENT_TYPE", deployment_type, "other", "shown by /info"),
    TEXT("ZENML_SERVER_SERVER_URL", server_url, NULL, "URL under which clients reach the server"),
    TEXT("ZENML_SERVER_DASHBOARD_URL", dashboard_url, NULL, "URL of the web front"),
    TEXT("ZENML_SERVER_ROOT_URL_PATH", root_url_path, "", "prefix of every path, such as /zenml"),
    TEXT("ZENML_SERVER_METADATA", metadata, "{}", "JSON object of texts shown by /info"),
    TEXT("ZENML_SERVER_SERVER_NAME", server_name, "default", "name of a new database's server"),
    {"ZENML_SERVER_AUTH_SCHEME", "OAUTH2_PASSWORD_BEARER", V_SCHEME, AT(auth_scheme), 0, 0,
     "NO_AUTH, HTTP_BASIC, OAUTH2_PASSWORD_BEARER or EXTERNAL"},
    TEXT("ZENML_SERVER_JWT_TOKEN_ALGORITHM", jwt_algorithm, "HS256", "HS256, HS384 or HS512"),
    TEXT("ZENML_SERVER_JWT_TOKEN_ISSUER", jwt_issuer, NULL, "iss claim; the server's id by default"),
    TEXT("ZENML_SERVER_JWT_TOKEN_AUDIENCE", jwt_audience, NULL, "aud claim; the server's id by default"),
    INT("ZENML_SERVER_JWT_TOKEN_LEEWAY_SECONDS", jwt_leeway, "10", 0, 86400, "tolerance for exp, nbf and iat"),
    INT("ZENML_SERVER_JWT_TOKEN_EXPIRE_MINUTES", jwt_expire_minutes, "0", 0, MINUTES_MAX,
        "life of tokens; 0 = endless"),
    SECRET("ZENML_SERVER_JWT_SECRET_KEY", jwt_secret_key, NULL, "key that signs tokens, at least 32 bytes"),
    TEXT("ZENML_SERVER_AUTH_COOKIE_NAME", auth_cookie_name, NULL, "zenml-server-<id> by default"),
    TEXT("ZENML_SERVER_AUTH_COOKIE_DOMAIN", auth_cookie_domain, NULL, "domain of the session cookie"),
    TEXT("ZENML_SERVER_CORS_ALLOW_ORIGINS", cors_origins, "*", "comma-separated origins"),
    INT("ZENML_SERVER_MAX_FAILED_DEVICE_AUTH_ATTEMPTS", max_failed_device_attempts, "3", 1, 1000,
        "wrong codes that lock a device"),
    INT("ZENML_SERVER_DEVICE_AUTH_TIMEOUT", device_auth_timeout, "300", 1, 86400, "seconds to approve a device"),
    INT("ZENML_SERVER_DEVICE_AUTH_POLLING_INTERVAL", device_polling_interval, "5", 1, 3600, "seconds between polls"),
    INT("ZENML_SERVER_DEVICE_EXPIRATION_MINUTES", device_expiration_minutes, "0", 0, MINUTES_MAX,
        "life of devices; 0 = endless"),
    INT("ZENML_SERVER_TRUSTED_DEVICE_EXPIRATION_MINUTES", trusted_device_expiration_minutes, "0", 0, MINUTES_MAX,
        "life of trusted devices"),
    TEXT("ZENML_SERVER_EXTERNAL_LOGIN_URL", external_login_url, NULL, "scheme EXTERNAL: where to sign in"),
    TEXT("ZENML_SERVER_EXTERNAL_USER_INFO_URL", external_user_info_url, NULL,
         "scheme EXTERNAL: who a token belongs to"),
    TEXT("ZENML_SERVER_EXTERNAL_COOKIE_NAME", external_cookie_name, NULL,
         "scheme EXTERNAL: cookie of the external session"),
    TEXT("ZENML_SERVER_EXTERNAL_SERVER_ID", external_server_id, NULL, "id of a new database's server"),
    TEXT("ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE", rbac_source, NULL, "set: permissions come from the control plane"),
    TEXT("ZENML_SERVER_FEATURE_GATE_IMPLEMENTATION_SOURCE", feature_gate_source, NULL,
         "set: entitlements come from the control plane"),
    TEXT("ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE", workload_manager_source, NULL,
         "set: templates can be run, by kanso.docker, kanso.kubernetes, kanso.command or a Python class given by its "
         "dotted "
         "path"),
    TEXT("KANSO_WORKLOAD_COMMAND", workload_command, NULL, "kanso.command: the program, by its absolute path"),
    TEXT("KANSO_WORKLOAD_PYTHON", workload_python, "python3", "what a Python class is run with"),
    TEXT("KANSO_WORKLOAD_PYTHONPATH", workload_pythonpath, NULL,
         "directories (a:b) where it is looked for, besides those of that Python"),
    INT("KANSO_WORKLOAD_TIMEOUT", workload_timeout, "1800", 1, 7200,
        "seconds that making an image, or starting a workload, may take"),
    INT("KANSO_WORKLOAD_MEMORY", workload_memory, "0", 0, INT64_C(1) << 50,
        "kanso.docker, kanso.kubernetes: bytes that a workload may have; 0 = no limit"),
    TEXT("KANSO_WORKLOAD_CPUS", workload_cpus, NULL, "likewise: processors, such as 0.5"),
    TEXT("KANSO_WORKLOAD_REGISTRY", workload_registry, NULL,
         "where images are kept, such as registry.example.com/team; kanso.docker pushes them there"),
    TEXT("KANSO_WORKLOAD_REGISTRY_USER", workload_registry_user, NULL, "and who kanso.docker is there"),
    SECRET("KANSO_WORKLOAD_REGISTRY_PASSWORD", workload_registry_password, NULL, "likewise"),
    TEXT("DOCKER_HOST", docker_host, "unix:///var/run/docker.sock",
         "kanso.docker: where the engine listens, unix://PATH or tcp://HOST:PORT"),
    LOOSE("DOCKER_TLS_VERIFY", docker_tls, "false", "kanso.docker: TLS to an engine at tcp://"),
    TEXT("DOCKER_CERT_PATH", docker_cert_path, NULL, "and the directory with ca.pem, cert.pem and key.pem for that"),
    TEXT("KANSO_WORKLOAD_NETWORK", workload_network, NULL, "kanso.docker: network of containers and builds"),
    INT("KANSO_WORKLOAD_LIMIT", workload_limit, "86400", 0, 31536000,
        "seconds after which a workload is ended; 0 = never"),
    TEXT("KUBECONFIG", kubeconfig, NULL,
         "kanso.kubernetes: how to reach the cluster, unless Kanso runs in it; ~/.kube/config by default"),
    TEXT("KANSO_WORKLOAD_NAMESPACE", workload_namespace, NULL,
         "kanso.kubernetes: Kanso's own or the context's by default"),
    TEXT("KANSO_WORKLOAD_IMAGE", workload_image, NULL,
         "kanso.kubernetes: name of the image, with {hash}, {version} and {python}"),
    TEXT("KANSO_WORKLOAD_BUILDER", workload_builder, NULL,
         "kanso.kubernetes: program that makes the image argv[1] in the registry from the Dockerfile on its input"),
    TEXT("KANSO_WORKLOAD_SERVICE_ACCOUNT", workload_service_account, NULL, "kanso.kubernetes: of the pods"),
    TEXT("KANSO_WORKLOAD_PULL_SECRET", workload_pull_secret, NULL, "kanso.kubernetes: with which images are pulled"),
    INT("KANSO_WORKLOAD_KEPT", workload_kept, "86400", 1, 365 * 86400,
        "kanso.docker, kanso.kubernetes: seconds for which what has ended is kept, for its log"),
    INT("ZENML_SERVER_PIPELINE_RUN_AUTH_WINDOW", pipeline_run_auth_window, "2880", 0, MINUTES_MAX,
        "minutes, default of actions"),
    BOOL("ZENML_SERVER_RATE_LIMIT_ENABLED", rate_limit, "false", "limit logins and password changes"),
    INT("ZENML_SERVER_LOGIN_RATE_LIMIT_MINUTE", login_rate_minute, "5", 0, 1000000, "tries per minute"),
    INT("ZENML_SERVER_LOGIN_RATE_LIMIT_DAY", login_rate_day, "1000", 0, 1000000, "tries per day"),
    HEADER("SERVER", H_SERVER, "secure headers: a value, or off"),
    HEADER("HSTS", H_HSTS, "likewise"),
    HEADER("XFO", H_XFO, "likewise"),
    HEADER("XXP", H_XXP, "likewise"),
    HEADER("CONTENT", H_CONTENT, "likewise"),
    HEADER("CSP", H_CSP, "likewise; merged per directive over the default"),
    HEADER("REFERRER", H_REFERRER, "likewise"),
    HEADER("CACHE", H_CACHE, "likewise"),
    HEADER("PERMISSIONS", H_PERMISSIONS, "likewise"),
    BOOL("ZENML_SERVER_USE_LEGACY_DASHBOARD", use_legacy_dashboard, "false", "shown by /info; activates a new server"),
    BOOL("ZENML_SERVER_DISPLAY_ANNOUNCEMENTS", display_announcements, "true", "initial setting"),
    BOOL("ZENML_SERVER_DISPLAY_UPDATES", display_updates, "true", "initial setting"),
    BOOL("ZENML_SERVER_AUTO_ACTIVATE", auto_activate, "false", "activate a new server with the default user"),
    INT("ZENML_SERVER_THREAD_POOL_SIZE", thread_pool_size, "40", 1, 10000, "connections to the control plane"),
    TEXT("ZENML_SERVER_REPORTABLE_RESOURCES", reportable_resources, "[\"pipeline\",\"pipeline_run\",\"model\"]",
         "feature gate"),
    TEXT("ZENML_CLOUD_API_URL", cloud_api_url, NULL, "the control plane, for permissions and entitlements"),
    TEXT("ZENML_CLOUD_OAUTH2_CLIENT_ID", cloud_client_id, NULL, "and how to sign in there"),
    SECRET("ZENML_CLOUD_OAUTH2_CLIENT_SECRET", cloud_client_secret, NULL, "likewise"),
    TEXT("ZENML_CLOUD_OAUTH2_AUDIENCE", cloud_audience, NULL, "likewise"),
    TEXT("ZENML_CLOUD_AUTH0_DOMAIN", cloud_auth0_domain, NULL, "host[:port] that gives tokens for it"),
    TEXT("ZENML_DEFAULT_USER_NAME", default_user, "default", "administrator of a new server"),
    SECRET("ZENML_DEFAULT_USER_PASSWORD", default_password, "", "and the password"),
    TEXT("ZENML_DEFAULT_WORKSPACE_NAME", default_workspace, "default", "the workspace that is always there"),
    LOOSE("ZENML_DEBUG", debug, "false", "shown by /info"),
    LOOSE("ZENML_ANALYTICS_OPT_IN", analytics_opt_in, "true", "initial setting; Kanso itself sends nothing"),
    LOOSE("ZENML_LOCAL_SERVER", local_server, "false", "shown analytics setting follows the process"),
    INT("ZENML_PAGINATION_DEFAULT_LIMIT", pagination_limit, "0", 0, 1000000,
        "default and largest page size; 0 = 20 and 10000"),
    SECRETS_STORE("ZENML_SECRETS_STORE_", secrets, "sql"),
    SECRETS_STORE("ZENML_BACKUP_SECRETS_STORE_", backup_secrets, NULL),
    SECRET("VAULT_TOKEN", vault_token, NULL, "secrets stores of type hashicorp: the token, unless it is given above"),
    TEXT("GOOGLE_APPLICATION_CREDENTIALS", google_credentials, NULL,
         "secrets stores of type gcp in the older form: file with the key of a service account"),
    TEXT("ZENML_LOCAL_STORES_PATH", local_stores_path, NULL, "where local artifact stores without a path lie"),
    TEXT("ZENML_CONFIG_PATH", config_path, NULL, "else in local_stores below it; ~/.config/zenml by default"),
    TEXT("KANSO_STORE_ROOTS", store_roots, NULL,
         "directories (a:b) below which files of artifact stores are read; by default where clients keep theirs, see "
         "above"),
    TEXT("KANSO_CONNECTOR_TYPES", connector_types, NULL,
         "service connector types, such as aws, docker; not set: all of aws, gcp, azure, kubernetes, docker, hyperai"),
    TEXT("KANSO_EGRESS", egress, NULL,
         "hosts and networks that service connectors and artifact stores may call, such as *.amazonaws.com, "
         "10.1.0.0/16; not set: all but "
         "link-local ones"),
    TEXT("KANSO_CONNECTOR_ENDPOINTS", connector_endpoints, NULL,
         "other addresses of hosts that service connectors and artifact stores call, such as "
         "sts.eu-west-1.amazonaws.com=http://10.1.2.3, "
         "*.blob.core.windows.net=https://10.1.2.4/*"),
    LOOSE("ZENML_ENABLE_IMPLICIT_AUTH_METHODS", implicit_auth_methods, "false",
          "service connectors may use the credentials of the machine"),
    TEXT("KANSO_LOG_LEVEL", log_level, "info", "error, warn, info or debug"),
    TEXT("KANSO_LOG_FORMAT", log_format, "text", "text, or json: an object a line"),
    INT("KANSO_SLOW_REQUEST", slow_request, "0", 0, 86400000,
        "milliseconds after which a request is logged with its statements; 0 = never"),
    SECRET("KANSO_METRICS_TOKEN", metrics_token, NULL,
           "who shows it as a bearer token may read /metrics, at least 16 bytes"),
    TEXT("KANSO_TRUSTED_PROXIES", trusted_proxies, NULL,
         "proxies in front of nginx, whose X-Forwarded-For and X-Request-ID count"),
    INT("KANSO_MAX_BODY", max_body, "67108864", 1024, 1 << 30, "largest request body in bytes"),
    INT("KANSO_WEBHOOK_MAX_BODY", webhook_max_body, "1048576", 1024, 1 << 30,
        "largest delivery of a webhook in bytes, but not more than KANSO_MAX_BODY"),
    INT("KANSO_WORKER_MEMORY", worker_memory, "2147483648", 0, INT64_C(1) << 40,
        "largest address space of a worker in bytes; 0 = no limit"),
    BOOL("KANSO_STRICT", strict, "false",
         "sessions can be ended, private secrets are private, nobody learns which accounts there are"),
    BOOL("KANSO_DB_PIPELINING", db_pipelining, "true",
         "send two statements in one round trip; off for database proxies that do not take that"),
    INT("KANSO_JOBS", jobs, "4", 0, 64,
        "jobs that run at a time in the background on this host; 0 = none, another host does it"),
    INT("KANSO_JOBS_GRACE", jobs_grace, "20", 0, 3600,
        "seconds that jobs in hand may still take when the host is stopped"),
    INT("KANSO_JOBS_LEASE", jobs_lease, "60", 4, 3600,
        "seconds after which another host takes up the jobs of one that does not answer any more"),
    INT("KANSO_JOBS_KEEP", jobs_keep, "14", 0, 36500, "days after which jobs that have ended are deleted"),
    BOOL("KANSO_SCHEDULER", scheduler, "true", "schedules of triggers fire; off: they are stored only, as in ZenML"),
    BOOL("KANSO_AUDIT", audit, "false", "who did what is recorded in the database: docs/operations/audit.md"),
    INT("KANSO_AUDIT_DAYS", audit_days, "90", 0, 36500, "days after which the audit log forgets; 0 = never"),
    INT("KANSO_MAX_REQUESTS", max_requests, "0", 0, 1000000000, "a worker ends after so many requests; 0 = never"),
};

static void *slot(const struct entry *e)
{
    return (char *)&config + e->offset;
}

static const char *set_scheme(struct arena *a, const struct entry *e, const char *value)
{
    static const char *const names[] = {[SCHEME_NO_AUTH] = "NO_AUTH",
                                        [SCHEME_HTTP_BASIC] = "HTTP_BASIC",
                                        [SCHEME_OAUTH2_PASSWORD_BEARER] = "OAUTH2_PASSWORD_BEARER",
                                        [SCHEME_EXTERNAL] = "EXTERNAL"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (streq(names[i], value)) {
            *(enum auth_scheme *)slot(e) = (enum auth_scheme)i;
            return NULL;
        }
    return arena_printf(a, "%s is '%s'; expected %s", e->name, value, e->about);
}

static const char *set_int(struct arena *a, const struct entry *e, const char *value)
{
    int64_t n;
    if (!parse_int64(value, &n) || n < e->min || n > e->max)
        return arena_printf(a, "%s is '%s'; expected a whole number from %lld to %lld", e->name, value,
                            (long long)e->min, (long long)e->max);
    *(int64_t *)slot(e) = n;
    return NULL;
}

static const char *set_bool(struct arena *a, const struct entry *e, const char *value)
{
    int on = parse_bool_word(value, strlen(value));
    if (on < 0 && e->type == V_LOOSE_BOOL)
        on = streq(e->def, "true");
    if (on < 0)
        return arena_printf(a, "%s is '%s'; expected true or false", e->name, value);
    *(bool *)slot(e) = on;
    return NULL;
}

static const char *set(struct arena *a, const struct entry *e)
{
    const char *value = getenv(e->name);
    if (!value || !*value)
        value = e->def;
    switch (e->type) {
    case V_SECRET:
        value = settings_take(a, e->name);
        *(const char **)slot(e) = value ? value : e->def;
        return NULL;
    case V_TEXT:
        *(const char **)slot(e) = arena_strdup(a, value);
        return NULL;
    case V_INT:
        return set_int(a, e, value);
    case V_BOOL:
    case V_LOOSE_BOOL:
        return set_bool(a, e, value);
    case V_SCHEME:
        return set_scheme(a, e, value);
    }
    return NULL;
}

/* The two implementations that exist, by the names of the reference, and what they need. */
static const char *check_cloud(struct arena *a)
{
    static const char rbac[] = "zenml.zen_server.rbac.zenml_cloud_rbac.ZenMLCloudRBAC";
    static const char gate[] = "zenml.zen_server.feature_gate.zenml_cloud_feature_gate.ZenMLCloudFeatureGateInterface";
    if (config.rbac_source && !streq(config.rbac_source, rbac))
        return arena_printf(a, "ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE is '%s'; expected %s", config.rbac_source,
                            rbac);
    if (config.feature_gate_source && !streq(config.feature_gate_source, gate))
        return arena_printf(a, "ZENML_SERVER_FEATURE_GATE_IMPLEMENTATION_SOURCE is '%s'; expected %s",
                            config.feature_gate_source, gate);
    if (!config.rbac_source && !config.feature_gate_source)
        return NULL;
    if (!config.cloud_api_url || !config.cloud_client_id || !config.cloud_client_secret || !config.cloud_audience ||
        !config.cloud_auth0_domain)
        return "the control plane needs ZENML_CLOUD_API_URL, ZENML_CLOUD_OAUTH2_CLIENT_ID, "
               "ZENML_CLOUD_OAUTH2_CLIENT_SECRET, "
               "ZENML_CLOUD_OAUTH2_AUDIENCE and ZENML_CLOUD_AUTH0_DOMAIN";
    config.cloud_api_url_len = strlen(config.cloud_api_url);
    while (config.cloud_api_url_len && config.cloud_api_url[config.cloud_api_url_len - 1] == '/')
        config.cloud_api_url_len--;
    return NULL;
}

static const char *check_workload(struct arena *a)
{
    enum { MOST = 4096 };
    if (!config.workload_cpus)
        return NULL;
    char *end;
    double cpus = strtod(config.workload_cpus, &end);
    if (*end || !(cpus >= 0.001 && cpus <= MOST))
        return arena_printf(a, "KANSO_WORKLOAD_CPUS is '%s'; expected a number from 0.001 to %d", config.workload_cpus,
                            MOST);
    config.workload_millicpus = (int64_t)(cpus * 1000);
    return NULL;
}

static const char *check_connectors(struct arena *a)
{
    static const char *const names[] = {"aws", "gcp", "azure", "kubernetes", "docker", "hyperai"};
    const char *list = config.connector_types ? config.connector_types : "";
    for (list += strspn(list, ", "); *list; list += strspn(list, ", ")) {
        char *word = arena_strndup(a, list, strcspn(list, ", "));
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            known = known || streq(word, names[i]);
        if (!known)
            return arena_printf(a,
                                "KANSO_CONNECTOR_TYPES holds '%s'; expected aws, gcp, azure, kubernetes, docker or "
                                "hyperai, separated by commas",
                                word);
        list += strlen(word);
    }
    for (list = config.connector_endpoints ? config.connector_endpoints : ""; *(list += strspn(list, ", "));) {
        char *entry = arena_strndup(a, list, strcspn(list, ", ")), *url = strchr(entry, '=');
        if (!url || url == entry ||
            (!starts_with(url, "=http://") && !starts_with(url, "=https://") && !starts_with(url, "=ssh://")))
            return arena_printf(a, "KANSO_CONNECTOR_ENDPOINTS holds '%s'; expected HOST=URL, separated by commas",
                                entry);
        list += strlen(entry);
    }
    return config.egress && !egress_valid(config.egress)
               ? arena_printf(a,
                              "KANSO_EGRESS is '%s'; expected host names (*.example.org for those below one), "
                              "addresses and networks, separated by commas",
                              config.egress)
               : NULL;
}

static const char *check_together(struct arena *a)
{
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        known = known || streq(config.jwt_algorithm, algorithms[i]);
    if (!known)
        return arena_printf(a, "ZENML_SERVER_JWT_TOKEN_ALGORITHM is '%s'; expected HS256, HS384 or HS512",
                            config.jwt_algorithm);
    if (config.jwt_secret_key && strlen(config.jwt_secret_key) < JWT_KEY_MIN)
        return arena_printf(
            a,
            "ZENML_SERVER_JWT_SECRET_KEY has %zu bytes; at least %d are needed, since who guesses it is "
            "administrator. Make one with `openssl rand -hex 32` (those who are signed in sign in again)",
            strlen(config.jwt_secret_key), JWT_KEY_MIN);
    if (config.auth_scheme == SCHEME_EXTERNAL && (!config.external_login_url || !config.external_user_info_url))
        return "ZENML_SERVER_EXTERNAL_LOGIN_URL and ZENML_SERVER_EXTERNAL_USER_INFO_URL are needed with the scheme "
               "EXTERNAL";
    if (!streq(config.log_format, "text") && !streq(config.log_format, "json"))
        return arena_printf(a, "KANSO_LOG_FORMAT is '%s'; expected text or json", config.log_format);
    if (config.metrics_token && strlen(config.metrics_token) < METRICS_TOKEN_MIN)
        return arena_printf(a, "KANSO_METRICS_TOKEN has %zu bytes; at least %d are needed: openssl rand -hex 16",
                            strlen(config.metrics_token), METRICS_TOKEN_MIN);
    if (config.trusted_proxies && !address_list_valid(config.trusted_proxies))
        return arena_printf(
            a, "KANSO_TRUSTED_PROXIES is '%s'; expected addresses or networks such as 10.0.0.0/8, separated by commas",
            config.trusted_proxies);
    const char *problem = check_connectors(a);
    if (!problem)
        problem = check_cloud(a);
    if (!problem)
        problem = check_workload(a);
    if (problem)
        return problem;
    size_t len = strlen(config.root_url_path);
    if (len && (config.root_url_path[0] != '/' || config.root_url_path[len - 1] == '/'))
        return arena_printf(a, "ZENML_SERVER_ROOT_URL_PATH is '%s'; expected a path such as /zenml",
                            config.root_url_path);
    return NULL;
}

const char *config_load(struct arena *a)
{
    const char *problem = NULL;
    for (size_t i = 0; i < ARRAY_LEN(ENTRIES) && !problem; i++)
        problem = set(a, &ENTRIES[i]);
    return problem ? problem : check_together(a);
}

bool config_variable(size_t i, struct config_variable *out)
{
    if (i >= ARRAY_LEN(ENTRIES))
        return false;
    const struct entry *e = &ENTRIES[i];
    *out = (struct config_variable){e->name, e->def, e->about, e->type == V_SECRET};
    return true;
}

void config_print(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ENTRIES); i++)
        printf("  %-52s %s [%s]\n", ENTRIES[i].name, ENTRIES[i].about, ENTRIES[i].def ? ENTRIES[i].def : "not set");
}
