/*
 * kanso-jobs: claims jobs and runs each in a child of its own, a bounded number at a time.
 *
 * Two processes must never have one job at a time. A lease is renewed long before it runs out; when that fails, because
 * the database does not answer, the children are killed before it does: by an alarm, which also comes while this
 * process waits for the database. Children end with this process (PR_SET_PDEATHSIG), and what they have started ends
 * with them.
 */
#include "audit/audit.h"
#include "base/config.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/notify.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "jobs/queue.h"
#include "jobs/run.h"
#include "jobs/scheduler.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Times are in milliseconds unless they say something else. */
enum {
    MAX_JOBS = 64,
    LOOK_EVERY = 1000,
    SWEEP_EVERY = 600000,
    DATABASE_TIMEOUT = 10, /* seconds, or less with a short lease */
};

/* A quarter of a lease: it is renewed that often, and children whose lease was not renewed are killed so long before it
 * runs out. */
static double quarter(void)
{
    return (double)config.jobs_lease * 1000 / 4;
}

struct child {
    pid_t pid;
    struct claim claim;
    const struct job_kind *kind;
    double until;    /* when its time is over */
    const char *why; /* it was killed; else NULL */
    bool back;       /* that was no fault of its own: the lease is given back */
    bool cancelled;
};

static struct {
    const struct job_kind *const *kinds;
    struct db *db;
    struct db_url job_url; /* of the children: they wait longer for the database */
    struct arena settings, mem;
    struct child children[MAX_JOBS];
    volatile sig_atomic_t pids[MAX_JOBS]; /* of the children, for the alarm; 0: none */
    size_t count, room;
    double next_look, next_keep, next_renewal, next_firing, next_sweep, stop_by;
    int64_t clock; /* the database's, when it was looked at last */
    bool stopping, down;
    bool once; /* it ends when nothing is due and nothing in hand */
    bool idle; /* nothing was due at the last look, and nothing has ended since */
} self;

/* Database troubles are told once, when they begin and when they end. A conflict with another host is none. */
static bool well(enum db_status s)
{
    if (s == DB_AGAIN)
        return false;
    if (s != DB_OK && !self.down)
        log_error("the database: %s", db_error(self.db));
    if (s == DB_OK && self.down)
        log_info("the database answers again");
    self.down = s != DB_OK;
    return s == DB_OK;
}

/* Children --------------------------------------------------------------------------------------------------------- */

static void kill_child(struct child *c, const char *why)
{
    if (!c->why)
        c->why = why;
    kill(-c->pid, SIGKILL);
    kill(c->pid, SIGKILL); /* before it has a group of its own */
}

static void on_alarm(int sig)
{
    (void)sig;
    for (size_t i = 0; i < MAX_JOBS; i++)
        if (self.pids[i]) {
            kill(-(pid_t)self.pids[i], SIGKILL);
            kill((pid_t)self.pids[i], SIGKILL);
        }
}

/* All leases hold at least for their time from `since`. */
static void set_alarm(double since)
{
    double left = since + 3 * quarter() - monotonic_ms();
    alarm(left > 1000 ? (unsigned)(left / 1000) : 1);
}

static void note_pids(void)
{
    for (size_t i = 0; i < MAX_JOBS; i++)
        self.pids[i] = i < self.count ? self.children[i].pid : 0;
    if (!self.count)
        alarm(0);
}

static size_t kind_number(const struct job_kind *kind)
{
    size_t i = 0;
    while (self.kinds[i] && self.kinds[i] != kind)
        i++;
    return i;
}

static _Noreturn void be_child(const struct child *c, pid_t parent)
{
    sigset_t none;
    setpgid(0, 0);
    signal(SIGALRM, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    memory_limit((size_t)config.worker_memory);
    metrics_open("job");
    metric_busy(monotonic_ms());
    db_abandon(self.db);
    struct db *db = db_new(&self.job_url);
    enum metric_attempt outcome;
    bool settled = job_run(db, c->kind, &c->claim, &outcome);
    db_free(db);
    metric_job(kind_number(c->kind), outcome);
    _exit(settled ? 0 : 1);
}

static const struct job_kind *find_kind(const char *name)
{
    for (size_t i = 0; self.kinds[i]; i++)
        if (streq(self.kinds[i]->name, name))
            return self.kinds[i];
    return NULL;
}

static void start_child(const struct claim *claim)
{
    pid_t parent = getpid();
    struct child *c = &self.children[self.count];
    *c = (struct child){.claim = *claim, .kind = find_kind(claim->kind)};
    c->until = monotonic_ms() + c->kind->timeout * 1000.0;
    c->pid = fork();
    if (c->pid == 0)
        be_child(c, parent);
    if (c->pid < 0) {
        log_error("cannot start a process for a job: %s", strerror(errno));
        well(queue_return(self.db, &self.mem, claim));
        return;
    }
    setpgid(c->pid, c->pid);
    self.count++;
    note_pids();
}

static const char *ending(const struct child *c, int status)
{
    if (c->why)
        return c->why;
    if (WIFSIGNALED(status))
        return arena_printf(&self.mem, "Its process was ended by signal %d (%s)", WTERMSIG(status),
                            strsignal(WTERMSIG(status)));
    return arena_printf(&self.mem, "Its process ended with status %d", WEXITSTATUS(status));
}

/* Whoever settles his job ends with 0. Otherwise the lease is given back at once, if the database takes that: else it
 * runs out. */
static void child_ended(struct child *c)
{
    int status = 0;
    struct child ended = *c;
    *c = self.children[--self.count];
    note_pids();
    kill(-ended.pid, SIGKILL); /* what it has started; its id is nobody else's yet */
    waitpid(ended.pid, &status, 0);
    self.next_look = 0;
    self.idle = false;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    const char *why = ending(&ended, status);
    if (ended.why || WIFSIGNALED(status))
        metric_job(kind_number(ended.kind), ATTEMPT_KILLED);
    log_warn("job %s (%s): attempt %u: %s", ended.claim.id, ended.claim.kind, ended.claim.attempt, why);
    if (ended.back) {
        well(queue_return(self.db, &self.mem, &ended.claim));
        return;
    }
    bool over = ended.cancelled || ended.claim.attempt >= ended.kind->attempts; /* what is left is gave_up() */
    unsigned pause = over ? 0 : queue_backoff(ended.claim.attempt);
    well(queue_release(self.db, &self.mem, &ended.claim, why, pause));
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static void reap(void)
{
    for (size_t i = 0; i < self.count;)
        if (has_ended(self.children[i].pid))
            child_ended(&self.children[i]);
        else
            i++;
}

/* What is to be done --------------------------------------------------------------------------------------------------
 */

static void claim_jobs(void)
{
    struct claim claims[MAX_JOBS];
    size_t count;
    double before = monotonic_ms();
    if (!well(queue_claim(self.db, &self.mem, self.kinds, claims, self.room - self.count, &count)))
        return;
    if (count && !self.count) {
        set_alarm(before);
        self.next_renewal = before + quarter();
    }
    for (size_t i = 0; i < count; i++)
        start_child(&claims[i]);
}

static void look(void)
{
    bool due = false;
    int64_t now;
    self.next_look = monotonic_ms() + LOOK_EVERY;
    if (!well(queue_look(self.db, &self.mem, &due, &now)))
        return;
    if (now < self.clock - CLOCK_SKEW && !well(queue_set_back(self.db, &self.mem)))
        return;
    self.clock = now;
    self.idle = !due;
    if (due)
        claim_jobs();
}

static void heed(struct child *c, enum standing standing)
{
    if (standing == LOST)
        kill_child(c, "Its lease had run out");
    c->cancelled = standing == CANCELLED;
    if (c->cancelled)
        kill_child(c, "cancelled");
}

static void keep(void)
{
    struct claim claims[MAX_JOBS];
    enum standing standings[MAX_JOBS];
    double before = monotonic_ms();
    bool renew = before >= self.next_renewal;
    self.next_keep = before + LOOK_EVERY;
    for (size_t i = 0; i < self.count; i++)
        claims[i] = self.children[i].claim;
    if (!well(queue_keep(self.db, &self.mem, claims, self.count, renew, standings)))
        return;
    if (renew) {
        set_alarm(before);
        self.next_renewal = before + quarter();
    }
    for (size_t i = 0; i < self.count; i++)
        heed(&self.children[i], standings[i]);
}

static void watch_times(void)
{
    double now = monotonic_ms();
    for (size_t i = 0; i < self.count; i++) {
        struct child *c = &self.children[i];
        if (self.stopping && now >= self.stop_by && !c->why) {
            c->back = true;
            kill_child(c, "The host was stopped");
        } else if (now >= c->until && !c->why) {
            kill_child(c, "It took longer than it may");
        }
    }
}

static void fire_schedules(void)
{
    struct ctx c = {.mem = &self.mem, .db = self.db, .req = {.method = "JOB", .path = "schedules", .connection = -1}};
    int64_t wait = SCHEDULER_EVERY;
    if (scheduler_fire(&c, &wait) != OK)
        db_rollback(self.db);
    buf_free(&c.res.body);
    self.next_firing = monotonic_ms() + (double)wait * 1000;
    self.next_look = 0;
}

static void sweep(void)
{
    bool more = false, more_audit = false;
    enum db_status s = queue_sweep(self.db, &self.mem, config.jobs_keep, &more);
    if (s == DB_OK)
        s = scheduler_sweep(self.db, &self.mem);
    if (s == DB_OK)
        s = audit_sweep(self.db, &self.mem, &more_audit);
    more = more || more_audit;
    self.next_sweep = monotonic_ms() + (s == DB_OK && more ? LOOK_EVERY : SWEEP_EVERY);
}

/* No new jobs; those in hand have their time to end. */
static void stop(void)
{
    if (self.stopping)
        return;
    self.stopping = true;
    self.stop_by = monotonic_ms() + (double)config.jobs_grace * 1000;
    if (self.count)
        log_info("stopping: %zu jobs in hand have %lld seconds to end", self.count, (long long)config.jobs_grace);
}

static void tend(void)
{
    double now = monotonic_ms();
    watch_times();
    if (self.count && now >= self.next_keep)
        keep();
    if (config.scheduler && !self.stopping && !self.down && now >= self.next_firing)
        fire_schedules();
    if (!self.stopping && self.count < self.room && now >= self.next_look)
        look();
    if (!self.stopping && !self.down && now >= self.next_sweep)
        sweep();
    if (self.once && !self.count && (self.idle || self.down))
        stop();
    arena_reset(&self.mem);
}

static void take_signals(int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD)
            stop();
    reap();
}

static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < 4; i++)
        sigaddset(&set, (int[]){SIGCHLD, SIGTERM, SIGINT, SIGHUP}[i]);
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || sigaction(SIGALRM, &action, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void serve(int signals)
{
    while (!self.stopping || self.count) {
        struct pollfd p = {.fd = signals, .events = POLLIN};
        double now = monotonic_ms(), next = now + LOOK_EVERY;
        if (self.count < self.room && !self.stopping && self.next_look < next)
            next = self.next_look;
        if (poll(&p, 1, next > now ? (int)(next - now) + 1 : 0) > 0)
            take_signals(signals);
        tend();
        notify_alive();
    }
}

/* main() ------------------------------------------------------------------------------------------------------------
 */

static int refuse(const char *what)
{
    fprintf(stderr, "kanso-jobs: %s\n", what);
    return 2;
}

static int help(void)
{
    fputs(
        "Usage: kanso-jobs [--once]\n\n"
        "Does the background work of a Kanso server: takes up jobs from the database and runs KANSO_JOBS of them at a "
        "time,\neach in a process of its own. SIGTERM ends it once those in hand are done, after KANSO_JOBS_GRACE "
        "seconds at most.\nAny number of hosts may run it.\n\n"
        "With --once it fires what schedules are due, does what is to be done by now, one job at a time if KANSO_JOBS "
        "is "
        "0, and ends:\nfor hosts where cron is all there is. Exit status 1 when the database does not answer.\n\n"
        "Configuration comes from the environment, with --once also from kanso.conf:\n\n",
        stdout);
    config_print();
    return 0;
}

static int run(void)
{
    const char *problem = config_load(&self.settings);
    if (!problem)
        problem = db_url_from_env(&self.settings, &self.job_url);
    if (!problem && config.jobs == 0 && !self.once)
        problem = "KANSO_JOBS is 0: no background work on this host";
    if (problem)
        return refuse(problem);
    struct db_url url = self.job_url;
    url.io_timeout = quarter() < DATABASE_TIMEOUT * 1000 ? (unsigned)(quarter() / 1000) : DATABASE_TIMEOUT;
    self.db = db_new(&url);
    self.clock = INT64_MAX; /* it may have been set back before */
    self.room = config.jobs ? (size_t)config.jobs : 1;
    for (size_t i = 0; self.kinds[i]; i++)
        if (self.kinds[i]->ready)
            self.kinds[i]->ready();
    int signals = watch_signals();
    if (signals < 0)
        return refuse("cannot watch for signals");
    notify_ready();
    serve(signals);
    db_free(self.db);
    arena_free(&self.mem);
    arena_free(&self.settings);
    return self.once && self.down ? 1 : 0;
}

int jobs_main(int argc, char **argv, const struct job_kind *const *kinds)
{
    const char *unreadable = settings_receive();
    if (unreadable)
        return refuse(unreadable);
    if (argc > 1 && streq(argv[1], "--help"))
        return help();
    if (argc > 1 && streq(argv[1], "--version")) {
        puts("kanso-jobs " KANSO_VERSION " (ZenML 0.66.0)");
        return 0;
    }
    self.once = argc == 2 && streq(argv[1], "--once");
    if (argc > 1 && !self.once)
        return refuse("takes no argument but --once; see --help");
    if (self.once && !getenv("KANSO_SETTINGS_FD"))
        settings_load_own(); /* cron starts it, and not scripts/kanso */
    log_open("jobs");
    const char *alone = metrics_open("jobs");
    if (alone)
        log_info("nothing is counted: %s", alone);
    self.kinds = kinds;
    return run();
}
