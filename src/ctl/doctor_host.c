/* kansoctl doctor: what is to be seen on this host. */
#include "ctl/doctor.h"

#include "base/config.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/text.h"
#include "http/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

/* The group of kanso.conf may be the one that everything runs as. */
enum { KEY_FOR_OTHERS = 077, CONF_FOR_OTHERS = 027, WRITTEN_BY_OTHERS = 022 };

static const char *in_home(const struct doctor *d, const char *path)
{
    return arena_printf(d->mem, "%s/%s", d->place.home, path);
}

/* Files ------------------------------------------------------------------------------------------------------------ */

/* A file that holds secrets must not have these bits of its mode; returns whether it has none. */
static bool is_private(struct doctor *d, const char *path, mode_t for_others)
{
    struct stat s;
    if (stat(path, &s) != 0 || !(s.st_mode & for_others))
        return true;
    found_problem(d, arena_printf(d->mem, "chmod %s %s", for_others & 040 ? "600" : "640", path),
                  "%s holds secrets, and others may read or change it", path);
    return false;
}

static bool holds_secret(struct arena *a, const char *path)
{
    static const char *const words[] = {"PASSWORD=", "KEY=", "SECRET=", "ZENML_STORE_URL="};
    size_t len;
    const char *text = file_read(a, path, (size_t)1 << 20, &len);
    for (size_t i = 0; text && i < ARRAY_LEN(words); i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

/* The keys and passwords in etc/. */
static bool check_keys(struct doctor *d)
{
    bool good = true;
    DIR *dir = opendir(in_home(d, "etc"));
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strstr(e->d_name, "-key") || strstr(e->d_name, "password"))
            good = is_private(d, in_home(d, arena_printf(d->mem, "etc/%s", e->d_name)), KEY_FOR_OTHERS) && good;
    if (dir)
        closedir(dir);
    return good;
}

static void check_files(struct doctor *d)
{
    struct stat s;
    bool good = true;
    const char *conf = d->place.conf;
    if (conf && stat(conf, &s) == 0 && S_ISREG(s.st_mode)) {
        if (access(conf, R_OK) != 0) {
            found_problem(d, "call this as the user that starts Kanso", "%s cannot be read", conf);
            good = false;
        } else if (holds_secret(d->mem, conf)) {
            good = is_private(d, conf, CONF_FOR_OTHERS);
        }
        if (s.st_mode & WRITTEN_BY_OTHERS && good) {
            found_problem(d, arena_printf(d->mem, "chmod go-w %s", conf), "others may write to %s", conf);
            good = false;
        }
    }
    if (d->place.home && stat(d->place.home, &s) == 0) {
        if (s.st_mode & WRITTEN_BY_OTHERS) {
            found_problem(d, arena_printf(d->mem, "chmod go-w %s", d->place.home), "others may write to KANSO_HOME=%s",
                          d->place.home);
            good = false;
        }
        good = check_keys(d) && good;
    }
    if (good)
        found_good(d, "settings and keys are their owner's alone");
}

static void check_space(struct doctor *d)
{
    enum { MB = 1 << 20, PROBLEM_MB = 64, WARNING_MB = 1024, INODES = 1000 };
    struct statvfs v;
    if (!d->place.home || statvfs(d->place.home, &v) != 0)
        return;
    unsigned long long free_mb = (unsigned long long)v.f_bavail * v.f_frsize / MB;
    const char *advice = "free some space on its disk, or move KANSO_HOME";
    if (free_mb < PROBLEM_MB)
        found_problem(d, advice, "%llu MB are left for KANSO_HOME=%s, logs, uploads and a private database", free_mb,
                      d->place.home);
    else if (free_mb < WARNING_MB)
        found_warning(d, advice, "%llu MB are left for KANSO_HOME=%s", free_mb, d->place.home);
    else if (v.f_files && v.f_favail < INODES)
        found_warning(d, advice, "%llu more files fit on the disk of KANSO_HOME=%s", (unsigned long long)v.f_favail,
                      d->place.home);
    else
        found_good(d, "%llu MB are left for KANSO_HOME=%s", free_mb, d->place.home);
}

/* Processes -------------------------------------------------------------------------------------------------------- */

/* Whether the process noted in run/NAME.pid is there. */
static bool is_alive(struct doctor *d, const char *file)
{
    size_t len;
    const char *text = file_read(d->mem, in_home(d, arena_printf(d->mem, "run/%s", file)), 64, &len);
    long pid = text ? strtol(text, NULL, 10) : 0;
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* What a supervisor says of a program that keeps ending. */
static void check_state(struct doctor *d, const char *name)
{
    size_t len = 0;
    const char *text = file_read(d->mem, in_home(d, arena_printf(d->mem, "run/%s.state", name)), 4096, &len);
    if (text && len)
        found_problem(d, arena_printf(d->mem, "see %s/log/%s.log", d->place.home, name), "%s: %.*s", name,
                      (int)strcspn(text, "\n"), text);
}

static void check_processes(struct doctor *d)
{
    unsigned running = 0;
    if (!d->up) {
        found_warning(d, arena_printf(d->mem, "start it: %s", ctl_run_command(d->mem, &d->place, "start")),
                      "Kanso does not run here (KANSO_HOME=%s)", d->place.home ? d->place.home : "not set");
        return;
    }
    if (d->service) {
        found_good(d, "systemd runs kanso.service");
        return;
    }
    DIR *dir = opendir(in_home(d, "run"));
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char *end = strstr(e->d_name, ".pid");
        if (!end || end[4])
            continue;
        const char *name = arena_strndup(d->mem, e->d_name, (size_t)(end - e->d_name));
        if (is_alive(d, e->d_name))
            running++;
        else
            found_problem(d, arena_printf(d->mem, "start it again: %s", ctl_run_command(d->mem, &d->place, "start")),
                          "%s has ended", name);
        check_state(d, name);
    }
    if (dir)
        closedir(dir);
    found_good(d, "%u supervised programs run", running);
}

static int try_connect(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof to.sun_path)
        return ENAMETOOLONG;
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? 0 : errno;
    if (fd >= 0)
        close(fd);
    return error;
}

static void check_sockets(struct doctor *d)
{
    struct stat s;
    bool good = d->up;
    for (size_t i = 0; d->up && i < d->plan.count; i++) {
        const char *path = in_home(d, arena_printf(d->mem, "run/%s.sock", d->plan.sockets[i].name));
        int error = stat(path, &s) == 0 ? try_connect(path) : errno;
        good = good && !error && !(s.st_mode & 07);
        if (error)
            found_problem(d,
                          arena_printf(d->mem, "%s; has KANSO_WORKERS changed since the start?",
                                       ctl_run_command(d->mem, &d->place, "restart")),
                          "workers cannot be reached at %s: %s", path, strerror(error));
        else if (s.st_mode & 07)
            found_problem(d, arena_printf(d->mem, "chmod o-rwx %s", path), "everybody may talk to the workers at %s",
                          path);
    }
    if (good)
        found_good(d, "%zu sockets of workers are reached", d->plan.count);
}

/* nginx ------------------------------------------------------------------------------------------------------------ */

static const char *first_line(struct arena *a, const char *text)
{
    return arena_strndup(a, text, strcspn(text, "\n"));
}

static struct spawned run_nginx(struct doctor *d, const char *const *argv)
{
    enum { MOST = 1 << 20, SECONDS = 20 };
    const char *path = ctl_env("PATH", "/usr/bin:/bin");
    setenv("PATH", arena_printf(d->mem, "%s:/usr/sbin:/sbin", path), 1);
    return spawn(d->mem, &(struct spawn){.argv = argv, .max_output = MOST, .timeout = SECONDS});
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s;
    (void)kind;
    (void)at;
    return remove(path);
}

/* Lets nginx read what it would be started with, in a directory of its own, where it may leave things. */
static void check_nginx_conf(struct doctor *d, const char *version)
{
    char dir[] = "/tmp/kansoctl-XXXXXX";
    const char *advice = "set what it names right in kanso.conf; docs/configuration.md has the variables";
    if (!d->nginx_conf) {
        found_problem(d, advice, "its configuration cannot be made: %s", d->nginx_problem ? d->nginx_problem : "");
        return;
    }
    if (!mkdtemp(dir))
        return;
    const char *conf = arena_printf(d->mem, "%s/nginx.conf", dir);
    mkdir(arena_printf(d->mem, "%s/tmp", dir), 0700);
    const char *const argv[] = {"nginx", "-t", "-q", "-p", dir, "-e", "stderr", "-c", conf, NULL};
    FILE *f = fopen(conf, "we");
    bool written = f && fputs(d->nginx_conf, f) >= 0;
    if (f)
        fclose(f);
    struct spawned done = written ? run_nginx(d, argv) : (struct spawned){.errors = "cannot write to /tmp"};
    if (written && done.end == SPAWN_EXITED && done.code == 0)
        found_good(d, "%s takes its configuration", version);
    else
        found_problem(d, advice, "nginx refuses its configuration: %s", first_line(d->mem, done.errors));
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void check_nginx(struct doctor *d)
{
    const char *const argv[] = {"nginx", "-v", NULL};
    struct spawned done = run_nginx(d, argv);
    const char *slash = strchr(done.errors, '/');
    const char *dot = slash ? strchr(slash, '.') : NULL;
    unsigned long major = dot ? strtoul(slash + 1, NULL, 10) : 0, minor = dot ? strtoul(dot + 1, NULL, 10) : 0;
    if (done.end != SPAWN_EXITED || done.code || !major)
        found_problem(d, "install it: apt install nginx-light", "there is no nginx");
    else if (major < 1 || (major == 1 && minor < 18))
        found_problem(d, "install a newer one", "nginx %lu.%lu is older than 1.18", major, minor);
    else
        check_nginx_conf(d, arena_printf(d->mem, "nginx %lu.%lu", major, minor));
}

/* The number behind a directive; 0 when it is not there. */
static long directive(const char *conf, const char *name)
{
    const char *at = conf ? strstr(conf, name) : NULL;
    return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

static void check_descriptors(struct doctor *d)
{
    struct rlimit limit;
    long wanted = directive(d->nginx_conf, "worker_rlimit_nofile "),
         at_once = directive(d->nginx_conf, "worker_connections ");
    if (!wanted || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_max < (rlim_t)wanted)
        found_warning(d, "raise it for the user that starts Kanso: `ulimit -Hn`, LimitNOFILE= of systemd",
                      "a process may have %llu open files; nginx wants %ld, for %ld connections",
                      (unsigned long long)limit.rlim_max, wanted, at_once);
    else
        found_good(d, "a process may have %llu open files", (unsigned long long)limit.rlim_max);
}

/* Answers ---------------------------------------------------------------------------------------------------------- */

static bool is_loopback(const char *address)
{
    return starts_with(address, "127.") || streq(address, "::1") || streq(address, "[::1]") ||
           streq(address, "localhost") || starts_with(address, "unix:");
}

static void check_front(struct doctor *d)
{
    const char *address = ctl_env("KANSO_ADDRESS", "127.0.0.1"), *url = ctl_env("ZENML_SERVER_SERVER_URL", "");
    if (is_loopback(address))
        found_good(d, "nginx listens at %s, for this host", address);
    else if (starts_with(url, "https://") && ctl_env("KANSO_TRUSTED_PROXIES", NULL))
        found_good(d, "nginx listens at %s, behind %s", address, url);
    else
        found_warning(d,
                      "put a proxy with TLS before it, and name it in KANSO_TRUSTED_PROXIES and its https:// URL in "
                      "ZENML_SERVER_SERVER_URL",
                      "nginx listens at %s without TLS: passwords and tokens can be read on the way", address);
}

/* Where nginx can be reached from here. */
static struct fetch probe(struct doctor *d, const char *path)
{
    enum { MS = 10000 };
    const char *address = ctl_env("KANSO_ADDRESS", "127.0.0.1");
    struct fetch f = {.method = "GET", .timeout_ms = MS};
    if (starts_with(address, "unix:")) {
        f.socket = address + strlen("unix:");
        address = "localhost";
    }
    if (streq(address, "0.0.0.0"))
        address = "127.0.0.1";
    if (streq(address, "::") || streq(address, "[::]"))
        address = "[::1]";
    bool bare_v6 = *address != '[' && strchr(address, ':');
    f.url = arena_printf(d->mem, "http://%s%s%s:%s%s%s", bare_v6 ? "[" : "", address, bare_v6 ? "]" : "",
                         ctl_env("KANSO_PORT", "8080"), ctl_env("ZENML_SERVER_ROOT_URL_PATH", ""), path);
    return f;
}

static void check_answers(struct doctor *d)
{
    static const char *const paths[] = {"/health", "/ready"};
    bool good = d->up;
    for (size_t i = 0; d->up && i < ARRAY_LEN(paths); i++) {
        struct fetch f = probe(d, paths[i]);
        struct fetched answer = fetch(d->mem, &f);
        bool ok = answer.failure == FETCH_OK && answer.status == 200;
        good = good && ok;
        if (answer.failure != FETCH_OK)
            found_problem(d, arena_printf(d->mem, "see %s/log/nginx.log", d->place.home), "no answer at %s: %s", f.url,
                          answer.error);
        else if (!ok)
            found_problem(d, arena_printf(d->mem, "see the logs in %s/log", d->place.home), "%s answers %ld: %.200s",
                          f.url, answer.status, answer.body);
    }
    if (good)
        found_good(d, "/health and /ready answer through nginx");
}

const struct doctor_check host_checks[] = {
    {"files", check_files, false},     {"space", check_space, false},     {"processes", check_processes, false},
    {"sockets", check_sockets, false}, {"nginx", check_nginx, false},     {"descriptors", check_descriptors, false},
    {"front", check_front, false},     {"answers", check_answers, false}, {NULL},
};
