/* kansoctl deploy: servers on this machine for a user's stock client. */
#include "deploy/deploy.h"
#include "base/settings.h"
#include "base/text.h"
#include "ctl/ask.h"
#include "ctl/ctl.h"
#include "json/write.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_TIMEOUT_S = 3600, FOLLOW_MS = 1000, PIECE = 65536 };

#define DEFAULT_NAME "local"
#define DEFAULT_USER "default"

static void report(const char *text)
{
    fprintf(stderr, "kanso: %s\n", text);
}

/* The deployer of the caller; NULL when there can be none, and *status says what the process ends with. */
static struct deployer *open_deployer(const struct ctl_call *call, int *status)
{
    struct deployer *d = arena_alloc(call->mem, sizeof *d);
    char *program = realpath("/proc/self/exe", NULL);
    if (deployer_open(d, call->mem, settings_tree(call->mem), program ? arena_strdup(call->mem, program) : "") !=
        DEPLOY_OK) {
        *status = ctl_fail("%s", d->problem);
        d = NULL;
    }
    free(program);
    if (d)
        d->progress = report;
    return d;
}

static int ended(struct deployer *d, enum deploy_end end)
{
    static const char *const NAMES[] = {
        [DEPLOY_FAILED] = "ServerDeploymentError",
        [DEPLOY_NO_PROVIDER] = "ServerProviderNotFoundError",
        [DEPLOY_EXISTS] = "ServerDeploymentExistsError",
        [DEPLOY_NOT_FOUND] = "ServerDeploymentNotFoundError",
        [DEPLOY_BAD_CONFIGURATION] = "ServerDeploymentConfigurationError",
        [DEPLOY_DUPLICATE] = "TypeError",
    };
    if (end == DEPLOY_OK)
        return CTL_DONE;
    if (end == DEPLOY_NOT_FOUND)
        return ctl_missing("%s: %s", NAMES[end], d->problem);
    return ctl_fail("%s: %s", NAMES[end], d->problem);
}

static const char *name_of(const struct ctl_call *call)
{
    return call->operand_count ? call->operands[0] : DEFAULT_NAME;
}

/* Results ---------------------------------------------------------------------------------------------------------- */

static const struct ctl_column columns[] = {
    {"name", CTL_TEXT, 8},
    {"provider", CTL_TEXT, 8},
    {"state", CTL_TEXT, 8},
    {"url", CTL_TEXT, 24},
    {"connected", CTL_BOOL, 9},
    {"message", CTL_TEXT, 0},
    {"config", CTL_JSON, CTL_HIDDEN},
    {"status", CTL_JSON, CTL_HIDDEN},
    {NULL},
};

static void put(struct jw *w, const char *name, const char *value)
{
    jw_key(w, name);
    jw_str(w, value);
}

static const char *taken(struct arena *a, struct buf *text)
{
    const char *copy = arena_strndup(a, text->data, text->len);
    buf_free(text);
    return copy;
}

static const char *config_json(struct arena *a, const struct server_config *c)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    bool local = streq(c->provider, "local");
    jw_open(&w, '{');
    put(&w, "name", c->name);
    put(&w, "provider", c->provider);
    jw_key(&w, "port");
    jw_int(&w, c->port);
    put(&w, local ? "ip_address" : "image", local ? c->ip_address : c->image);
    if (local) {
        jw_key(&w, "blocking");
        jw_bool(&w, c->blocking);
    }
    put(&w, "store", c->store ? "(set)" : NULL); /* it may hold a password */
    jw_key(&w, "use_legacy_dashboard");
    jw_bool(&w, false);
    jw_close(&w, '}');
    return taken(a, &text);
}

static const char *status_json(struct arena *a, const struct deployment *server)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    jw_open(&w, '{');
    put(&w, "status", server->state);
    put(&w, "status_message", server->message);
    jw_key(&w, "connected");
    jw_bool(&w, server->connected);
    put(&w, "url", server->url);
    put(&w, "ca_crt", NULL);
    jw_close(&w, '}');
    return taken(a, &text);
}

static void print(const struct ctl_call *call, const struct deployment *server)
{
    const struct db_value values[] = {
        ctl_value(server->config.name),
        ctl_value(server->config.provider),
        ctl_value(server->state),
        ctl_value(server->url),
        ctl_value(server->connected ? "1" : "0"),
        ctl_value(server->message),
        ctl_value(config_json(call->mem, &server->config)),
        ctl_value(status_json(call->mem, server)),
    };
    ctl_row(call, values);
}

/* Up and down ------------------------------------------------------------------------------------------------------ */

static int read_config(const struct ctl_call *call, struct server_config *c)
{
    const char *provider = ctl_option(call, "provider");
    *c = (struct server_config){
        .name = name_of(call),
        .provider = provider ? provider : "local",
        .ip_address = ctl_option(call, "ip-address"),
        .image = ctl_option(call, "image"),
        .store = ctl_option(call, "store"),
        .blocking = ctl_option(call, "blocking") != NULL,
    };
    return ctl_number(call, "port", 1, 65535, &c->port);
}

/* The user and the password that a server has got at its first start. */
static int connect_first(const struct ctl_call *call, struct deployer *d, const struct deployment *server)
{
    const char *given = ctl_env("ZENML_DEFAULT_USER_PASSWORD", NULL);
    const char *password = given ? given : deploy_password(d, server->config.provider);
    if (!password) {
        report("the client is not connected: the password of this database's first user is not known here; "
               "`kansoctl deploy connect` asks for it");
        return CTL_DONE;
    }
    (void)call;
    return ended(
        d, deployer_connect(d, server->config.name, ctl_env("ZENML_DEFAULT_USER_NAME", DEFAULT_USER), password, true));
}

static int serve_here(struct deployer *d, struct server_config *c)
{
    const struct server_provider *p = NULL;
    enum deploy_end end = deployer_provider(d, c->provider, &p);
    if (p)
        end = p->complete(d, c);
    return ended(d, end == DEPLOY_OK ? deploy_serve(d, c, NULL, NULL) : end);
}

static int up(const struct ctl_call *call)
{
    struct server_config c;
    struct deployment server;
    int64_t timeout = 0;
    int status = read_config(call, &c);
    if (status == CTL_DONE)
        status = ctl_number(call, "timeout", 1, MOST_TIMEOUT_S, &timeout);
    struct deployer *d = status == CTL_DONE ? open_deployer(call, &status) : NULL;
    if (!d)
        return status;
    if (c.blocking)
        return serve_here(d, &c);
    status = ended(d, deployer_deploy(d, &c, (unsigned)timeout, &server));
    if (status == CTL_DONE && !ctl_option(call, "no-connect"))
        status = connect_first(call, d, &server);
    if (status == CTL_DONE)
        status = ended(d, deployer_get(d, c.name, &server));
    if (status == CTL_DONE)
        print(call, &server);
    return status;
}

static int down(const struct ctl_call *call)
{
    int64_t timeout = 0;
    int status = ctl_number(call, "timeout", 1, MOST_TIMEOUT_S, &timeout);
    struct deployer *d = status == CTL_DONE ? open_deployer(call, &status) : NULL;
    if (!d)
        return status;
    enum deploy_end end = deployer_remove(d, name_of(call), (unsigned)timeout);
    if (end == DEPLOY_NOT_FOUND && !call->operand_count) { /* nothing is as it is wanted */
        report("there is no server to remove");
        return CTL_DONE;
    }
    return ended(d, end);
}

static int show(const struct ctl_call *call)
{
    int status;
    struct deployment server;
    struct deployer *d = open_deployer(call, &status);
    if (!d)
        return status;
    status = ended(d, deployer_get(d, name_of(call), &server));
    if (status == CTL_DONE)
        print(call, &server);
    return status;
}

static int list(const struct ctl_call *call)
{
    int status;
    struct deployment servers[DEPLOY_MAX_PROVIDERS];
    size_t count;
    struct deployer *d = open_deployer(call, &status);
    if (!d)
        return status;
    status = ended(d, deployer_list(d, ctl_option(call, "name"), ctl_option(call, "provider"), servers, &count));
    for (size_t i = 0; status == CTL_DONE && i < count; i++)
        print(call, &servers[i]);
    return status;
}

/* Logs ------------------------------------------------------------------------------------------------------------- */

/* Where the last `lines` lines of what stands before `end` in a file begin. */
static off_t tail_of(int fd, off_t end, int64_t lines)
{
    char piece[PIECE];
    off_t at = end;
    while (at > 0) {
        off_t from = at > PIECE ? at - PIECE : 0;
        ssize_t n = pread(fd, piece, (size_t)(at - from), from);
        for (ssize_t i = n; i-- > 0;)
            if (piece[i] == '\n' && from + i + 1 < end && --lines == 0)
                return from + i + 1;
        at = n > 0 ? from : 0;
    }
    return 0;
}

/* Prints what stands from `from` to `end`, or with `follow` what there is from `from` on, and what comes. */
static int print_log(int fd, off_t from, off_t end, bool follow)
{
    char piece[PIECE];
    off_t left = end - from;
    lseek(fd, from, SEEK_SET);
    for (;;) {
        size_t most = follow || left > PIECE ? PIECE : left > 0 ? (size_t)left : 0;
        ssize_t n = most ? read(fd, piece, most) : 0;
        if (n > 0 && fwrite(piece, 1, (size_t)n, stdout) != (size_t)n)
            return ctl_fail("the log cannot be written");
        left -= n > 0 ? n : 0;
        if (n > 0)
            continue;
        if (fflush(stdout) != 0)
            return CTL_FAILED;
        if (!follow)
            return CTL_DONE;
        nanosleep(&(struct timespec){.tv_sec = FOLLOW_MS / 1000}, NULL);
    }
}

static int logs(const struct ctl_call *call)
{
    int64_t lines = -1;
    int status = ctl_number(call, "tail", 1, INT32_MAX, &lines);
    struct deployment server;
    struct deployer *d = status == CTL_DONE ? open_deployer(call, &status) : NULL;
    if (!d)
        return status;
    status = ended(d, deployer_get(d, name_of(call), &server));
    if (status != CTL_DONE)
        return status;
    int fd = open(deploy_file(d, server.config.provider, "service.log"), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return CTL_DONE; /* it has said nothing */
    /* What the server adds from now on is neither counted nor printed. */
    off_t end = lseek(fd, 0, SEEK_END);
    status = print_log(fd, lines > 0 ? tail_of(fd, end, lines) : 0, end, ctl_option(call, "follow") != NULL);
    close(fd);
    return status;
}

/* The client ------------------------------------------------------------------------------------------------------- */

static int connect_client(const struct ctl_call *call)
{
    int status;
    const char *problem = NULL, *user = ctl_option(call, "username");
    struct deployer *d = open_deployer(call, &status);
    if (!d)
        return status;
    user = user ? user : DEFAULT_USER;
    const char *password = ask_password(call->mem, user, &problem);
    if (!password)
        return ctl_fail("%s", problem);
    return ended(d, deployer_connect(d, name_of(call), user, password, !ctl_option(call, "no-verify-ssl")));
}

static int disconnect_client(const struct ctl_call *call)
{
    int status;
    bool done;
    struct deployer *d = open_deployer(call, &status);
    if (!d)
        return status;
    status = ended(d, deployer_disconnect(d, call->operand_count ? call->operands[0] : NULL, &done));
    if (status == CTL_DONE && !done)
        report("the client is not connected to it");
    return status;
}

/* The daemon itself ------------------------------------------------------------------------------------------------ */

static int serve(const struct ctl_call *call)
{
    int status;
    struct deployment server;
    struct deployer *d = open_deployer(call, &status);
    if (!d)
        return status;
    enum deploy_end end = service_read(d, "local", &server);
    return ended(d, end != DEPLOY_OK
                        ? end
                        : deploy_serve(d, &server.config, ctl_option(call, "pid-file"), ctl_option(call, "log-file")));
}

#define OPERAND .synopsis = "[NAME]", .most_operands = 1

const struct ctl_command ctl_deploy = {
    .name = "deploy",
    .summary = "servers on this machine for one's own ZenML client",
    .details =
        "Starts and stops Kanso for one user, and connects his client to it, as `zenml up` does with its server.\n",
};

const struct ctl_command ctl_deploy_up = {
    .name = "deploy up",
    .summary = "start a server, and connect the client to it",
    OPERAND,
    .details =
        "Starts a server for this user's ZenML client, as `zenml up` does, waits until it answers, and connects the\n"
        "client to it. When it runs as asked for, nothing happens. `zenml status`, `zenml down` and `zenml logs` know\n"
        "what this starts, and this command what `zenml up` has started. NAME is `local` unless given.\n"
        "The data stay when the server is removed: in local_stores/kanso of the client's configuration directory.\n",
    .options = {{"provider", "TYPE", "local: processes of this machine, or docker: a container (local)"},
                {"port", "PORT", "where it listens (8237; docker: 8238)"},
                {"ip-address", "ADDRESS", "local: the address where it listens (127.0.0.1)"},
                {"image", "IMAGE", "docker: the image (kanso:with-database; with --store: kanso)"},
                {"store", "URL", "a MySQL or MariaDB: mysql://USER:PASSWORD@HOST/NAME (one of its own)"},
                {"timeout", "SECONDS", "how long it may take until it answers (30; docker: 60)"},
                {"blocking", NULL, "local: stay in the foreground until Ctrl-C"},
                {"no-connect", NULL, "leave the client alone"}},
    .columns = columns,
    .single = true,
    .run = up,
};

const struct ctl_command ctl_deploy_down = {
    .name = "deploy down",
    .summary = "stop a server and remove its files",
    OPERAND,
    .details = "Stops the server, removes its files, and gives a client that is connected to it its default store\n"
               "back. The database of the server stays.\n",
    .options = {{"timeout", "SECONDS", "after which it is killed (30; docker: 60)"}},
    .run = down,
};

const struct ctl_command ctl_deploy_status = {
    .name = "deploy status",
    .summary = "how a server is",
    OPERAND,
    .details = "Shows the state of a server, its URL when it answers, and whether the client is connected to it.\n",
    .columns = columns,
    .single = true,
    .run = show,
};

const struct ctl_command ctl_deploy_list = {
    .name = "deploy list",
    .summary = "all servers that are deployed here",
    .details = "Lists the servers of this user's client.\n",
    .options = {{"name", "NAME", "only those of that name"}, {"provider", "TYPE", "only those of that provider"}},
    .columns = columns,
    .run = list,
};

const struct ctl_command ctl_deploy_logs = {
    .name = "deploy logs",
    .summary = "the log of a server",
    OPERAND,
    .details = "Prints the log of a server.\n",
    .options = {{"tail", "LINES", "only the last lines"}, {"follow", NULL, "go on with what comes, until Ctrl-C"}},
    .run = logs,
};

const struct ctl_command ctl_deploy_connect = {
    .name = "deploy connect",
    .summary = "connect the client to a server",
    OPERAND,
    .details =
        "Connects this user's ZenML client to a server that is deployed here. The password is asked for, or read\n"
        "from standard input. The client keeps it in its config.yaml, which only its owner can read then.\n",
    .options = {{"username", "NAME", "the user (default)"},
                {"no-verify-ssl", NULL, "whoever answers is believed to be the server"}},
    .run = connect_client,
};

const struct ctl_command ctl_deploy_disconnect = {
    .name = "deploy disconnect",
    .summary = "give the client its default store back",
    OPERAND,
    .details = "Ends the client's connection to a server; with NAME only if it is that one.\n",
    .run = disconnect_client,
};

const struct ctl_command ctl_deploy_serve = {
    .name = "deploy serve",
    .summary = "what `deploy up` leaves running",
    .synopsis = "MODULE --config-file FILE --pid-file FILE",
    .details =
        "Runs the server that service.json describes until it is told to end. The command line is what the ZenML\n"
        "client looks for in a server that it did not start itself.\n",
    .options = {{"config-file", "FILE", "service.json"},
                {"pid-file", "FILE", "where the process id is written"},
                {"log-file", "FILE", "where its output goes"}},
    .least_operands = 1,
    .most_operands = 1,
    .run = serve,
};
