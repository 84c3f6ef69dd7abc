/* Microsoft Azure: blob containers, AKS clusters, ACR registries (docs/contract/connectors.md#azure). */
#include "base/kubeconfig.h"
#include "base/text.h"
#include "connector/credentials.h"
#include "connector/machine.h"
#include "connector/provider.h"

#include <string.h>

#define MANAGEMENT "management.azure.com"
#define STORAGE    "storage.azure.com"

/* Versions of the APIs that are called. */
#define V_SUBSCRIPTIONS "2022-12-01"
#define V_STORAGE       "2023-01-01"
#define V_REGISTRIES    "2023-07-01"
#define V_CLUSTERS      "2024-02-01"
#define V_BLOBS         "x-ms-version: 2021-08-06"

enum { TOKEN_SECONDS = 3600 };

/* Names ----------------------------------------------------------------------------------------------------------- */

static const char *container_of(struct arena *a, const char *id)
{
    static const char *const schemes[] = {"az://", "abfs://", NULL};
    const char *name = behind(id, schemes);
    size_t len = span_name(name, false, "-");
    if (len < 3 || len > 63 || *name == '-' || name[len - 1] == '-' || (name[len] && (name[len] != '/' || name == id)))
        return NULL;
    const char *out = arena_strndup(a, name, len);
    return strstr(out, "--") ? NULL : out;
}

static const char *registry_of(struct arena *a, const char *id)
{
    static const char tail[] = ".azurecr.io";
    static const char *const schemes[] = {"https://", "http://", NULL};
    const char *name = behind(id, schemes), *rest;
    size_t len = span_name(name, true, "");
    rest = name + len;
    bool host = starts_with(rest, tail);
    if (host)
        rest += strlen(tail);
    if (!len || (!host && name != id) || (*rest && (!host || *rest != '/' || !rest[1])))
        return NULL;
    return arena_strndup(a, name, len);
}

/* A cluster, and the group that it is in: the one that the id names, else the configured one, else NULL. */
struct cluster {
    const char *group, *name;
};

static bool read_cluster(const struct connection *con, const char *id, struct cluster *out)
{
    const char *slash = strchr(id, '/'), *configured = setting(con, "resource_group");
    out->name = slash ? slash + 1 : id;
    out->group = slash ? arena_strndup(con->mem, id, (size_t)(slash - id)) : configured;
    size_t len = span_name(out->name, true, "_-");
    bool good = len >= 2 && !out->name[len] && !strchr("_-", *out->name) && !strchr("_-", out->name[len - 1]);
    if (slash)
        good = good && *out->group && !out->group[span_name(out->group, true, "_.()-")];
    return good && (!configured || streq(configured, out->group));
}

static const char *cluster_id(struct arena *a, const struct cluster *c)
{
    return c->group ? arena_printf(a, "%s/%s", c->group, c->name) : c->name;
}

static const char *canonical_id(struct connection *con, const struct connector_resource *r, const char *id)
{
    struct cluster cluster;
    const char *name;
    if (is_resource(r, "blob-container")) {
        name = container_of(con->mem, id);
        return name ? arena_printf(con->mem, "az://%s", name) : NULL;
    }
    if (is_resource(r, "docker-registry")) {
        name = registry_of(con->mem, id);
        return name ? arena_printf(con->mem, "%s.azurecr.io", name) : NULL;
    }
    if (is_resource(r, "kubernetes-cluster"))
        return read_cluster(con, id, &cluster) ? cluster_id(con->mem, &cluster) : NULL;
    return id;
}

/* Tokens ---------------------------------------------------------------------------------------------------------- */

/* What a connection has found out. */
struct session {
    const char *token, *storage_token;
    const char *subscription, *subscription_name;
};

static struct session *session(struct connection *con)
{
    if (!con->state)
        con->state = arena_alloc(con->mem, sizeof(struct session));
    return con->state;
}

static const char *own_token(struct connection *con, const char *audience, const char **token)
{
    const char *problem = connection_implicit(con);
    return problem ? problem : machine_azure_token(con, audience, token);
}

static const char *get_token(struct connection *con, const char *audience, const char **token)
{
    const char *problem;
    if (*token)
        return NULL;
    if (con->method->implicit)
        problem = own_token(con, audience, token);
    else if (streq(con->method->name, "service-principal"))
        problem = azure_client_token(con, setting(con, "tenant_id"), setting(con, "client_id"),
                                     setting(con, "client_secret"), NULL, audience, token);
    else if (con->expires_at)
        return *token = setting(con, "token"), *token ? NULL : "the access token is empty";
    else
        return "an access token needs expires_at, the time until when it is good";
    return problem ? arena_printf(con->mem, "failed to authenticate with Azure: %s", problem) : NULL;
}

const char *azure_token(struct connection *con, const char *audience, const char **token)
{
    *token = NULL;
    return get_token(con, audience, token);
}

/* Azure Resource Manager ------------------------------------------------------------------------------------------ */

static const char *ask(struct connection *con, const char *method, const char *path, struct json_object **out)
{
    struct session *s = session(con);
    const char *problem = get_token(con, MANAGEMENT, &s->token);
    *out = NULL;
    if (problem)
        return problem;
    const struct call c = {
        .method = method,
        .url = arena_printf(con->mem, "%s%s", call_base(con->mem, MANAGEMENT), path),
        .headers = call_bearer(con->mem, s->token, NULL),
    };
    return call_json(con, &c, out);
}

/* All items of a list, page by page, in one JSON array. */
static const char *ask_list(struct connection *con, const char *path, struct json_object **list)
{
    static const char secure[] = "https://" MANAGEMENT;
    *list = json_keep(con->mem, json_object_new_array());
    for (int page = 0; page < PAGES_MAX && path; page++) {
        struct json_object *o;
        const char *problem = ask(con, "GET", path, &o), *next;
        if (problem)
            return problem;
        struct json_object *items = member_list(con->mem, o, "value");
        for (size_t i = 0; i < json_object_array_length(items); i++)
            json_object_array_add(*list, json_object_get(json_object_array_get_idx(items, i)));
        next = member_str(o, "nextLink"); /* the token goes nowhere else */
        path = next && starts_with(next, secure) ? next + strlen(secure) : NULL;
    }
    return NULL;
}

static const char *only_subscription(struct connection *con, struct json_object **out)
{
    struct json_object *list = NULL;
    const char *problem = ask_list(con, "/subscriptions?api-version=" V_SUBSCRIPTIONS, &list);
    if (problem)
        return problem;
    if (json_object_array_length(list) != 1)
        return json_object_array_length(list) ? "the credentials open several subscriptions: configure the "
                                                "subscription_id"
                                              : "the credentials open no subscription";
    *out = json_object_array_get_idx(list, 0);
    return NULL;
}

static const char *find_subscription(struct connection *con)
{
    struct session *s = session(con);
    struct json_object *o = NULL;
    const char *id = setting(con, "subscription_id"), *problem;
    if (s->subscription)
        return NULL;
    problem = id ? ask(con, "GET", arena_printf(con->mem, "/subscriptions/%s?api-version=" V_SUBSCRIPTIONS, id), &o)
                 : only_subscription(con, &o);
    if (problem)
        return arena_printf(con->mem, "failed to fetch the Azure subscription: %s", problem);
    s->subscription_name = member_str(o, "displayName");
    s->subscription = member_str(o, "subscriptionId");
    return s->subscription && s->subscription_name ? NULL
                                                   : "failed to fetch the Azure subscription: the answer names none";
}

static const char *default_id(struct connection *con, const struct connector_resource *r, const char **refusal)
{
    (void)r;
    *refusal = find_subscription(con);
    return *refusal ? NULL : session(con)->subscription_name;
}

/* The group in /subscriptions/S/resourceGroups/GROUP/...; "" when it is none. */
static const char *group_of(struct arena *a, struct json_object *item)
{
    const char *id = member_str(item, "id");
    for (int i = 0; id && i < 3; i++)
        id = strchr(id + 1, '/');
    return id ? arena_strndup(a, id + 1, strcspn(id + 1, "/")) : "";
}

/* What a resource provider manages, in the configured group when there is one. Nothing is a problem. */
static const char *list_managed(struct connection *con, const char *kind, const char *version, const char *what,
                                struct json_object **out)
{
    const char *group = setting(con, "resource_group"), *problem = find_subscription(con);
    struct json_object *all = NULL;
    *out = NULL;
    if (problem)
        return problem;
    problem = ask_list(con,
                       arena_printf(con->mem, "/subscriptions/%s/providers/%s?api-version=%s",
                                    session(con)->subscription, kind, version),
                       &all);
    if (problem)
        return arena_printf(con->mem, "failed to list %s: %s", what, problem);
    *out = json_keep(con->mem, json_object_new_array());
    for (size_t i = 0; i < json_object_array_length(all); i++) {
        struct json_object *item = json_object_array_get_idx(all, i);
        if (member_str(item, "name") && (!group || streq(group, group_of(con->mem, item))))
            json_object_array_add(*out, json_object_get(item));
    }
    if (json_object_array_length(*out))
        return NULL;
    return group ? arena_printf(con->mem, "no %s were found in the resource group '%s'", what, group)
                 : arena_printf(con->mem, "no %s were found", what);
}

/* The path of one managed resource. */
static const char *managed(struct connection *con, const char *group, const char *kind, const char *name,
                           const char *tail, const char *version)
{
    return arena_printf(con->mem, "/subscriptions/%s/resourceGroups/%s/providers/%s/%s%s?api-version=%s",
                        session(con)->subscription, group, kind, name, tail, version);
}

/* Containers ------------------------------------------------------------------------------------------------------ */

/* The names of an account's containers. */
static const char *account_containers(struct connection *con, const char *account, struct texts *names)
{
    struct session *s = session(con);
    const char *problem = get_token(con, STORAGE, &s->storage_token), *marker = "";
    const char *base = call_base(con->mem, arena_printf(con->mem, "%s.blob.core.windows.net", account));
    for (int page = 0; page < PAGES_MAX && !problem && marker; page++) {
        const char *url = arena_printf(con->mem, "%s/?comp=list", base);
        const struct call c = {.method = "GET",
                               .url = *marker ? query_append(con->mem, url, "marker", marker) : url,
                               .headers = call_bearer(con->mem, s->storage_token, V_BLOBS)};
        struct fetched got = call_send(con, &c);
        const char *at = got.body, *container;
        problem = call_problem(con, &got);
        while (!problem && (container = xml_next(con->mem, &at, "Container"))) {
            const char *name = xml_first(con->mem, container, "Name");
            if (name)
                texts_add(names, name);
        }
        marker = xml_next(con->mem, &at, "NextMarker");
        marker = marker && *marker ? marker : NULL;
    }
    return problem ? arena_printf(con->mem, "failed to list the containers of the storage account '%s': %s", account,
                                  problem)
                   : NULL;
}

static const char *accounts(struct connection *con, struct texts *out)
{
    const char *configured = setting(con, "storage_account");
    struct json_object *list = NULL;
    if (configured) {
        texts_add(out, configured);
        return find_subscription(con);
    }
    const char *problem = list_managed(con, "Microsoft.Storage/storageAccounts", V_STORAGE, "storage accounts", &list);
    for (size_t i = 0; !problem && i < json_object_array_length(list); i++)
        texts_add(out, member_str(json_object_array_get_idx(list, i), "name"));
    return problem;
}

/* Tokens that somebody has made are for Azure's management alone. */
static const char *closed_to_blobs(const struct connection *con)
{
    return streq(con->method->name, "access-token") ? "the method 'access-token' does not open blob containers" : NULL;
}

/* Adds the containers of the accounts, or the one that is wanted (NULL: all). *account is the last one that was looked
 * into: with `wanted`, where that is. */
static const char *containers(struct connection *con, const char *wanted, struct texts *ids, const char **account)
{
    struct texts of = {.mem = con->mem};
    const char *problem = closed_to_blobs(con);
    if (!problem)
        problem = accounts(con, &of);
    for (size_t i = 0; i < of.count && !problem && !(wanted && ids->count); i++) {
        struct texts names = {.mem = con->mem};
        *account = of.at[i];
        problem = account_containers(con, of.at[i], &names);
        for (size_t k = 0; k < names.count && !problem; k++)
            if (!wanted || streq(wanted, names.at[k]))
                texts_add(ids, arena_printf(con->mem, "az://%s", names.at[k]));
    }
    if (problem || ids->count)
        return problem;
    return wanted ? arena_printf(con->mem, "the container '%s' was not found in the storage accounts", wanted)
                  : "no blob containers were found in the storage accounts";
}

/* Registries ------------------------------------------------------------------------------------------------------ */

#define REGISTRIES "Microsoft.ContainerRegistry/registries"

/* The registries, or the one that is wanted, as {name, id} of Azure. */
static const char *find_registries(struct connection *con, const char *wanted, struct json_object **out)
{
    const char *group = setting(con, "resource_group"), *problem = find_subscription(con);
    struct json_object *one, *all = NULL;
    *out = json_keep(con->mem, json_object_new_array());
    if (problem)
        return problem;
    if (wanted && group) {
        problem = ask(con, "GET", managed(con, group, REGISTRIES, wanted, "", V_REGISTRIES), &one);
        if (problem)
            return arena_printf(con->mem, "failed to fetch the container registry '%s': %s", wanted, problem);
        json_object_array_add(*out, json_object_get(one));
        return NULL;
    }
    problem = list_managed(con, REGISTRIES, V_REGISTRIES, "container registries", &all);
    for (size_t i = 0; !problem && i < json_object_array_length(all); i++) {
        struct json_object *item = json_object_array_get_idx(all, i);
        if (!wanted || streq(wanted, member_str(item, "name")))
            json_object_array_add(*out, json_object_get(item));
    }
    if (problem || json_object_array_length(*out))
        return problem;
    return arena_printf(con->mem, "the container registry '%s' was not found", wanted);
}

static const char *registries(struct connection *con, const char *id, struct texts *ids)
{
    struct json_object *list = NULL;
    const char *problem = find_registries(con, id ? registry_of(con->mem, id) : NULL, &list);
    for (size_t i = 0; !problem && i < json_object_array_length(list); i++) {
        const char *name = member_str(json_object_array_get_idx(list, i), "name");
        if (name)
            texts_add(ids, arena_printf(con->mem, "%s.azurecr.io", name));
    }
    return problem;
}

/* Clusters -------------------------------------------------------------------------------------------------------- */

#define CLUSTERS "Microsoft.ContainerService/managedClusters"

static const char *add_cluster(struct connection *con, const struct cluster *wanted, struct json_object *item,
                               struct cluster *found, struct texts *ids)
{
    struct cluster c = {.group = group_of(con->mem, item), .name = member_str(item, "name")};
    if (wanted && !streq(wanted->name, c.name))
        return NULL;
    if (wanted && ids->count)
        return arena_printf(con->mem, "the AKS cluster '%s' is in several resource groups: name it as GROUP/%s", c.name,
                            c.name);
    *found = c;
    texts_add(ids, cluster_id(con->mem, &c));
    return NULL;
}

/* The clusters, or the one that is wanted; *found is the last of them. */
static const char *find_clusters(struct connection *con, const struct cluster *wanted, struct cluster *found,
                                 struct texts *ids)
{
    struct json_object *o;
    const char *problem = find_subscription(con);
    if (problem)
        return problem;
    if (wanted && wanted->group) {
        problem = ask(con, "GET", managed(con, wanted->group, CLUSTERS, wanted->name, "", V_CLUSTERS), &o);
        if (problem)
            return arena_printf(con->mem, "failed to fetch the AKS cluster '%s': %s", wanted->name, problem);
        *found = *wanted;
        texts_add(ids, cluster_id(con->mem, found));
        return NULL;
    }
    problem = list_managed(con, CLUSTERS, V_CLUSTERS, "AKS clusters", &o);
    for (size_t i = 0; !problem && i < json_object_array_length(o); i++)
        problem = add_cluster(con, wanted, json_object_array_get_idx(o, i), found, ids);
    if (problem || ids->count)
        return problem;
    return arena_printf(con->mem, "the AKS cluster '%s' was not found", wanted ? wanted->name : "");
}

static const char *clusters(struct connection *con, const char *id, struct texts *ids)
{
    struct cluster wanted, found;
    if (id && !read_cluster(con, id, &wanted))
        return "the AKS cluster lies outside of the resource group";
    return find_clusters(con, id ? &wanted : NULL, &found, ids);
}

static const char *verify(struct connection *con, const struct connector_resource *r, const char *id, struct texts *ids)
{
    const char *account;
    if (!r)
        return find_subscription(con);
    if (is_resource(r, "blob-container"))
        return containers(con, id ? container_of(con->mem, id) : NULL, ids, &account);
    if (is_resource(r, "docker-registry"))
        return registries(con, id, ids);
    if (is_resource(r, "kubernetes-cluster"))
        return clusters(con, id, ids);
    texts_add(ids, id);
    return NULL;
}

/* Clients -------------------------------------------------------------------------------------------------------- */

/* The registry's own administrator, where it has one. */
static const char *admin_login(struct connection *con, const char *name, struct json_object *config_of)
{
    struct json_object *list, *o;
    const char *problem = find_registries(con, name, &list);
    if (problem)
        return problem;
    const char *configured = setting(con, "resource_group");
    const char *group = configured ? configured : group_of(con->mem, json_object_array_get_idx(list, 0));
    problem = ask(con, "POST", managed(con, group, REGISTRIES, name, "/listCredentials", V_REGISTRIES), &o);
    if (problem)
        return arena_printf(con->mem, "failed to get the administrator's credentials of the registry '%s': %s", name,
                            problem);
    const char *password = member_str(json_object_array_get_idx(member_list(con->mem, o, "passwords"), 0), "value");
    set_text(config_of, "username", member_str(o, "username"));
    set_text(config_of, "password", password);
    return password ? NULL : arena_printf(con->mem, "the registry '%s' has no administrator", name);
}

static const char *registry_client(struct connection *con, const char *id, struct connection *out)
{
    struct json_object *config_of = json_keep(con->mem, json_object_new_object());
    const char *name = registry_of(con->mem, id), *problem = NULL;
    if (streq(con->method->name, "service-principal")) {
        set_text(config_of, "username", setting(con, "client_id"));
        set_text(config_of, "password", setting(con, "client_secret"));
    } else {
        problem = admin_login(con, name, config_of);
    }
    set_text(config_of, "registry", arena_printf(con->mem, "%s.azurecr.io", name));
    connection_renew(out, &connector_docker, "password", config_of,
                     streq(con->method->name, "access-token") ? con->expires_at : 0);
    return problem;
}

static void set_base64(struct json_object *o, const char *name, const char *pem, struct arena *a)
{
    set_text(o, name, pem ? base64_encode(a, pem, strlen(pem)) : NULL);
}

static const char *cluster_client(struct connection *con, const char *id, struct connection *out)
{
    struct kubeconfig kube;
    struct cluster wanted = {0}, found = {0};
    struct texts ids = {.mem = con->mem};
    struct json_object *o, *config_of = json_keep(con->mem, json_object_new_object());
    const char *problem = read_cluster(con, id, &wanted) ? find_clusters(con, &wanted, &found, &ids)
                                                         : "the AKS cluster lies outside of the resource group";
    if (problem)
        return problem;
    problem = ask(con, "POST",
                  managed(con, found.group, CLUSTERS, found.name, "/listClusterAdminCredential", V_CLUSTERS), &o);
    if (problem)
        return arena_printf(con->mem, "failed to get the credentials of the AKS cluster '%s': %s", found.name, problem);
    const char *value = member_str(json_object_array_get_idx(member_list(con->mem, o, "kubeconfigs"), 0), "value");
    const char *text = value ? base64_any(con->mem, value) : NULL;
    if (!text)
        return arena_printf(con->mem, "the AKS cluster '%s' gives no kubeconfig", found.name);
    problem = kubeconfig_read(con->mem, text, NULL, &kube);
    if (problem)
        return arena_printf(con->mem, "failed to use the credentials of the AKS cluster '%s': %s", found.name, problem);
    set_text(config_of, "server", kube.server);
    set_text(config_of, "cluster_name", kube.cluster);
    set_text(config_of, "token", kube.token);
    set_base64(config_of, "certificate_authority", kube.authorities, con->mem);
    set_base64(config_of, "client_certificate", kube.certificate, con->mem);
    set_base64(config_of, "client_key", kube.key, con->mem);
    connection_renew(out, &connector_kubernetes, "token", config_of,
                     streq(con->method->name, "access-token") ? con->expires_at : 0);
    return NULL;
}

static const char *client(struct connection *con, const struct connector_resource *r, const char *id,
                          struct connection *out)
{
    if (is_resource(r, "docker-registry"))
        return registry_client(con, id, out);
    if (is_resource(r, "kubernetes-cluster"))
        return cluster_client(con, id, out);
    if (con->resource != r || !streq(con->resource_id, id))
        connection_renew(out, con->type, con->auth_method, con->config, con->expires_at);
    return NULL;
}

/* Stores ---------------------------------------------------------------------------------------------------------- */

const char *azure_storage_token(struct connection *con, const char **token)
{
    struct session *s = session(con);
    const char *problem = closed_to_blobs(con);
    if (!problem)
        problem = get_token(con, STORAGE, &s->storage_token);
    *token = s->storage_token;
    return problem;
}

const char *azure_storage_account(struct connection *con, const char *id, const char **account)
{
    struct texts found = {.mem = con->mem};
    const char *problem = closed_to_blobs(con);
    *account = setting(con, "storage_account");
    return *account || problem ? problem : containers(con, container_of(con->mem, id), &found, account);
}

/* The type ------------------------------------------------------------------------------------------------------- */

#define SUBSCRIPTION                                                                                                   \
    {                                                                                                                  \
        "subscription_id", "ID of the subscription", "Needed when the credentials open several.", A_UUID, 0            \
    }
#define TENANT(flags)                                                                                                  \
    {                                                                                                                  \
        "tenant_id", "ID of the tenant", "The directory that the identity is in.", A_UUID, flags                       \
    }
#define PLACES                                                                                                         \
    {"resource_group", "Resource group", "Limits what is listed to this group.", A_TEXT, 0},                           \
    {                                                                                                                  \
        "storage_account", "Storage account", "Limits blob containers to this account.", A_TEXT, 0                     \
    }

static const struct connector_attribute base_attributes[] = {SUBSCRIPTION, TENANT(0), PLACES};
static const struct connector_config config_implicit =
    CONFIG("AzureBaseConfig", "The server's own identity.", base_attributes);

static const struct connector_attribute principal_attributes[] = {
    {"client_secret", "Secret of the service principal", "A client secret of its application.", A_TEXT,
     A_SECRET | A_REQUIRED},
    SUBSCRIPTION,
    TENANT(A_REQUIRED),
    PLACES,
    {"client_id", "ID of the service principal", "The application's client ID.", A_UUID, A_REQUIRED},
};
static const struct connector_config config_principal =
    CONFIG("AzureServicePrincipalConfig", "A service principal and its secret.", principal_attributes);

static const struct connector_attribute token_attributes[] = {
    {"token", "Access token", "For Azure Resource Manager; expires_at says until when it is good.", A_TEXT,
     A_SECRET | A_REQUIRED},
    SUBSCRIPTION,
    TENANT(0),
    PLACES,
};
static const struct connector_config config_token =
    CONFIG("AzureAccessTokenConfig", "A temporary token.", token_attributes);

static const struct connector_method methods[] = {
    {
        .name = "implicit",
        .label = "Azure Implicit Authentication",
        .description = "Use the managed identity of the machine that this server runs on. Off unless an administrator "
                       "has allowed implicit methods.",
        .config = &config_implicit,
        .implicit = true,
    },
    {
        .name = "service-principal",
        .label = "Azure Service Principal",
        .description = "Use a service principal with a client secret.",
        .config = &config_principal,
    },
    {
        .name = "access-token",
        .label = "Azure Access Token",
        .description = "Use a token that somebody has made. It has to be renewed by hand, and does not open blob "
                       "containers.",
        .config = &config_token,
        .default_expiration = TOKEN_SECONDS,
    },
};

static const struct connector_resource resources[] = {
    {
        .name = "azure-generic",
        .label = "Generic Azure resource",
        .description = "Any service of Azure, with credentials for the subscription, whose name is the resource's.",
        .logo_url = LOGO("connectors/azure/azure.png"),
        .emoji = ":regional_indicator_a: ",
    },
    {
        .name = "blob-container",
        .label = "Azure Blob Storage Container",
        .description = "A blob container, named az://container, abfs://container or container. Needs the role Storage "
                       "Blob Data Contributor, and Reader to find storage accounts.",
        .logo_url = LOGO("artifact_store/azure.png"),
        .emoji = ":package:",
        .instances = true,
    },
    {
        .name = "kubernetes-cluster",
        .label = "AKS Kubernetes cluster",
        .description = "A cluster of AKS, named GROUP/CLUSTER or CLUSTER. Needs to list clusters and their "
                       "administrator's credentials.",
        .logo_url = LOGO("orchestrator/kubernetes.png"),
        .emoji = ":cyclone:",
        .instances = true,
    },
    {
        .name = "docker-registry",
        .label = "ACR container registry",
        .description = "A registry of ACR, named NAME.azurecr.io or NAME. Needs the roles AcrPull and AcrPush, or an "
                       "administrator's account in the registry.",
        .logo_url = LOGO("container_registry/docker.png"),
        .emoji = ":whale:",
        .instances = true,
    },
};

const struct connector_type connector_azure = {
    .name = "azure",
    .label = "Azure Service Connector",
    .description = "Gives stack components access to Microsoft Azure: blob containers, clusters of AKS, registries of "
                   "ACR, and any other service.",
    .logo_url = LOGO("connectors/azure/azure.png"),
    .emoji = ":regional_indicator_a: ",
    .auto_configuration = true,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
    .resources = resources,
    .resource_count = ARRAY_LEN(resources),
    .canonical_id = canonical_id,
    .default_id = default_id,
    .verify = verify,
    .client = client,
};
