/*
 * Servers in a container, by the command line of Docker, or of Podman (KANSO_DOCKER). The container's name is made of
 * the deployment's UUID, as the stock client has it. Its port is published on 127.0.0.1 only.
 */
#include "base/spawn.h"
#include "base/text.h"
#include "deploy/deploy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TIMEOUT_S = 60, QUICK_S = 30, PULL_S = 900, OUTPUT_MOST = 1 << 20, MOST_ARGUMENTS = 96 };

/* Where the two directories are in the container; /service as with the reference. */
#define SERVICE "/service"
#define HOME    "/var/lib/kanso"

static enum deploy_end complete(struct deployer *d, struct server_config *c)
{
    if (c->ip_address || c->blocking)
        return deploy_fail(d, DEPLOY_BAD_CONFIGURATION,
                           "Invalid configuration for provider docker: %s: a server in a "
                           "container has none",
                           c->ip_address ? "ip_address" : "blocking");
    c->port = c->port ? c->port : DEPLOY_DOCKER_PORT;
    c->image = c->image ? c->image : c->store ? "kanso" : "kanso:with-database";
    return DEPLOY_OK;
}

/* Runs docker. DEPLOY_FAILED when it cannot be run or does not end in time; otherwise *out says how it ended. */
static enum deploy_end docker(struct deployer *d, const char *const *arguments, unsigned timeout_s, struct spawned *out)
{
    const char *argv[MOST_ARGUMENTS + 2] = {getenv("KANSO_DOCKER") ? getenv("KANSO_DOCKER") : "docker"};
    for (size_t i = 0; i < MOST_ARGUMENTS && arguments[i]; i++)
        argv[i + 1] = arguments[i];
    *out = spawn(d->mem, &(struct spawn){.argv = argv, .max_output = OUTPUT_MOST, .timeout = timeout_s});
    if (out->end == SPAWN_UNSTARTED)
        return deploy_fail(d, DEPLOY_FAILED, "%s cannot be run: %s", argv[0], strerror(out->code));
    if (out->end != SPAWN_EXITED)
        return deploy_fail(d, DEPLOY_FAILED, "%s %s has not ended within %u s", argv[0], arguments[0], timeout_s);
    return DEPLOY_OK;
}

/* The same for what has to succeed. */
static enum deploy_end docker_do(struct deployer *d, const char *const *arguments, unsigned timeout_s)
{
    struct spawned done;
    enum deploy_end end = docker(d, arguments, timeout_s, &done);
    if (end != DEPLOY_OK || done.code == 0)
        return end;
    size_t len = strcspn(done.errors, "\n");
    return deploy_fail(d, DEPLOY_FAILED, "docker %s: %.*s", arguments[0], (int)len, done.errors);
}

static const char *container_of(struct deployer *d, const struct deployment *server)
{
    return arena_printf(d->mem, "zenml-%s", server->uuid);
}

/* The state of the container in the engine's words; "" when there is none, NULL when the engine cannot be asked. */
static const char *container_state(struct deployer *d, const struct deployment *server)
{
    const char *arguments[] = {"container", "inspect", "--format", "{{.State.Status}}", container_of(d, server), NULL};
    struct spawned done;
    if (docker(d, arguments, QUICK_S, &done) != DEPLOY_OK)
        return NULL;
    if (done.code == 0)
        return arena_strndup(d->mem, done.output, strcspn(done.output, "\r\n"));
    if (strcasestr(done.errors, "no such container") || strcasestr(done.errors, "no container with name"))
        return "";
    deploy_fail(d, DEPLOY_FAILED, "The container engine cannot be asked: %.*s", (int)strcspn(done.errors, "\n"),
                done.errors);
    return NULL;
}

static bool check(struct deployer *d, struct deployment *server)
{
    const char *state = container_state(d, server);
    bool running = state && streq(state, "running");
    bool starting = state && (streq(state, "created") || streq(state, "initialized"));
    server->state = running || starting ? "active" : !state || streq(state, "exited") ? "error" : "inactive";
    server->message = running                  ? ""
                      : !state                 ? d->problem
                      : !*state                ? "Docker container is not present"
                      : streq(state, "exited") ? "Docker container has exited."
                                               : arena_printf(d->mem, "Docker container is %s", state);
    return running;
}

/* Starting --------------------------------------------------------------------------------------------------------- */

struct arguments {
    const char *items[MOST_ARGUMENTS + 1];
    size_t count;
};

static void add(struct arguments *a, const char *text)
{
    if (a->count < MOST_ARGUMENTS)
        a->items[a->count++] = text;
}

static void add_pair(struct arguments *a, const char *option, const char *value)
{
    add(a, option);
    add(a, value);
}

extern char **environ;

/* ZenML's variables of this environment, by name, so that no value stands in a command line; then the server's own. */
static void add_environment(struct deployer *d, struct arguments *a, const struct server_config *c)
{
    for (char **e = environ; *e; e++)
        if (starts_with(*e, "ZENML_") && !starts_with(*e, "ZENML_CONFIG_PATH=") &&
            !starts_with(*e, "ZENML_LOCAL_STORES_PATH=") && a->count < MOST_ARGUMENTS / 2)
            add_pair(a, "--env", arena_strndup(d->mem, *e, strcspn(*e, "=")));
    if (c->store && setenv("ZENML_STORE_URL", c->store, 1) == 0)
        add_pair(a, "--env", "ZENML_STORE_URL");
    add_pair(a, "--env", "ZENML_SERVER_DEPLOYMENT_TYPE=docker");
    add_pair(a, "--env", "ZENML_SERVER_AUTO_ACTIVATE=True");
    add_pair(a, "--env", "KANSO_ADDRESS=0.0.0.0");
    add_pair(a, "--env", "KANSO_WORKERS=all");
    add_pair(a, "--env", arena_printf(d->mem, "KANSO_PORT=%d", (int)c->port));
    add_pair(a, "--env", "KANSO_HOME=" HOME);
}

static enum deploy_end run(struct deployer *d, const struct deployment *server)
{
    const struct server_config *c = &server->config;
    const char *home = deploy_home(d, "docker");
    struct arguments a = {.items = {"run", "--detach", "--name", container_of(d, server)}, .count = 4};
    if ((mkdir(d->stores_dir, 0755) != 0 && errno != EEXIST) || (mkdir(home, 0700) != 0 && errno != EEXIST))
        return deploy_fail(d, DEPLOY_FAILED, "%s cannot be made: %s", home, strerror(errno));
    add_pair(&a, "--label", arena_printf(d->mem, "zenml-service-uuid=%s", server->uuid));
    add_pair(&a, "--user", arena_printf(d->mem, "%d:%d", (int)getuid(), (int)getgid()));
    add_pair(&a, "--publish", arena_printf(d->mem, "127.0.0.1:%d:%d", (int)c->port, (int)c->port));
    add_pair(&a, "--volume", arena_printf(d->mem, "%s:" SERVICE, deploy_dir(d, "docker")));
    add_pair(&a, "--volume", arena_printf(d->mem, "%s:" HOME, home));
    add_environment(d, &a, c);
    add_pair(&a, "--entrypoint", "/bin/sh");
    add(&a, c->image);
    add_pair(&a, "-c", "exec scripts/kanso run >>" SERVICE "/service.log 2>&1");
    return docker_do(d, a.items, PULL_S);
}

static enum deploy_end start(struct deployer *d, const struct deployment *server)
{
    const char *name = container_of(d, server), *state = container_state(d, server);
    if (!state)
        return DEPLOY_FAILED;
    if (streq(state, "running"))
        return DEPLOY_OK;
    if (*state && docker_do(d, (const char *[]){"rm", "--force", name, NULL}, QUICK_S) != DEPLOY_OK)
        return DEPLOY_FAILED;
    enum deploy_end end = service_write(d, server);
    if (end == DEPLOY_OK)
        end = run(d, server);
    if (end != DEPLOY_OK) { /* one that was made but could not be started stays, with its name */
        struct spawned ignored;
        const char *why = d->problem;
        docker(d, (const char *[]){"rm", "--force", name, NULL}, QUICK_S, &ignored);
        d->problem = why;
    }
    return end;
}

static enum deploy_end stop(struct deployer *d, const struct deployment *server, unsigned timeout_s)
{
    const char *name = container_of(d, server), *state = container_state(d, server);
    if (!state)
        return DEPLOY_FAILED;
    if (!*state)
        return DEPLOY_OK;
    const char *arguments[] = {"stop", "--time", arena_printf(d->mem, "%u", timeout_s), name, NULL};
    enum deploy_end end = docker_do(d, arguments, timeout_s + QUICK_S);
    return end == DEPLOY_OK ? docker_do(d, (const char *[]){"rm", "--force", name, NULL}, QUICK_S) : end;
}

const struct server_provider provider_docker = {
    .type = "docker",
    .port = DEPLOY_DOCKER_PORT,
    .timeout_s = TIMEOUT_S,
    .complete = complete,
    .start = start,
    .stop = stop,
    .check = check,
};
