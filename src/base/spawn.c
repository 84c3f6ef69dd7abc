#include "base/spawn.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A program that runs. Descriptors are -1 once closed. */
struct child {
    pid_t pid;
    int in, out, err;
    size_t written;
    struct buf output, errors;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* In the child, behind fork(): never returns. errno of a failed exec goes to `report`. */
static void become(const struct spawn *s, const int fds[3], int report, pid_t parent)
{
    struct rlimit memory;
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it ended before that took effect */
        _exit(127);
    for (int i = 0; i < 3; i++)
        if (dup2(fds[i], i) < 0)
            _exit(127);
    if (getrlimit(RLIMIT_AS, &memory) == 0) {
        memory.rlim_cur = memory.rlim_max;
        setrlimit(RLIMIT_AS, &memory);
    }
    for (int n = 1; n < NSIG; n++)
        signal(n, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(s->argv[0], (char *const *)s->argv);
    int error = errno;
    ssize_t n = write(report, &error, sizeof error);
    _exit(n < 0 ? 126 : 127);
}

/* Everything else of this process has to close by itself in the child: descriptors that libraries opened may not. */
static void close_on_exec(void)
{
#ifdef SYS_close_range
    enum { CLOSE_ON_EXEC = 4 }; /* CLOSE_RANGE_CLOEXEC */
    if (syscall(SYS_close_range, 3U, ~0U, (unsigned)CLOSE_ON_EXEC) == 0)
        return;
#endif
    long last = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < (last > 0 && last < 4096 ? last : 4096); fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Three pipes and one over which a failed exec is told. Descriptors below 3, which a worker without them would get,
 * could not be moved to their places. */
static bool open_pipes(int pipes[4][2])
{
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++)
            pipes[i][k] = -1;
    for (int i = 0; i < 4; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0)
            return false;
        for (int k = 0; k < 2; k++) {
            int fd = fcntl(pipes[i][k], F_DUPFD_CLOEXEC, 3);
            close(pipes[i][k]);
            pipes[i][k] = fd;
            if (fd < 0)
                return false;
        }
    }
    return true;
}

static void close_pipes(int pipes[4][2])
{
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++)
            close_fd(&pipes[i][k]);
}

/* 0, or why it could not be started. */
static int start(const struct spawn *s, struct child *child)
{
    int pipes[4][2], error = 0;
    pid_t self = getpid();
    if (!open_pipes(pipes)) {
        error = errno;
        close_pipes(pipes);
        return error;
    }
    child->pid = fork();
    if (child->pid == 0) {
        close_on_exec();
        become(s, (const int[]){pipes[0][0], pipes[1][1], pipes[2][1]}, pipes[3][1], self);
    }
    if (child->pid < 0)
        error = errno;
    close_fd(&pipes[3][1]);
    if (!error && read(pipes[3][0], &error, sizeof error) == (ssize_t)sizeof error)
        waitpid(child->pid, NULL, 0);
    if (!error) {
        setpgid(child->pid, child->pid);
        child->in = pipes[0][1];
        child->out = pipes[1][0];
        child->err = pipes[2][0];
        pipes[0][1] = pipes[1][0] = pipes[2][0] = -1;
        for (const int *fd = (const int[]){child->in, child->out, child->err, -1}; *fd >= 0; fd++)
            fcntl(*fd, F_SETFL, O_NONBLOCK);
    }
    close_pipes(pipes);
    return error;
}

static void feed(const struct spawn *s, struct child *child)
{
    ssize_t n = write(child->in, s->input + child->written, s->input_len - child->written);
    if (n > 0)
        child->written += (size_t)n;
    if (child->written == s->input_len || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(&child->in);
}

/* Takes what there is to read; the last `keep` bytes with `tail`, else no more than one byte beyond them. */
static void drain(int *fd, struct buf *to, size_t keep, bool tail)
{
    char chunk[16384];
    while (*fd >= 0 && (tail || to->len <= keep)) {
        ssize_t n = read(*fd, chunk, sizeof chunk);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            close_fd(fd);
        if (n <= 0)
            return;
        buf_add(to, chunk, (size_t)n);
        if (tail && to->len > keep) {
            memmove(to->data, to->data + to->len - keep, keep);
            to->len = keep;
            to->data[keep] = '\0';
        }
    }
}

static void drain_both(const struct spawn *s, struct child *child)
{
    drain(&child->out, &child->output, s->max_output, false);
    drain(&child->err, &child->errors, SPAWN_ERRORS_KEPT, true);
}

/* Serves the pipes until the program has ended, or must not go on. */
static enum spawn_end attend(const struct spawn *s, struct child *child, int *status)
{
    enum { TICK = 50 }; /* ms: how soon an end is noticed when something else holds the pipes */
    int64_t until = now_ms() + (int64_t)s->timeout * 1000;
    while (true) {
        struct pollfd fds[] = {{.fd = child->in, .events = POLLOUT},
                               {.fd = child->out, .events = POLLIN},
                               {.fd = child->err, .events = POLLIN}};
        poll(fds, 3, TICK);
        if (child->in >= 0 && fds[0].revents)
            feed(s, child);
        drain_both(s, child);
        if (child->output.len > s->max_output)
            return SPAWN_FLOOD;
        if (waitpid(child->pid, status, WNOHANG) == child->pid) {
            drain_both(s, child);
            return child->output.len > s->max_output ? SPAWN_FLOOD
                                                     : (WIFEXITED(*status) ? SPAWN_EXITED : SPAWN_SIGNALLED);
        }
        if (now_ms() >= until)
            return SPAWN_LATE;
    }
}

struct spawned spawn(struct arena *a, const struct spawn *s)
{
    struct child child = {.in = -1, .out = -1, .err = -1};
    struct spawned result = {.end = SPAWN_UNSTARTED, .output = "", .errors = ""};
    int status = 0;
    result.code = start(s, &child);
    if (result.code)
        return result;
    result.end = attend(s, &child, &status);
    if (result.end == SPAWN_LATE || result.end == SPAWN_FLOOD) {
        kill(-child.pid, SIGKILL);
        waitpid(child.pid, NULL, 0);
    }
    result.code = result.end == SPAWN_EXITED      ? WEXITSTATUS(status)
                  : result.end == SPAWN_SIGNALLED ? WTERMSIG(status)
                                                  : 0;
    result.output = arena_strndup(a, child.output.data ? child.output.data : "", child.output.len);
    result.output_len = child.output.len;
    result.errors = arena_strndup(a, child.errors.data ? child.errors.data : "", child.errors.len);
    result.errors_len = child.errors.len;
    close_fd(&child.in);
    close_fd(&child.out);
    close_fd(&child.err);
    buf_free(&child.output);
    buf_free(&child.errors);
    return result;
}
