/* Kubernetes clusters of any make: a token or a client's certificate. */
#include "base/text.h"
#include "connector/call.h"

#include <string.h>

/* The id ---------------------------------------------------------------------------------------------------------- */

static const char *canonical_id(struct connection *con, const struct connector_resource *r, const char *id)
{
    (void)con;
    (void)r;
    return id;
}

static const char *default_id(struct connection *con, const struct connector_resource *r, const char **refusal)
{
    (void)r;
    (void)refusal;
    return member_str(con->config, "cluster_name");
}

/* Verifying ------------------------------------------------------------------------------------------------------ */

/* The PEM text of an attribute that is given in base64; NULL where it is not given. False when it is no base64. */
static bool pem(const struct connection *con, const char *name, const char **out)
{
    const char *given = member_str(con->config, name);
    *out = given && *given ? base64_any(con->mem, given) : NULL;
    return !given || !*given || *out;
}

static const char *verify(struct connection *con, const struct connector_resource *r, const char *id, struct texts *ids)
{
    struct fetch_tls tls = {0};
    const char *server = member_str(con->config, "server"), *token = member_str(con->config, "token");
    (void)r;
    if (!pem(con, "certificate_authority", &tls.authorities) || !pem(con, "client_certificate", &tls.certificate) ||
        !pem(con, "client_key", &tls.key))
        return "the certificates and the key of a Kubernetes cluster are to be given in base64";
    size_t len = strlen(server);
    while (len && server[len - 1] == '/')
        len--;
    const struct call version = {
        .method = "GET",
        .url = arena_printf(con->mem, "%.*s/version", (int)len, server),
        .headers = token && *token ? call_bearer(con->mem, token, NULL) : NULL,
        .tls = &tls,
    };
    struct fetched got = call_send(con, &version);
    const char *problem = call_problem(con, &got);
    if (problem)
        return arena_printf(con->mem, "failed to verify Kubernetes cluster access: %s", problem);
    if (id)
        texts_add(ids, id);
    return NULL;
}

/* The type ------------------------------------------------------------------------------------------------------- */

#define CLUSTER                                                                                                        \
    {"certificate_authority", "Certificate of the cluster's authority (base64)", NULL, A_TEXT, A_SECRET},              \
        {"server", "URL of the cluster's API server", NULL, A_TEXT, A_REQUIRED},                                       \
        {"insecure", "Clients do not check the server's certificate", NULL, A_FLAG, 0},                                \
    {                                                                                                                  \
        "cluster_name", "Name of the cluster in the kubeconfig", NULL, A_TEXT, A_REQUIRED                              \
    }

static const struct connector_attribute password_attributes[] = {
    {"username", "Username", NULL, A_TEXT, A_SECRET | A_REQUIRED},
    {"password", "Password", NULL, A_TEXT, A_SECRET | A_REQUIRED},
    CLUSTER,
};
static const struct connector_config config_password =
    CONFIG("KubernetesUserPasswordConfig", "A cluster, and a user's name and password.", password_attributes);

static const struct connector_attribute token_attributes[] = {
    {"client_certificate", "Client certificate (base64)", NULL, A_TEXT, A_SECRET},
    {"client_key", "Key of the client certificate (base64)", NULL, A_TEXT, A_SECRET},
    {"token", "API token", NULL, A_TEXT, A_SECRET},
    CLUSTER,
};
static const struct connector_config config_token =
    CONFIG("KubernetesTokenConfig", "A cluster, and a token or a client's certificate.", token_attributes);

static const struct connector_method methods[] = {
    {
        .name = "password",
        .label = "Kubernetes Username and Password",
        .description = "Sign in to the cluster with a user name and a password. Few clusters still take them.",
        .config = &config_password,
    },
    {
        .name = "token",
        .label = "Kubernetes Token",
        .description = "Sign in to the cluster with an API token, a client certificate, or both.",
        .config = &config_token,
    },
};

static const struct connector_resource resources[] = {
    {
        .name = "kubernetes-cluster",
        .label = "Kubernetes cluster",
        .description = "The one cluster that the connector is about, by the name under which it is configured.",
        .logo_url = LOGO("orchestrator/kubernetes.png"),
        .emoji = ":cyclone:",
    },
};

const struct connector_type connector_kubernetes = {
    .name = "kubernetes",
    .label = "Kubernetes Service Connector",
    .description = "Gives stack components a Kubernetes client for one cluster, wherever that runs.",
    .logo_url = LOGO("orchestrator/kubernetes.png"),
    .emoji = ":cyclone:",
    .auto_configuration = true,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
    .resources = resources,
    .resource_count = ARRAY_LEN(resources),
    .canonical_id = canonical_id,
    .default_id = default_id,
    .verify = verify,
};
