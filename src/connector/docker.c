/* Docker and OCI registries: a user name and a password or token. */
#include "base/log.h"
#include "base/text.h"
#include "connector/call.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HUB "docker.io"

enum { DAEMON_MS = 30000 };

/* Names ---------------------------------------------------------------------------------------------------------- */

static size_t span_host(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '-')
        n++;
    return n;
}

/* The host[:port] of [http[s]://]host[.host...][:port][/anything], with the hub under one name; NULL for other text. */
static const char *registry_of(struct arena *a, const char *id)
{
    const char *from = starts_with(id, "https://") ? id + 8 : starts_with(id, "http://") ? id + 7 : id, *p = from;
    size_t n;
    do {
        n = span_host(p);
        p += n;
    } while (n && *p == '.' && p++);
    if (!n)
        return NULL;
    if (*p == ':') {
        n = strspn(p + 1, "0123456789");
        p += n + 1;
        if (!n)
            return NULL;
    }
    if (*p && (*p != '/' || !p[1]))
        return NULL;
    const char *host = arena_strndup(a, from, (size_t)(p - from));
    return streq(host, "index." HUB) ? HUB : host;
}

static const char *canonical_id(struct connection *con, const struct connector_resource *r, const char *id)
{
    (void)r;
    return registry_of(con->mem, id);
}

static const char *default_id(struct connection *con, const struct connector_resource *r, const char **refusal)
{
    (void)r;
    (void)refusal;
    const char *configured = member_str(con->config, "registry");
    return registry_of(con->mem, configured && *configured ? configured : HUB);
}

/* Verifying ------------------------------------------------------------------------------------------------------ */

/* The daemon's endpoint, as DOCKER_HOST says or the usual socket. False when there is none. */
static bool find_daemon(struct arena *a, struct fetch *f)
{
    const char *host = getenv("DOCKER_HOST");
    if (!host || !*host)
        host = "unix:///var/run/docker.sock";
    if (starts_with(host, "unix://")) {
        f->socket = host + 7;
        f->url = "http://docker/auth";
        return access(f->socket, R_OK | W_OK) == 0;
    }
    f->url = arena_printf(a, "http://%s/auth", starts_with(host, "tcp://") ? host + 6 : host);
    return starts_with(host, "tcp://");
}

static const char *login_body(const struct connection *con, const char *registry)
{
    struct json_object *o = json_keep(con->mem, json_object_new_object());
    json_object_object_add(o, "username", json_object_get(member(con->config, "username")));
    json_object_object_add(o, "password", json_object_get(member(con->config, "password")));
    if (!streq(registry, HUB))
        json_object_object_add(o, "serveraddress", json_object_new_string(registry));
    return json_text(con->mem, o, false);
}

/* Asks the daemon to sign in. Returns whether there is one that answers. */
static bool ask_daemon(const struct connection *con, const char *registry, const char **problem)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct fetch f = {.method = "POST", .headers = headers, .body = login_body(con, registry), .timeout_ms = DAEMON_MS};
    if (!find_daemon(con->mem, &f))
        return false;
    struct fetched got = fetch(con->mem, &f);
    if (!got.connected)
        return false;
    *problem = call_problem(con, &got);
    return true;
}

/* A registry on this machine is taken to speak HTTP, as Docker does. */
static const char *registry_url(struct arena *a, const char *registry)
{
    bool here = starts_with(registry, "localhost:") || starts_with(registry, "127.");
    return here ? arena_printf(a, "http://%s", registry) : call_base(a, registry);
}

static const char *basic(const struct connection *con)
{
    const char *pair =
        arena_printf(con->mem, "%s:%s", member_str(con->config, "username"), member_str(con->config, "password"));
    return arena_printf(con->mem, "Authorization: Basic %s", base64_encode(con->mem, pair, strlen(pair)));
}

/* The value of NAME="value" in a challenge; "" when it is not there. */
static const char *challenge_part(struct arena *a, const char *challenge, const char *name)
{
    const char *found = strcasestr(challenge, arena_printf(a, "%s=\"", name));
    found = found ? strchr(found, '"') + 1 : "";
    return arena_strndup(a, found, strcspn(found, "\""));
}

/* Signs in as the registry asks for it: with a token of its token server, or directly. */
static const char *sign_in(const struct connection *con, const char *url, const char *challenge)
{
    const char *const headers[] = {basic(con), NULL};
    const char *to = url;
    if (strncasecmp(challenge, "Bearer ", 7) == 0) {
        const char *realm = challenge_part(con->mem, challenge, "realm");
        to = arena_printf(con->mem, "%s%s", realm, strchr(realm, '?') ? "" : "?");
        to = query_append(con->mem, to, "service", challenge_part(con->mem, challenge, "service"));
        to = query_append(con->mem, to, "account", member_str(con->config, "username"));
    }
    const struct call c = {.method = "GET", .url = to, .headers = headers};
    struct fetched got = call_send(con, &c);
    return call_problem(con, &got);
}

/* Without a daemon the registry itself is asked, unless it cannot be reached from here: clients may be nearer to it.
 * Docker Hub is left alone: it counts sign-ins. */
static const char *ask_registry(const struct connection *con, const char *registry)
{
    const char *url = arena_printf(con->mem, "%s/v2/", registry_url(con->mem, registry));
    const struct call c = {.method = "GET", .url = url};
    struct fetched got = {.connected = false};
    if (!streq(registry, HUB))
        got = call_send(con, &c);
    if (!got.connected) {
        log_info("neither a Docker daemon nor %s can be asked from here: the credentials are not tried", registry);
        return NULL;
    }
    if (got.failure != FETCH_OK || got.status != 401)
        return call_problem(con, &got);
    const char *challenge = fetched_header(con->mem, &got, "WWW-Authenticate");
    return sign_in(con, url, challenge ? challenge : "");
}

static const char *login(const struct connection *con, const char *registry)
{
    const char *problem = NULL;
    if (!ask_daemon(con, registry, &problem))
        problem = ask_registry(con, registry);
    return problem ? arena_printf(con->mem, "failed to authenticate with Docker registry %s: %s", registry, problem)
                   : NULL;
}

static const char *verify(struct connection *con, const struct connector_resource *r, const char *id, struct texts *ids)
{
    const char *refusal, *registry = id ? id : default_id(con, r, &refusal);
    if (id)
        texts_add(ids, id);
    return login(con, registry);
}

/* The type ------------------------------------------------------------------------------------------------------- */

static const struct connector_attribute attributes[] = {
    {"username", "Username", NULL, A_TEXT, A_SECRET | A_REQUIRED},
    {"password", "Password or access token", NULL, A_TEXT, A_SECRET | A_REQUIRED},
    {"registry", "URL of the registry; none is Docker Hub", NULL, A_TEXT, 0},
};
static const struct connector_config config_password =
    CONFIG("DockerConfiguration", "Credentials of a Docker or OCI registry.", attributes);

static const struct connector_method methods[] = {
    {
        .name = "password",
        .label = "Docker username and password/token",
        .description = "Log in to the registry with a user name and a password or access token.",
        .config = &config_password,
    },
};

static const struct connector_resource resources[] = {
    {
        .name = "docker-registry",
        .label = "Docker/OCI container registry",
        .description = "A registry of container images. Its name is the host and port of its URL, "
                       "[http[s]://]host[:port][/repository]; Docker Hub is docker.io.",
        .logo_url = LOGO("container_registry/docker.png"),
        .emoji = ":whale:",
    },
};

const struct connector_type connector_docker = {
    .name = "docker",
    .label = "Docker Service Connector",
    .description = "Gives stack components that build, push or pull images a Docker client that is logged in to a "
                   "registry. Docker itself is needed only where images are handled.",
    .logo_url = LOGO("container_registry/docker.png"),
    .emoji = ":whale:",
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
    .resources = resources,
    .resource_count = ARRAY_LEN(resources),
    .canonical_id = canonical_id,
    .default_id = default_id,
    .verify = verify,
};
