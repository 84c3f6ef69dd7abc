/* The deployer: providers by type, and what holds for all of them (docs/contract/deploy.md#deployer). */
#include "base/file.h"
#include "base/text.h"
#include "base/uuid.h"
#include "deploy/deploy.h"
#include "http/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEALTH_MS = 5000, POLL_MS = 100, LOCK_WAIT_S = 60, KEY_MOST = 256, LOG_MOST = 16 << 20 };

enum deploy_end deploy_fail(struct deployer *d, enum deploy_end end, const char *fmt, ...)
{
    va_list ap;
    char *text;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    d->problem = arena_strdup(d->mem, text);
    free(text);
    return end;
}

static void tell(struct deployer *d, const char *text)
{
    if (d->progress)
        d->progress(text);
}

/* Providers -------------------------------------------------------------------------------------------------------- */

enum deploy_end deployer_provider(struct deployer *d, const char *type, const struct server_provider **out)
{
    for (size_t i = 0; i < d->provider_count; i++)
        if (streq(d->providers[i]->type, type)) {
            *out = d->providers[i];
            return DEPLOY_OK;
        }
    return deploy_fail(d, DEPLOY_NO_PROVIDER, "Server provider '%s' is not registered.", type);
}

enum deploy_end deployer_register(struct deployer *d, const struct server_provider *provider)
{
    const struct server_provider *there;
    if (deployer_provider(d, provider->type, &there) == DEPLOY_OK)
        return deploy_fail(d, DEPLOY_DUPLICATE, "There is a server provider '%s' already.", provider->type);
    if (d->provider_count == DEPLOY_MAX_PROVIDERS)
        return deploy_fail(d, DEPLOY_FAILED, "There is no room for another server provider.");
    d->providers[d->provider_count++] = provider;
    return DEPLOY_OK;
}

static const char *nonempty(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

enum deploy_end deployer_open(struct deployer *d, struct arena *mem, const char *tree, const char *program)
{
    const char *given = nonempty("ZENML_CONFIG_PATH"), *xdg = nonempty("XDG_CONFIG_HOME"), *home = nonempty("HOME");
    *d = (struct deployer){.mem = mem, .tree = tree, .program = program};
    if (!given && !xdg && !home)
        return deploy_fail(d, DEPLOY_FAILED, "Neither ZENML_CONFIG_PATH nor HOME says where the client's files are.");
    d->config_dir = given ? given
                    : xdg ? arena_printf(mem, "%s/zenml", xdg)
                          : arena_printf(mem, "%s/.config/zenml", home);
    const char *stores = nonempty("ZENML_LOCAL_STORES_PATH");
    d->stores_dir = stores ? stores : arena_printf(mem, "%s/local_stores", d->config_dir);
    if (*d->config_dir != '/' || *d->stores_dir != '/')
        return deploy_fail(d, DEPLOY_FAILED, "%s is no absolute path.",
                           *d->config_dir != '/' ? d->config_dir : d->stores_dir);
    deployer_register(d, &provider_local);
    return deployer_register(d, &provider_docker);
}

/* Paths ------------------------------------------------------------------------------------------------------------ */

const char *deploy_dir(struct deployer *d, const char *provider)
{
    return arena_printf(d->mem, "%s/zen_server/%s", d->config_dir, provider);
}

const char *deploy_file(struct deployer *d, const char *provider, const char *name)
{
    return arena_printf(d->mem, "%s/zen_server/%s/%s", d->config_dir, provider, name);
}

const char *deploy_home(struct deployer *d, const char *provider)
{
    bool local = streq(provider, "local");
    const char *own = arena_printf(d->mem, "%s/%s", d->stores_dir, local ? "kanso" : "kanso-docker");
    if (!local || getuid() != 0)
        return own;
    uint32_t hash = 2166136261U; /* FNV-1a: another directory of stores, another home */
    for (const char *s = own; *s; s++)
        hash = (hash ^ (unsigned char)*s) * 16777619U;
    return arena_printf(d->mem, "/var/lib/kanso-%08x", (unsigned)hash);
}

const char *deploy_password(struct deployer *d, const char *provider)
{
    size_t len;
    return file_read(d->mem, arena_printf(d->mem, "%s/etc/default-password", deploy_home(d, provider)), KEY_MOST, &len);
}

const char *deploy_last_words(struct deployer *d, const char *provider)
{
    size_t len;
    char *text = file_read(d->mem, deploy_file(d, provider, "service.log"), LOG_MOST, &len);
    while (text && len && strchr(" \r\n", text[len - 1]))
        text[--len] = '\0';
    if (!text || !len)
        return "it has written no log";
    const char *line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

/* Makes a directory and those above it. */
static enum deploy_end make_directories(struct deployer *d, const char *path)
{
    char *copy = arena_strdup(d->mem, path);
    for (char *slash = copy + 1;; slash++) {
        if (*slash && *slash != '/')
            continue;
        char was = *slash;
        *slash = '\0';
        if (mkdir(copy, 0755) != 0 && errno != EEXIST)
            return deploy_fail(d, DEPLOY_FAILED, "The directory %s cannot be made: %s", copy, strerror(errno));
        *slash = was;
        if (!was)
            return DEPLOY_OK;
    }
}

/* One at a time ---------------------------------------------------------------------------------------------------- */

/* Root writes, deletes and ends nothing where another user says what is there: behind a link of theirs it may be
 * anything. */
static enum deploy_end check_owner(struct deployer *d, const char *path)
{
    struct stat s;
    if (geteuid() != 0 || lstat(path, &s) != 0 || s.st_uid == 0)
        return DEPLOY_OK;
    return deploy_fail(d, DEPLOY_FAILED,
                       "%s is another user's (uid %u), and root does not work there: run this as that user, or name "
                       "another directory in ZENML_CONFIG_PATH.",
                       path, (unsigned)s.st_uid);
}

static enum deploy_end check_owners(struct deployer *d)
{
    enum deploy_end end = check_owner(d, d->config_dir);
    if (end == DEPLOY_OK)
        end = check_owner(d, arena_printf(d->mem, "%s/zen_server", d->config_dir));
    for (size_t i = 0; end == DEPLOY_OK && i < d->provider_count; i++)
        end = check_owner(d, deploy_dir(d, d->providers[i]->type));
    return end;
}

/* The lock is on the directory itself, so nothing of it is left behind. It is not handed on to what is started. */
static enum deploy_end lock(struct deployer *d, int *out)
{
    const char *path = arena_printf(d->mem, "%s/zen_server", d->config_dir);
    if (check_owners(d) != DEPLOY_OK || make_directories(d, path) != DEPLOY_OK)
        return DEPLOY_FAILED;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int tries = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK || tries == LOCK_WAIT_S * 1000 / POLL_MS) {
            close(fd);
            return deploy_fail(d, DEPLOY_FAILED, "Another command has been at work in %s for %d s.", path, LOCK_WAIT_S);
        }
        if (tries == 0)
            tell(d, "waiting for another command that is at work");
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    *out = fd;
    return fd >= 0 ? DEPLOY_OK : deploy_fail(d, DEPLOY_FAILED, "%s cannot be opened: %s", path, strerror(errno));
}

/* Looking ---------------------------------------------------------------------------------------------------------- */

/* Where the server can be asked from here. */
static const char *url_of(struct deployer *d, const struct server_config *c)
{
    const char *host = c->ip_address ? c->ip_address : "127.0.0.1";
    if (streq(host, "0.0.0.0"))
        host = "127.0.0.1";
    return strchr(host, ':') ? arena_printf(d->mem, "http://[%s]:%d", host, (int)c->port)
                             : arena_printf(d->mem, "http://%s:%d", host, (int)c->port);
}

static bool answers(struct deployer *d, const char *url)
{
    const struct fetch f = {.method = "HEAD",
                            .url = arena_printf(d->mem, "%s/health", url),
                            .timeout_ms = HEALTH_MS,
                            .connect_ms = HEALTH_MS};
    struct fetched answer = fetch(d->mem, &f);
    return answer.failure == FETCH_OK && answer.status == 200;
}

static void look(struct deployer *d, const struct server_provider *p, struct deployment *server)
{
    const char *url = url_of(d, &server->config), *client = client_url(d);
    server->url = p->check(d, server) && answers(d, url) ? url : NULL;
    server->connected = server->url && client && streq(client, server->url);
}

/* The server of that name, and who provides it: the first that knows it. A file that cannot be read counts as one. */
static enum deploy_end find(struct deployer *d, const char *name, const struct server_provider **by,
                            struct deployment *out)
{
    for (size_t i = 0; i < d->provider_count; i++) {
        enum deploy_end end = service_read(d, d->providers[i]->type, out);
        if (end == DEPLOY_NOT_FOUND || (end == DEPLOY_OK && !streq(out->config.name, name)))
            continue;
        *by = d->providers[i];
        return end;
    }
    return deploy_fail(d, DEPLOY_NOT_FOUND, "Server deployment '%s' not found.", name);
}

enum deploy_end deployer_get(struct deployer *d, const char *name, struct deployment *out)
{
    const struct server_provider *by;
    enum deploy_end end = find(d, name, &by, out);
    if (end == DEPLOY_OK)
        look(d, by, out);
    return end;
}

enum deploy_end deployer_list(struct deployer *d, const char *name, const char *provider,
                              struct deployment out[DEPLOY_MAX_PROVIDERS], size_t *count)
{
    const struct server_provider *only = NULL;
    *count = 0;
    if (provider && deployer_provider(d, provider, &only) != DEPLOY_OK)
        return DEPLOY_NO_PROVIDER;
    for (size_t i = 0; i < d->provider_count; i++) {
        struct deployment *server = &out[*count];
        if (only && only != d->providers[i])
            continue;
        enum deploy_end end = service_read(d, d->providers[i]->type, server);
        if (end == DEPLOY_NOT_FOUND || (end == DEPLOY_OK && name && !streq(server->config.name, name)))
            continue;
        if (end != DEPLOY_OK)
            return end;
        look(d, d->providers[i], server);
        ++*count;
    }
    return DEPLOY_OK;
}

/* Deploying -------------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? streq(a, b) : a == b;
}

static bool same_config(const struct server_config *a, const struct server_config *b)
{
    return a->port == b->port && same_text(a->ip_address, b->ip_address) && same_text(a->image, b->image) &&
           same_text(a->store, b->store);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Waits until the server answers; ends early when there is nothing left that could. */
static enum deploy_end wait_for(struct deployer *d, const struct server_provider *p, struct deployment *server,
                                unsigned timeout_s)
{
    double end = seconds_now() + timeout_s;
    for (;;) {
        look(d, p, server);
        if (server->url)
            return DEPLOY_OK;
        if (!streq(server->state, "active"))
            return deploy_fail(d, DEPLOY_FAILED, "The server has ended: %s", deploy_last_words(d, p->type));
        if (seconds_now() >= end)
            return deploy_fail(
                d, DEPLOY_FAILED,
                "The %s server does not answer at %s yet, after %u s. It goes on starting; try again, or "
                "see its log.",
                p->type, url_of(d, &server->config), timeout_s);
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
}

/* Makes a new server. When it fails to start, nothing of it stays; one that is slow does. */
static enum deploy_end create(struct deployer *d, const struct server_provider *p, struct deployment *server,
                              unsigned timeout_s)
{
    char uuid[UUID_HEX + 1];
    uuid_new(uuid);
    server->uuid = uuid_dashed(d->mem, uuid);
    tell(d, "starting the server");
    enum deploy_end end = make_directories(d, deploy_dir(d, p->type));
    if (end == DEPLOY_OK)
        end = p->start(d, server);
    if (end == DEPLOY_OK)
        end = wait_for(d, p, server, timeout_s);
    if (end != DEPLOY_OK && (!server->state || !streq(server->state, "active"))) {
        const char *why = d->problem;
        service_remove(d, p->type);
        d->problem = why;
    }
    return end;
}

/* Brings a server that is there to what is wanted. */
static enum deploy_end update(struct deployer *d, const struct server_provider *p, struct deployment *old,
                              struct deployment *server, unsigned timeout_s)
{
    server->uuid = old->uuid;
    look(d, p, old);
    if (same_config(&old->config, &server->config)) {
        if (!streq(old->state, "active")) {
            tell(d, "starting the server again");
            enum deploy_end end = p->start(d, server);
            if (end != DEPLOY_OK)
                return end;
        }
        return wait_for(d, p, server, timeout_s);
    }
    tell(d, "stopping the server for its new configuration");
    enum deploy_end end = p->stop(d, old, p->timeout_s);
    if (end == DEPLOY_OK)
        end = p->start(d, server);
    return end == DEPLOY_OK ? wait_for(d, p, server, timeout_s) : end;
}

static enum deploy_end remove_found(struct deployer *d, const struct server_provider *p,
                                    const struct deployment *server, unsigned timeout_s)
{
    bool readable = server->uuid != NULL;
    const char *client = client_url(d);
    if (readable && client && streq(client, url_of(d, &server->config))) {
        tell(d, "disconnecting the client");
        if (client_disconnect(d) != DEPLOY_OK)
            tell(d, d->problem); /* no reason to keep the server */
    }
    if (readable) {
        tell(d, "stopping the server");
        enum deploy_end end = p->stop(d, server, timeout_s ? timeout_s : p->timeout_s);
        if (end != DEPLOY_OK)
            return end;
    }
    return service_remove(d, p->type);
}

/* What one deployer holds besides the wanted server, of whatever name: another provider's goes first. */
static enum deploy_end remove_others(struct deployer *d, const struct server_provider *wanted)
{
    for (size_t i = 0; i < d->provider_count; i++) {
        struct deployment other;
        if (d->providers[i] == wanted || service_read(d, d->providers[i]->type, &other) != DEPLOY_OK)
            continue;
        enum deploy_end end = remove_found(d, d->providers[i], &other, 0);
        if (end != DEPLOY_OK)
            return end;
    }
    return DEPLOY_OK;
}

static enum deploy_end deploy(struct deployer *d, const struct server_provider *p, struct deployment *server,
                              unsigned timeout_s)
{
    struct deployment old;
    enum deploy_end end = remove_others(d, p);
    if (end != DEPLOY_OK)
        return end;
    end = service_read(d, p->type, &old);
    if (end == DEPLOY_NOT_FOUND)
        return create(d, p, server, timeout_s);
    if (end != DEPLOY_OK)
        return end;
    if (!streq(old.config.name, server->config.name))
        return deploy_fail(d, DEPLOY_EXISTS,
                           "There is a %s server named '%s' already, and there can be one only: remove it first.",
                           p->type, old.config.name);
    return update(d, p, &old, server, timeout_s);
}

enum deploy_end deployer_deploy(struct deployer *d, const struct server_config *config, unsigned timeout_s,
                                struct deployment *out)
{
    const struct server_provider *p = NULL;
    int fd = -1;
    *out = (struct deployment){.config = *config, .message = ""};
    enum deploy_end end = deployer_provider(d, config->provider, &p);
    if (!p)
        return end;
    end = p->complete(d, &out->config);
    if (end == DEPLOY_OK)
        end = lock(d, &fd);
    if (end != DEPLOY_OK)
        return end;
    end = deploy(d, p, out, timeout_s ? timeout_s : p->timeout_s);
    close(fd);
    return end;
}

enum deploy_end deployer_remove(struct deployer *d, const char *name, unsigned timeout_s)
{
    const struct server_provider *by = NULL;
    struct deployment server;
    int fd = -1;
    enum deploy_end end = lock(d, &fd);
    if (end != DEPLOY_OK)
        return end;
    end = find(d, name, &by, &server);
    if (end == DEPLOY_OK || (end == DEPLOY_FAILED && by))
        end = remove_found(d, by, &server, timeout_s);
    close(fd);
    return end;
}

/* The client ------------------------------------------------------------------------------------------------------- */

static enum deploy_end connect_client(struct deployer *d, const char *name, const char *username, const char *password,
                                      bool verify_ssl)
{
    struct deployment server;
    enum deploy_end end = deployer_get(d, name, &server);
    if (end != DEPLOY_OK)
        return end;
    if (!server.url)
        return deploy_fail(d, DEPLOY_FAILED, "The %s server '%s' is not running, or cannot be reached.",
                           server.config.provider, name);
    return server.connected ? DEPLOY_OK : client_connect(d, server.url, username, password, verify_ssl);
}

enum deploy_end deployer_connect(struct deployer *d, const char *name, const char *username, const char *password,
                                 bool verify_ssl)
{
    int fd = -1;
    if (lock(d, &fd) != DEPLOY_OK)
        return DEPLOY_FAILED;
    enum deploy_end end = connect_client(d, name, username, password, verify_ssl);
    close(fd);
    return end;
}

static enum deploy_end disconnect_client(struct deployer *d, const char *name, bool *done)
{
    const char *client = client_url(d);
    if (!client)
        return DEPLOY_OK;
    if (name) {
        const struct server_provider *by;
        struct deployment server = {0};
        enum deploy_end end = find(d, name, &by, &server);
        if (end != DEPLOY_OK)
            return end;
        if (!streq(client, url_of(d, &server.config)))
            return DEPLOY_OK;
    }
    *done = true;
    return client_disconnect(d);
}

enum deploy_end deployer_disconnect(struct deployer *d, const char *name, bool *done)
{
    int fd = -1;
    *done = false;
    if (lock(d, &fd) != DEPLOY_OK)
        return DEPLOY_FAILED;
    enum deploy_end end = disconnect_client(d, name, done);
    close(fd);
    return end;
}
