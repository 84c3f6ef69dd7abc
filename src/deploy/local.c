/*
 * Servers as processes of this machine. One process stands for all of a server, as for the stock client: its id is in
 * service.pid, it ends on SIGTERM when all else has ended, and its command line names what the stock client looks for.
 */
#include "base/file.h"
#include "base/text.h"
#include "deploy/deploy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_S = 30, POLL_MS = 50, STARTED_S = 30, PID_MOST = 64, STAT_MOST = 4096, COMMAND_MOST = 64 * 1024 };

/* What the stock client's daemon runs, which it looks for in the command line of a process before it believes that
 * that is a server. */
#define DAEMON "zenml.services.local.local_daemon_entrypoint"

static enum deploy_end complete(struct deployer *d, struct server_config *c)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (c->image)
        return deploy_fail(d, DEPLOY_BAD_CONFIGURATION,
                           "Invalid configuration for provider local: image: a local server has none");
    c->port = c->port ? c->port : DEPLOY_LOCAL_PORT;
    c->ip_address = c->ip_address ? c->ip_address : "127.0.0.1";
    if (inet_pton(AF_INET, c->ip_address, address) != 1 && inet_pton(AF_INET6, c->ip_address, address) != 1)
        return deploy_fail(d, DEPLOY_BAD_CONFIGURATION,
                           "Invalid configuration for provider local: ip_address: '%s' is neither an IPv4 nor an IPv6 "
                           "address",
                           c->ip_address);
    return DEPLOY_OK;
}

/* The process ------------------------------------------------------------------------------------------------------ */

/* Whether that process is the server's: it may have ended, and its id be another's, such as an editor's with its file.
 */
static bool is_server(struct deployer *d, pid_t pid)
{
    size_t len;
    const char *text = file_read(d->mem, arena_printf(d->mem, "/proc/%d/cmdline", (int)pid), COMMAND_MOST, &len);
    const char *file = deploy_file(d, "local", "service.json");
    bool daemon = false, of_file = false;
    for (size_t at = 0; text && at < len; at += strlen(text + at) + 1) {
        daemon = daemon || streq(text + at, DAEMON);
        of_file = of_file || streq(text + at, file);
    }
    return daemon && of_file;
}

/* The server's process, or 0. */
static pid_t server_pid(struct deployer *d)
{
    size_t len;
    const char *text = file_read(d->mem, deploy_file(d, "local", "service.pid"), PID_MOST, &len);
    long pid = text ? strtol(text, NULL, 10) : 0;
    return pid > 1 && pid < INT32_MAX && is_server(d, (pid_t)pid) ? (pid_t)pid : 0;
}

static bool check(struct deployer *d, struct deployment *server)
{
    bool there = server_pid(d) != 0;
    server->state = there ? "active" : "inactive";
    server->message = there ? "" : "service daemon is not running";
    return there;
}

/* Whether somebody listens there. */
static bool port_is_free(const struct server_config *c)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)c->port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port)};
    bool is_four = inet_pton(AF_INET, c->ip_address, &four.sin_addr) == 1;
    if (!is_four)
        inet_pton(AF_INET6, c->ip_address, &six.sin6_addr);
    int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    bool ok =
        bind(fd, is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six, is_four ? sizeof four : sizeof six) == 0;
    close(fd);
    return ok;
}

/* Starting --------------------------------------------------------------------------------------------------------- */

/* In a process of its own session, whose parent does not wait: nobody is left to be waited for. */
static void become_daemon(const struct deployer *d, const char *json, const char *pid_file, const char *log_file)
{
    if (setsid() < 0 || fork() != 0)
        _exit(0);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    execl(d->program, d->program, "deploy", "serve", DAEMON, "--config-file", json, "--pid-file", pid_file,
          "--log-file", log_file, (char *)NULL);
    _exit(127);
}

static enum deploy_end launch(struct deployer *d)
{
    const char *json = deploy_file(d, "local", "service.json"), *pid_file = deploy_file(d, "local", "service.pid"),
               *log_file = deploy_file(d, "local", "service.log");
    unlink(pid_file);
    int log = open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (log >= 0)
        close(log);
    pid_t child = fork();
    if (child == 0)
        become_daemon(d, json, pid_file, log_file);
    if (child < 0 || waitpid(child, NULL, 0) < 0)
        return deploy_fail(d, DEPLOY_FAILED, "No process can be started: %s", strerror(errno));
    for (int tries = 0; tries < STARTED_S * 1000 / POLL_MS; tries++) {
        if (server_pid(d))
            return DEPLOY_OK;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return deploy_fail(d, DEPLOY_FAILED, "The server has not started: %s", deploy_last_words(d, "local"));
}

static enum deploy_end start(struct deployer *d, const struct deployment *server)
{
    if (server_pid(d))
        return DEPLOY_OK;
    if (!port_is_free(&server->config))
        return deploy_fail(d, DEPLOY_FAILED, "TCP port %d is not available.", (int)server->config.port);
    enum deploy_end end = service_write(d, server);
    return end == DEPLOY_OK ? launch(d) : end;
}

/* Stopping --------------------------------------------------------------------------------------------------------- */

/* Whether a process has ended: there is none, or nobody has asked yet how it ended. */
static bool has_ended(struct deployer *d, pid_t pid)
{
    size_t len;
    const char *text = file_read(d->mem, arena_printf(d->mem, "/proc/%d/stat", (int)pid), STAT_MOST, &len);
    const char *state = text ? strrchr(text, ')') : NULL;
    return !state || (state[1] == ' ' && strchr("ZX", state[2]));
}

static bool gone(struct deployer *d, pid_t pid, unsigned seconds)
{
    for (unsigned tries = 0; tries < seconds * 1000 / POLL_MS; tries++) {
        if (has_ended(d, pid))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return has_ended(d, pid);
}

static enum deploy_end stop(struct deployer *d, const struct deployment *server, unsigned timeout_s)
{
    (void)server;
    pid_t pid = server_pid(d);
    if (!pid)
        return DEPLOY_OK;
    if (kill(pid, SIGTERM) != 0 && errno != ESRCH)
        return deploy_fail(d, DEPLOY_FAILED, "The process %d cannot be told to end: %s", (int)pid, strerror(errno));
    if (gone(d, pid, timeout_s))
        return DEPLOY_OK;
    kill(pid, SIGKILL);
    return gone(d, pid, STARTED_S) ? DEPLOY_OK
                                   : deploy_fail(d, DEPLOY_FAILED, "The process %d does not end.", (int)pid);
}

const struct server_provider provider_local = {
    .type = "local",
    .port = DEPLOY_LOCAL_PORT,
    .timeout_s = TIMEOUT_S,
    .complete = complete,
    .start = start,
    .stop = stop,
    .check = check,
};

/* Serving ---------------------------------------------------------------------------------------------------------- */

/* The settings of the server: what this environment says of ZenML's goes on to it, as it does with the reference. */
static void set_environment(struct deployer *d, const struct server_config *c)
{
    const char *home = deploy_home(d, "local"), *conf = arena_printf(d->mem, "%s/kanso.conf", home);
    const char *fixed[][2] = {
        {"KANSO_HOME", home},
        {"KANSO_CONF", access(conf, R_OK) == 0 ? conf : "/dev/null"}, /* not that of another instance */
        {"KANSO_PORT", arena_printf(d->mem, "%d", (int)c->port)},
        {"KANSO_ADDRESS", c->ip_address},
        {"ZENML_SERVER_DEPLOYMENT_TYPE", "local"},
        {"ZENML_LOCAL_STORES_PATH", d->stores_dir},
        {"ZENML_SERVER_AUTO_ACTIVATE", "True"},
        {"ZENML_LOCAL_SERVER", "True"},
        {"ZENML_STORE_URL", c->store},
    };
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (fixed[i][1])
            setenv(fixed[i][0], fixed[i][1], 1);
    if (!getenv("KANSO_WORKERS"))
        setenv("KANSO_WORKERS", "all", 1); /* one user's */
    unsetenv("ZENML_CONFIG_PATH");         /* the client's */
}

static enum deploy_end write_pid(struct deployer *d, const char *path)
{
    const char *text = arena_printf(d->mem, "%d", (int)getpid());
    const char *problem = file_replace(d->mem, path, text, strlen(text));
    return problem ? deploy_fail(d, DEPLOY_FAILED, "%s", problem) : DEPLOY_OK;
}

/* Hands signals on to the child until it has ended. */
static int wait_and_forward(pid_t child, const sigset_t *signals)
{
    int status = 0, sig = 0;
    for (;;) {
        sigwait(signals, &sig);
        if (sig != SIGCHLD)
            kill(child, SIGTERM);
        else if (waitpid(child, &status, WNOHANG) == child)
            return status;
    }
}

enum deploy_end deploy_serve(struct deployer *d, const struct server_config *config, const char *pid_file,
                             const char *log_file)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before anybody knows whom to tell */
    if (pid_file && write_pid(d, pid_file) != DEPLOY_OK)
        return DEPLOY_FAILED;
    set_environment(d, config);
    int log = log_file ? open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
    if (log_file && log < 0)
        return deploy_fail(d, DEPLOY_FAILED, "%s cannot be written: %s", log_file, strerror(errno));
    const char *script = arena_printf(d->mem, "%s/scripts/kanso", d->tree);
    pid_t child = fork();
    if (child < 0)
        return deploy_fail(d, DEPLOY_FAILED, "No process can be started: %s", strerror(errno));
    if (child == 0) {
        sigprocmask(SIG_UNBLOCK, &signals, NULL);
        if (log >= 0) {
            dup2(log, STDOUT_FILENO);
            dup2(log, STDERR_FILENO);
        }
        setpgid(0, 0); /* a terminal's Ctrl-C reaches it through this process, once */
        execl(script, script, "run", (char *)NULL);
        dprintf(STDERR_FILENO, "kanso: %s cannot be run: %s\n", script, strerror(errno));
        _exit(127);
    }
    int status = wait_and_forward(child, &signals);
    if (pid_file)
        unlink(pid_file);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? DEPLOY_OK
               : deploy_fail(d, DEPLOY_FAILED, "The server has failed; its output says why.");
}
