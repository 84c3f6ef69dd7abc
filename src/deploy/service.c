/* service.json as the stock client writes and reads it: members in its order, with the names of its classes. */
#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "deploy/deploy.h"
#include "json/model.h"
#include "json/write.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SERVICE_MOST = 64 * 1024, OPEN_DIRECTORIES = 16 };

/* What differs between the two kinds. */
struct service_class {
    const char *provider, *server, *config, *status, *endpoint;
    bool daemon;
};

#define DEPLOYED "zenml.zen_server.deploy."
static const struct service_class CLASSES[] = {
    {"local", DEPLOYED "local.local_zen_server.LocalZenServer", DEPLOYED "local.local_zen_server.LocalZenServerConfig",
     "zenml.services.local.local_service.LocalDaemonServiceStatus",
     "zenml.services.local.local_service_endpoint.LocalDaemonServiceEndpoint", true},
    {"docker", DEPLOYED "docker.docker_zen_server.DockerZenServer",
     DEPLOYED "docker.docker_zen_server.DockerZenServerConfig",
     "zenml.services.container.container_service.ContainerServiceStatus",
     "zenml.services.container.container_service_endpoint.ContainerServiceEndpoint", false},
};

static const struct service_class *class_of(const char *provider)
{
    for (size_t i = 0; i < ARRAY_LEN(CLASSES); i++)
        if (streq(CLASSES[i].provider, provider))
            return &CLASSES[i];
    return NULL;
}

/* Writing ---------------------------------------------------------------------------------------------------------- */

static void put(struct jw *w, const char *name, const char *value)
{
    jw_key(w, name);
    jw_str(w, value);
}

static void put_bool(struct jw *w, const char *name, bool value)
{
    jw_key(w, name);
    jw_bool(w, value);
}

static void put_int(struct jw *w, const char *name, int64_t value)
{
    jw_key(w, name);
    jw_int(w, value);
}

static void write_store(struct jw *w, const char *url)
{
    jw_key(w, "store");
    if (!url) {
        jw_null(w);
        return;
    }
    jw_open(w, '{');
    put(w, "type", "sql");
    put(w, "url", url);
    jw_close(w, '}');
}

static void write_server(struct jw *w, const struct service_class *k, const struct server_config *c)
{
    jw_key(w, "server");
    jw_open(w, '{');
    put(w, "name", c->name);
    put(w, "provider", c->provider);
    put_int(w, "port", c->port);
    if (k->daemon) {
        put(w, "ip_address", c->ip_address);
        put_bool(w, "blocking", c->blocking);
    } else {
        put(w, "image", c->image);
    }
    write_store(w, c->store);
    put_bool(w, "use_legacy_dashboard", false);
    jw_close(w, '}');
}

static void write_config(struct jw *w, struct deployer *d, const struct service_class *k, const struct server_config *c)
{
    static const char *const EMPTY[] = {"description", "pipeline_name", "pipeline_step_name",
                                        "model_name",  "model_version", NULL};
    jw_key(w, "config");
    jw_open(w, '{');
    put(w, "type", k->config);
    put(w, "name", c->name);
    for (size_t i = 0; EMPTY[i]; i++)
        put(w, EMPTY[i], "");
    put(w, "service_name", arena_printf(d->mem, "zenml-%s", c->name));
    if (k->daemon)
        put_bool(w, "silent_daemon", false);
    put(w, "root_runtime_path", deploy_dir(d, c->provider));
    put_bool(w, "singleton", true);
    if (k->daemon)
        put_bool(w, "blocking", c->blocking);
    else
        put(w, "image", c->image);
    write_server(w, k, c);
    jw_close(w, '}');
}

static void write_state(struct jw *w, const char *state)
{
    put(w, "state", state);
    put(w, "last_state", "inactive");
    put(w, "last_error", "");
}

static void write_status(struct jw *w, struct deployer *d, const struct service_class *k, const struct server_config *c)
{
    jw_key(w, "status");
    jw_open(w, '{');
    put(w, "type", k->status);
    write_state(w, "pending_startup");
    put(w, "runtime_path", deploy_dir(d, c->provider));
    if (k->daemon)
        put_bool(w, "silent_daemon", false);
    jw_close(w, '}');
}

static void write_monitor(struct jw *w)
{
    jw_key(w, "monitor");
    jw_open(w, '{');
    put(w, "type", "zenml.services.service_monitor.HTTPEndpointHealthMonitor");
    jw_key(w, "config");
    jw_open(w, '{');
    put(w, "type", "zenml.services.service_monitor.HTTPEndpointHealthMonitorConfig");
    put(w, "healthcheck_uri_path", "health");
    put_bool(w, "use_head_request", true);
    put_int(w, "http_status_code", 200);
    put_int(w, "http_timeout", 5);
    jw_close(w, '}');
    jw_close(w, '}');
}

static void write_endpoint(struct jw *w, struct deployer *d, const struct service_class *k,
                           const struct server_config *c)
{
    const char *class = strrchr(k->endpoint, '.') + 1;
    jw_key(w, "endpoint");
    jw_open(w, '{');
    put(w, "type", k->endpoint);
    put(w, "admin_state", "inactive");
    jw_key(w, "config");
    jw_open(w, '{');
    put(w, "type", arena_printf(d->mem, "%sConfig", k->endpoint));
    put(w, "name", class);
    put(w, "description", "");
    put(w, "protocol", "http");
    put_int(w, "port", c->port);
    if (k->daemon)
        put(w, "ip_address", c->ip_address);
    put_bool(w, "allocate_port", false);
    jw_close(w, '}');
    jw_key(w, "status");
    jw_open(w, '{');
    put(w, "type", arena_printf(d->mem, "%sStatus", k->endpoint));
    write_state(w, "inactive");
    put(w, "protocol", "http");
    put(w, "hostname", k->daemon ? c->ip_address : "127.0.0.1");
    put_int(w, "port", c->port);
    jw_close(w, '}');
    write_monitor(w);
    jw_close(w, '}');
}

static const char *service_text(struct deployer *d, const struct service_class *k, const struct deployment *server)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    jw_open(&w, '{');
    put(&w, "type", k->server);
    put(&w, "uuid", server->uuid);
    put(&w, "admin_state", "active");
    write_config(&w, d, k, &server->config);
    write_status(&w, d, k, &server->config);
    write_endpoint(&w, d, k, &server->config);
    jw_close(&w, '}');
    const char *copy = arena_strndup(d->mem, text.data, text.len);
    buf_free(&text);
    return copy;
}

enum deploy_end service_write(struct deployer *d, const struct deployment *server)
{
    const char *path = deploy_file(d, server->config.provider, "service.json");
    const char *text = service_text(d, class_of(server->config.provider), server);
    const char *problem = file_replace(d->mem, path, text, strlen(text));
    return problem ? deploy_fail(d, DEPLOY_FAILED, "%s", problem) : DEPLOY_OK;
}

/* Reading ---------------------------------------------------------------------------------------------------------- */

static struct json_object *get(struct json_object *o, const char *name)
{
    return json_object_is_type(o, json_type_object) ? member(o, name) : NULL;
}

static void read_config(struct json_object *o, struct server_config *out)
{
    *out = (struct server_config){.name = member_str(o, "name"),
                                  .provider = member_str(o, "provider"),
                                  .port = json_object_get_int64(member(o, "port")),
                                  .ip_address = member_str(o, "ip_address"),
                                  .image = member_str(o, "image"),
                                  .blocking = member_bool(o, "blocking")};
    struct json_object *store = get(o, "store");
    if (store)
        out->store = member_str(store, "url");
}

enum deploy_end service_read(struct deployer *d, const char *provider, struct deployment *out)
{
    size_t len;
    const char *path = deploy_file(d, provider, "service.json");
    errno = 0;
    const char *text = file_read(d->mem, path, SERVICE_MOST, &len);
    *out = (struct deployment){.state = "inactive", .message = ""};
    if (!text && errno == ENOENT)
        return deploy_fail(d, DEPLOY_NOT_FOUND, "There is no %s server.", provider);
    if (!text)
        return deploy_fail(d, DEPLOY_FAILED, "%s cannot be read: %s", path, strerror(errno));
    struct json_object *o = json_tree(d->mem, text, len), *server = get(get(o, "config"), "server");
    if (server)
        read_config(server, &out->config);
    out->uuid = o ? member_str(o, "uuid") : NULL;
    if (!server || !out->uuid || !out->config.name || !out->config.provider || !streq(out->config.provider, provider) ||
        out->config.port < 1 || out->config.port > 65535)
        return deploy_fail(d, DEPLOY_FAILED, "%s is no description of a %s server, or only a part of one", path,
                           provider);
    return DEPLOY_OK;
}

/* Removing --------------------------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

enum deploy_end service_remove(struct deployer *d, const char *provider)
{
    const char *dir = deploy_dir(d, provider);
    if (nftw(dir, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return deploy_fail(d, DEPLOY_FAILED, "%s cannot be removed: %s", dir, strerror(errno));
    return DEPLOY_OK;
}
