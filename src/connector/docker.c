/* Docker and OCI registries: a user name and a password or token. */
#include "base/log.h"
#include "base/text.h"
#include "connector/connection.h"
#include "json/model.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HUB  "docker.io"
#define LOGO "https://public-flavor-logos.s3.eu-central-1.amazonaws.com/container_registry/docker.png"

/* Names ---------------------------------------------------------------------------------------------------------- */

static size_t span_host(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '-')
        n++;
    return n;
}

/* The host[:port] of [http[s]://]host[.host...][:port][/anything], with the hub under one name; NULL for other text. */
static const char *registry_of(struct arena *a, const struct connector_resource *r, const char *id)
{
    (void)r;
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

static const char *default_registry(const struct connection *con, const struct connector_resource *r)
{
    const char *configured = member_str(con->config, "registry");
    return registry_of(con->mem, r, configured && *configured ? configured : HUB);
}

/* Verifying ------------------------------------------------------------------------------------------------------ */

/* What a daemon answers; longer answers are cut. */
struct answer {
    char text[512];
    size_t len;
};

static size_t keep(char *data, size_t size, size_t count, void *to)
{
    struct answer *a = to;
    size_t len = size * count, room = sizeof a->text - 1 - a->len;
    size_t part = len < room ? len : room;
    memcpy(a->text + a->len, data, part);
    a->len += part;
    a->text[a->len] = '\0';
    return len;
}

/* Points the request at the daemon's endpoint, as DOCKER_HOST says or the usual socket. False when there is none. */
static bool point_at_daemon(CURL *curl, struct arena *a)
{
    const char *host = getenv("DOCKER_HOST");
    if (!host || !*host)
        host = "unix:///var/run/docker.sock";
    if (starts_with(host, "unix://")) {
        if (access(host + 7, R_OK | W_OK) != 0)
            return false;
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, host + 7);
        curl_easy_setopt(curl, CURLOPT_URL, "http://docker/auth");
        return true;
    }
    if (!starts_with(host, "tcp://"))
        return false;
    curl_easy_setopt(curl, CURLOPT_URL, arena_printf(a, "http://%s/auth", host + 6));
    return true;
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

/* The daemon's login is the check; without a daemon there is nobody to ask, and the credentials are taken as they are.
 */
static const char *login(const struct connection *con, const char *registry)
{
    const char *problem = NULL;
    struct answer answer = {0};
    long status = 0;
    CURL *curl = curl_easy_init();
    if (!curl || !point_at_daemon(curl, con->mem)) {
        log_info("no Docker daemon here: the credentials for %s are not tried", registry);
        curl_easy_cleanup(curl);
        return NULL;
    }
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, login_body(con, registry));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    CURLcode rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (rc == CURLE_COULDNT_CONNECT)
        log_info("no Docker daemon answers: the credentials for %s are not tried", registry);
    else if (rc != CURLE_OK || status != 200)
        problem = arena_printf(con->mem, "failed to authenticate with Docker registry %s: %s", registry,
                               rc != CURLE_OK ? curl_easy_strerror(rc) : answer.text);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return problem;
}

static const char *verify(const struct connection *con, const struct connector_resource *r, const char *id,
                          const char *const **ids, size_t *count)
{
    (void)r;
    (void)ids;
    *count = 0;
    return id ? login(con, id) : NULL;
}

/* The type ------------------------------------------------------------------------------------------------------- */

static const struct connector_method methods[] = {
    {
        .name = "password",
        .label = "Docker username and password/token",
        .description = "Log in to the registry with a user name and a password or access token.",
        .schema =
            "{\"description\":\"Credentials of a Docker or OCI registry.\",\"properties\":{"
            "\"username\":{\"format\":\"password\",\"title\":\"Username\",\"type\":\"string\",\"writeOnly\":true},"
            "\"password\":{\"format\":\"password\",\"title\":\"Password\",\"type\":\"string\",\"writeOnly\":true},"
            "\"registry\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,"
            "\"title\":\"URL of the registry; none is Docker Hub\"}},"
            "\"required\":[\"username\",\"password\"],\"title\":\"DockerConfiguration\",\"type\":\"object\"}",
    },
};

static const struct connector_resource resources[] = {
    {
        .name = "docker-registry",
        .label = "Docker/OCI container registry",
        .description = "A registry of container images. Its name is the host and port of its URL, "
                       "[http[s]://]host[:port][/repository]; Docker Hub is docker.io.",
        .logo_url = LOGO,
        .emoji = ":whale:",
    },
};

const struct connector_type connector_docker = {
    .name = "docker",
    .label = "Docker Service Connector",
    .description = "Gives stack components that build, push or pull images a Docker client that is logged in to a "
                   "registry. Docker itself is needed only where images are handled.",
    .logo_url = LOGO,
    .emoji = ":whale:",
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
    .resources = resources,
    .resource_count = ARRAY_LEN(resources),
    .canonical_id = registry_of,
    .default_id = default_registry,
    .verify = verify,
};
