/*
 * Servers on this machine, deployed beside a user's stock client (docs/contract/deploy.md#deployer): as processes
 * (local) or in a container (docker). What is written under the client's configuration directory is what the stock
 * client writes, so that each finds, stops and removes what the other has started.
 *
 *   ZENML_CONFIG_PATH/
 *     config.yaml                     whom the client is connected to (client.c)
 *     zen_server/local/service.json   the deployment; with service.pid and service.log (service.c)
 *     zen_server/docker/service.json
 *     local_stores/kanso/             the server's own home, database included: stays when the deployment is removed
 */
#ifndef KANSO_DEPLOY_DEPLOY_H
#define KANSO_DEPLOY_DEPLOY_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What ended a call, by the reference's exceptions; why stands in deployer.problem. */
enum deploy_end {
    DEPLOY_OK,
    DEPLOY_FAILED,            /* ServerDeploymentError */
    DEPLOY_NO_PROVIDER,       /* ServerProviderNotFoundError */
    DEPLOY_EXISTS,            /* ServerDeploymentExistsError */
    DEPLOY_NOT_FOUND,         /* ServerDeploymentNotFoundError */
    DEPLOY_BAD_CONFIGURATION, /* ServerDeploymentConfigurationError */
    DEPLOY_DUPLICATE,         /* TypeError: a provider of that type is there already */
};

enum { DEPLOY_LOCAL_PORT = 8237, DEPLOY_DOCKER_PORT = 8238, DEPLOY_MAX_PROVIDERS = 8 };

/* What a server is to be. Texts are NULL where nothing is said; a port of 0 is the provider's own. */
struct server_config {
    const char *name, *provider;
    int64_t port;
    const char *ip_address; /* local only */
    const char *image;      /* docker only */
    const char *store;      /* URL of a database; NULL: one of the server's own */
    bool blocking;          /* local only: up to the caller (deploy_serve()) */
};

/* A server as its files say, and as it was found. */
struct deployment {
    struct server_config config;
    const char *uuid;
    const char *state;   /* "active", "inactive" or "error" */
    const char *message; /* what there is to say about it, or "" */
    const char *url;     /* NULL unless it answers */
    bool connected;      /* the client is connected to it */
};

struct deployer;

/* One way to deploy: each function gets what it needs of the deployer, and says why it failed in deployer.problem. */
struct server_provider {
    const char *type;
    int64_t port;       /* the default */
    unsigned timeout_s; /* until a server has to answer */
    /* Refuses what the provider has no member for, and fills in defaults. */
    enum deploy_end (*complete)(struct deployer *d, struct server_config *config);
    enum deploy_end (*start)(struct deployer *d, const struct deployment *server);
    enum deploy_end (*stop)(struct deployer *d, const struct deployment *server, unsigned timeout_s);
    /* Fills in state and message; whether there is something that could answer. */
    bool (*check)(struct deployer *d, struct deployment *server);
};

extern const struct server_provider provider_local, provider_docker;

struct deployer {
    struct arena *mem;
    const char *config_dir;             /* the client's configuration directory; it need not be there */
    const char *stores_dir;             /* the client's local stores */
    const char *tree;                   /* where scripts/kanso is */
    const char *program;                /* this program, for deploy_serve() in the background */
    const char *problem;                /* why the last call did not end with DEPLOY_OK */
    void (*progress)(const char *text); /* is told what goes on; NULL: nobody */
    const struct server_provider *providers[DEPLOY_MAX_PROVIDERS];
    size_t provider_count;
};

/* Fills in the directories from ZENML_CONFIG_PATH, ZENML_LOCAL_STORES_PATH and the home directory, and registers both
 * providers. */
enum deploy_end deployer_open(struct deployer *d, struct arena *mem, const char *tree, const char *program);

enum deploy_end deployer_register(struct deployer *d, const struct server_provider *provider);
enum deploy_end deployer_provider(struct deployer *d, const char *type, const struct server_provider **out);

/* The following hold a lock on the directory of deployments while they work: a second one waits for the first, up to a
 * minute. */

/* Deploys a server, or brings the one of that name to what the configuration says: nothing happens when it runs as it
 * should. A deployment of another provider is removed before. Waits until the server answers; timeout_s 0: the
 * provider's own. */
enum deploy_end deployer_deploy(struct deployer *d, const struct server_config *config, unsigned timeout_s,
                                struct deployment *out);

/* Stops a server and removes its files; its database stays. A client that is connected to it is disconnected. */
enum deploy_end deployer_remove(struct deployer *d, const char *name, unsigned timeout_s);

/* The server of that name. */
enum deploy_end deployer_get(struct deployer *d, const char *name, struct deployment *out);

/* All servers, of a name or a provider where these are given; at most as many as there are providers. */
enum deploy_end deployer_list(struct deployer *d, const char *name, const char *provider,
                              struct deployment out[DEPLOY_MAX_PROVIDERS], size_t *count);

/* Connects the client to a server, as this user. Does nothing when it is. */
enum deploy_end deployer_connect(struct deployer *d, const char *name, const char *username, const char *password,
                                 bool verify_ssl);

/* Gives the client back its default store, when it is connected to a server: to that one, where a name is given. */
enum deploy_end deployer_disconnect(struct deployer *d, const char *name, bool *done);

/* Paths ------------------------------------------------------------------------------------------------------------ */

const char *deploy_dir(struct deployer *d, const char *provider);
const char *deploy_file(struct deployer *d, const char *provider, const char *name);

/* The home of the server itself, see above; for root, who cannot share his own, as /var/lib/kanso-HASH. */
const char *deploy_home(struct deployer *d, const char *provider);

/* The password that a server has made up for its first user, or NULL. */
const char *deploy_password(struct deployer *d, const char *provider);

/* The last line of a server's log that says something, for messages. */
const char *deploy_last_words(struct deployer *d, const char *provider);

/* Rooms' own --------------------------------------------------------------------------------------------------------
 */

/* Says why, and returns `end`. */
enum deploy_end deploy_fail(struct deployer *d, enum deploy_end end, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* service.json of a provider: DEPLOY_NOT_FOUND when there is none, DEPLOY_FAILED when it cannot be read as one.
 * Written as a whole or not at all, for the user's eyes only: it may hold the password of a database. */
enum deploy_end service_read(struct deployer *d, const char *provider, struct deployment *out);
enum deploy_end service_write(struct deployer *d, const struct deployment *server);

/* Removes the directory of a deployment with all that is in it. */
enum deploy_end service_remove(struct deployer *d, const char *provider);

/* The client's configuration: the URL of the server that it is connected to, or NULL. */
const char *client_url(struct deployer *d);
enum deploy_end client_connect(struct deployer *d, const char *url, const char *username, const char *password,
                               bool verify_ssl);
enum deploy_end client_disconnect(struct deployer *d);

/* Serves a local deployment in this process until it is told to end (SIGTERM, SIGINT): runs scripts/kanso, with its
 * process id in the file and its output in the log; NULL: none, and standard output. */
enum deploy_end deploy_serve(struct deployer *d, const struct server_config *config, const char *pid_file,
                             const char *log_file);

#endif
