/*
 * kanso-supervise: keeps COUNT copies of a program running, for as long as it takes, and keeps their logs.
 *
 * It is the only part of Kanso that may run as root: it opens logs and sockets in directories of root's, and gives up
 * root in each child before that runs a program. It links nothing but libc, does not look into what it passes on, and
 * takes its orders from the command line and by signal alone.
 */
#include "supervise/supervise.h"

#include "supervise/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char HELP[] =
    "Usage: kanso-supervise -o LOG [OPTIONS] -- PROGRAM [ARGUMENTS]\n\n"
    "Runs PROGRAM and starts it again whenever it ends: at once the first time, then after growing pauses of up to\n"
    "three seconds, without end. SIGTERM, SIGINT, SIGQUIT or SIGHUP end it and its children; SIGUSR1 opens the logs\n"
    "anew, for programs that have moved them away (logrotate).\n\n"
    "  -o LOG      where the children's standard output and error go\n"
    "  -a LOG      where goes what they write to descriptor 4\n"
    "  -b BYTES    a log that has grown so large is renamed to LOG.1, over the last one (10000000)\n"
    "  -j          its own lines among those of the children are JSON\n"
    "  -n COUNT    how many children (1)\n"
    "  -l SOCKET   a listening Unix socket that they share as descriptor 0, mode 0660. It takes the place of one that "
    "is\n"
    "              there already; who has waited at that one is served by its owner, also when it is told to end\n"
    "  -i          what stands on standard input, they read at /dev/fd/3, or by position; it is kept in memory only\n"
    "  -u USER     the user that they, and the socket, belong to\n"
    "  -s SIGNAL   TERM or QUIT: what ends them (TERM)\n"
    "  -f FILE     holds a line on what is wrong while a child ends again and again; else it is not there\n";

/* Descriptors of the children, and the lowest of our own. */
enum { CHILD_INPUT = 3, CHILD_SECOND_LOG = 4, OWN = 10 };

enum {
    STEADY = 5000, /* ms after which a child counts as healthy */
    LONGEST_PAUSE = 3000,
    MAX_CHILDREN = 256,
    LARGEST_INPUT = 1 << 20,
    LAST_WORDS = 2000, /* ms to read what children wrote, once they have ended */
    DRAIN = 15000,     /* ms that children have, once they are to end, for those who wait at the socket already */
    DRAIN_LOOK = 5,    /* ms between two looks whether somebody waits */
};

#define NO_LOG                                                                                                         \
    {                                                                                                                  \
        .limit = 10000000, .in = -1, .out = -1, .child = -1                                                            \
    }

struct child {
    pid_t pid; /* 0: none, to be started at `due` */
    int64_t started, due;
    unsigned failures; /* ends in a row, each before it was steady */
    int status;
};

static struct {
    char **program;
    struct log logs[2];
    struct child children[MAX_CHILDREN];
    unsigned count;
    const char *socket_path, *note_path;
    int listener, input, null;
    bool drop, noted, stopping, json;
    int64_t drain_until; /* 0: children have been told to end, or are not to */
    uid_t uid;
    gid_t gid;
    int stop_signal;
    sigset_t original_mask;
} self = {.program = (char *[]){"", NULL},
          .logs = {NO_LOG, NO_LOG},
          .count = 1,
          .listener = -1,
          .input = -1,
          .stop_signal = SIGTERM};

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("kanso-supervise: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

int own(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, OWN);
    if (fd < 0 || high < 0)
        die("no descriptors left: %s", strerror(errno));
    close(fd);
    return high;
}

/* A line of our own among those of the children. */
static __attribute__((format(printf, 1, 2))) void report(const char *fmt, ...)
{
    char line[1200], text[1000], stamp[32];
    time_t t = time(NULL);
    struct tm tm;
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++) /* names of programs and files: not of strangers, but anything may be in them */
        if ((unsigned char)*p < ' ' || *p == '"' || *p == '\\')
            *p = ' ';
    int n = self.json ? snprintf(line, sizeof line,
                                 "{\"time\":\"%s\",\"process\":\"kanso-supervise\",\"pid\":%d,\"level\":\"warn\","
                                 "\"message\":\"%s\"}\n",
                                 stamp, (int)getpid(), text)
                      : snprintf(line, sizeof line, "%s kanso-supervise: %s\n", stamp, text);
    log_write(&self.logs[0], line, (size_t)n);
}

/* A log whose pipe children may also open by name (nginx: /dev/fd/4). */
static void start_log(struct log *log)
{
    log_start(log);
    if (self.drop && fchown(log->child, self.uid, self.gid) != 0)
        die("cannot give away a pipe: %s", strerror(errno));
}

/* What children get ---------------------------------------------------------------------------------------------- */

/* A sealed copy of standard input in memory: every child reads it from its beginning, none can change it. */
static void keep_input(void)
{
    static char room[LARGEST_INPUT];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof room && (n = read(STDIN_FILENO, room + len, sizeof room - len)) != 0) {
        if (n < 0 && errno != EINTR)
            die("cannot read standard input: %s", strerror(errno));
        len += n > 0 ? (size_t)n : 0;
    }
    if (len == sizeof room)
        die("standard input is longer than %d bytes", LARGEST_INPUT);
    int fd = own(memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (write(fd, room, len) != (ssize_t)len ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        die("cannot keep standard input in memory: %s", strerror(errno));
    explicit_bzero(room, len);
    self.input = fd;
}

/* Bound under another name first: from the moment that it has its own, whoever calls comes here; whoever has called the
 * one before is in that one's queue. */
static void listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if ((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s.new", path) >= sizeof address.sun_path)
        die("%s is too long for a socket", path);
    if (unlink(address.sun_path) != 0 && errno != ENOENT)
        die("cannot remove the old %s: %s", address.sun_path, strerror(errno));
    self.listener = own(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    mode_t mask = umask(0117);
    if (bind(self.listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(self.listener, 1024) != 0)
        die("cannot listen at %s: %s", path, strerror(errno));
    umask(mask);
    if (self.drop && lchown(address.sun_path, self.uid, self.gid) != 0)
        die("cannot give %s to its user: %s", path, strerror(errno));
    if (rename(address.sun_path, path) != 0)
        die("cannot take the place of %s: %s", path, strerror(errno));
}

static void become_user(void)
{
    if (self.drop && (setgroups(0, NULL) != 0 || setresgid(self.gid, self.gid, self.gid) != 0 ||
                      setresuid(self.uid, self.uid, self.uid) != 0))
        die("cannot become user %u: %s", (unsigned)self.uid, strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        die("cannot give up privileges for good: %s", strerror(errno));
}

static void hand_over(int fd, int as)
{
    if (fd < 0)
        close(as);
    else if (dup2(fd, as) < 0)
        die("no descriptor %d: %s", as, strerror(errno));
}

static __attribute__((noreturn)) void run_program(pid_t parent)
{
    hand_over(self.listener >= 0 ? self.listener : self.null, STDIN_FILENO);
    hand_over(self.logs[0].child, STDOUT_FILENO);
    hand_over(self.logs[0].child, STDERR_FILENO);
    hand_over(self.input, CHILD_INPUT);
    hand_over(self.logs[1].child, CHILD_SECOND_LOG);
    become_user();
    prctl(PR_SET_PDEATHSIG, self.stop_signal); /* after the user has changed, which clears it */
    if (getppid() != parent)
        _exit(1);
    sigprocmask(SIG_SETMASK, &self.original_mask, NULL);
    execvp(self.program[0], self.program);
    die("cannot run %s: %s", self.program[0], strerror(errno));
}

/* Children ------------------------------------------------------------------------------------------------------- */

static const char *program_name(void)
{
    const char *slash = strrchr(self.program[0], '/');
    return slash ? slash + 1 : self.program[0];
}

static void describe(char *to, size_t room, int status)
{
    if (WIFSIGNALED(status))
        snprintf(to, room, "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(to, room, "ended with status %d", WEXITSTATUS(status));
}

/* The file for `status`: there while any child has failed more than once in a row. */
static void write_note(void)
{
    const struct child *worst = &self.children[0];
    for (unsigned i = 1; i < self.count; i++)
        if (self.children[i].failures > worst->failures)
            worst = &self.children[i];
    bool wanted = worst->failures > 1 && !self.stopping;
    if (!self.note_path || (!wanted && !self.noted))
        return;
    if (!wanted) {
        unlink(self.note_path);
    } else {
        char how[100];
        describe(how, sizeof how, worst->status);
        unlink(self.note_path);
        int fd = open(self.note_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) {
            dprintf(fd, "%s %s, %u times in a row; it is started again and again\n", program_name(), how,
                    worst->failures);
            close(fd);
        }
    }
    self.noted = wanted;
}

static void start_child(struct child *c)
{
    pid_t parent = getpid();
    c->started = now();
    c->pid = fork();
    if (c->pid == 0)
        run_program(parent);
    if (c->pid < 0) {
        report("cannot start %s: %s", program_name(), strerror(errno));
        c->pid = 0;
        c->due = now() + LONGEST_PAUSE;
    }
}

/* One that ends by itself with status 0 has done what it was to do (KANSO_MAX_REQUESTS): no failure. */
static int64_t pause_after(struct child *c, int status, bool steady)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 10;
    c->failures = steady ? 1 : c->failures + 1;
    if (c->failures < 2)
        return 0;
    int64_t pause = c->failures < 8 ? 100 << (c->failures - 2) : LONGEST_PAUSE;
    return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

static void child_ended(pid_t pid, int status)
{
    for (unsigned i = 0; i < self.count; i++) {
        struct child *c = &self.children[i];
        if (c->pid != pid)
            continue;
        char how[100];
        int64_t pause = pause_after(c, status, now() - c->started >= STEADY);
        c->pid = 0;
        c->due = now() + pause;
        c->status = status;
        describe(how, sizeof how, status);
        if (self.stopping && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
        if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
            report("%s[%d] %s%s", program_name(), (int)pid, how, self.stopping ? "" : "; starting it again");
        if (!self.stopping && c->failures > 1)
            report("%s has failed %u times in a row; the next try is in %.1f s", program_name(), c->failures,
                   (double)pause / 1000);
        write_note();
    }
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        child_ended(pid, status);
}

/* Starts what is due and forgets the failures of what has become steady. Returns the ms until there is more to do, -1
 * for never. */
static int tend(void)
{
    int64_t t = now(), next = -1;
    bool forgot = false;
    for (unsigned i = 0; i < self.count; i++) {
        struct child *c = &self.children[i];
        if (!c->pid && !self.stopping && c->due <= t)
            start_child(c);
        int64_t due = -1;
        if (!c->pid && !self.stopping)
            due = c->due;
        if (c->pid && c->failures)
            due = c->started + STEADY;
        if (c->pid && c->failures && due <= t) {
            c->failures = 0;
            forgot = true;
            due = -1;
        }
        if (due >= 0 && (next < 0 || due < next))
            next = due;
    }
    if (forgot)
        write_note();
    return next < 0 ? -1 : next <= t ? 0 : (int)(next - t);
}

static bool any_child(void)
{
    for (unsigned i = 0; i < self.count; i++)
        if (self.children[i].pid)
            return true;
    return false;
}

static bool somebody_waits(void)
{
    struct pollfd p = {self.listener, POLLIN, 0};
    return self.listener >= 0 && poll(&p, 1, 0) > 0;
}

static void end_children(void)
{
    self.drain_until = 0;
    self.stopping = true;
    for (unsigned i = 0; i < self.count; i++)
        if (self.children[i].pid)
            kill(self.children[i].pid, self.stop_signal);
}

/* Children serve who waits at the socket before they are told to end: another listens under its name, or nobody. */
static void drain(void)
{
    if (self.drain_until && (now() >= self.drain_until || !somebody_waits()))
        end_children();
}

/* Each signal is passed on, also a second one: a child may have missed the first. */
static void stop(void)
{
    if (self.stopping)
        end_children();
    else if (!self.drain_until)
        self.drain_until = now() + DRAIN;
    drain();
}

static void reopen_logs(void)
{
    for (int i = 0; i < 2; i++)
        if (self.logs[i].path)
            log_reopen(&self.logs[i]);
}

static void take_signals(int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == sizeof info)
        if (info.ssi_signo == SIGCHLD)
            reap();
        else if (info.ssi_signo == SIGUSR1)
            reopen_logs();
        else
            stop();
}

static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < 6; i++)
        sigaddset(&set, (int[]){SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1}[i]);
    sigprocmask(SIG_SETMASK, NULL, &self.original_mask);
    for (size_t i = 0; i < 6; i++)
        sigdelset(&self.original_mask, (int[]){SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1}[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int sig = SIGINT; sig <= SIGQUIT; sig++)
        signal(sig, SIG_DFL); /* ignored ones of a shell's background job would stay so in the children */
    return own(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

static void serve(int signals)
{
    while (!self.stopping || any_child()) {
        struct pollfd fds[] = {{signals, POLLIN, 0}, {self.logs[0].in, POLLIN, 0}, {self.logs[1].in, POLLIN, 0}};
        int wait = tend();
        if (self.drain_until && (wait < 0 || wait > DRAIN_LOOK))
            wait = DRAIN_LOOK;
        int ready = poll(fds, 3, wait);
        drain();
        if (ready <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (fds[i + 1].revents)
                log_drain(&self.logs[i]);
        if (fds[0].revents)
            take_signals(signals);
    }
}

/* What was written before the end and not read yet. A child's child may hold the pipe open: it is not waited for. */
static void drain_logs(void)
{
    int64_t until = now() + LAST_WORDS;
    for (int i = 0; i < 2; i++) {
        struct log *log = &self.logs[i];
        if (log->in < 0)
            continue;
        close(log->child);
        struct pollfd fd = {log->in, POLLIN, 0};
        while (now() < until && poll(&fd, 1, (int)(until - now() > 0 ? until - now() : 0)) > 0 && log_drain(log))
            ;
    }
}

static void find_user(const char *name)
{
    const struct passwd *pw = getpwnam(name);
    if (!pw)
        die("there is no user %s", name);
    self.drop = true;
    self.uid = pw->pw_uid;
    self.gid = pw->pw_gid;
}

static long number(const char *text, long highest)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < 1 || n > highest)
        die("'%s' is no number from 1 to %ld", text, highest);
    return n;
}

static void read_options(int argc, char **argv, bool *input)
{
    int option;
    while ((option = getopt(argc, argv, "+o:a:b:n:l:iju:s:f:h")) != -1) {
        switch (option) {
        case 'o':
            self.logs[0].path = optarg;
            break;
        case 'a':
            self.logs[1].path = optarg;
            break;
        case 'b':
            self.logs[0].limit = self.logs[1].limit = number(optarg, LONG_MAX / 2);
            break;
        case 'n':
            self.count = (unsigned)number(optarg, MAX_CHILDREN);
            break;
        case 'l':
            self.socket_path = optarg;
            break;
        case 'i':
            *input = true;
            break;
        case 'j':
            self.json = true;
            break;
        case 'u':
            find_user(optarg);
            break;
        case 's':
            self.stop_signal = strcmp(optarg, "QUIT") == 0 ? SIGQUIT : SIGTERM;
            break;
        case 'f':
            self.note_path = optarg;
            break;
        case 'h':
            fputs(HELP, stdout);
            exit(0);
        default:
            exit(2);
        }
    }
    self.program = argv + optind;
    if (optind == argc || !self.logs[0].path)
        die("expected -o LOG and a program; see -h");
}

int main(int argc, char **argv)
{
    bool input = false;
    read_options(argc, argv, &input);
    prctl(PR_SET_DUMPABLE, 0);
    close_range(STDERR_FILENO + 1, ~0U, 0);         /* the shell's */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* the children's as well */
    self.null = own(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (input)
        keep_input();
    int signals = watch_signals();
    start_log(&self.logs[0]);
    if (self.logs[1].path)
        start_log(&self.logs[1]);
    if (self.socket_path)
        listen_at(self.socket_path);
    for (int fd = 0; fd < 3; fd++)
        dup2(self.null, fd); /* who started this is not kept waiting for the end of its output */
    serve(signals);
    drain_logs();
    if (self.note_path && self.noted)
        unlink(self.note_path);
    return 0;
}
