#include "base/metrics.h"

#include "base/text.h"
#include "base/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const double metric_bounds[METRIC_BOUNDS] = {1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000};
const int metric_codes[METRIC_CODES] = {200, 400, 401, 402, 403, 404, 405, 409, 413, 422, 429, 499, 500, 501, 503, 0};

/* What the file looks like: to be raised whenever the structures below change. */
enum { LAYOUT = 2 };
static const char MAGIC[8] = "KANSOMET";

enum { MAX_PROCESSES = 512, NAME_ROOM = 32 };

typedef _Atomic uint64_t cell;

struct times {
    cell classes[METRIC_CLASSES], microseconds;
};

struct operation {
    cell answers[METRIC_CODES][METRIC_CLASSES], microseconds;
};

/* A process, by its id and when it was started: an id that has been given away again is not mistaken for it. */
struct process {
    cell identity; /* 0: none */
    cell name;     /* of `names` */
    cell busy;     /* since which microsecond of the monotonic clock; 0: it has nothing in hand */
    cell pages;    /* of its memory, as it has seen itself */
};

struct name {
    char text[NAME_ROOM];
    cell starts;
};

struct counters {
    char magic[sizeof MAGIC];
    uint64_t layout, meaning, size;
    int64_t began;
    struct name names[METRIC_NAMES];
    struct process processes[MAX_PROCESSES];
    cell single[METRIC_COUNTERS], jobs[METRIC_KINDS][METRIC_ATTEMPTS];
    struct times statements;
    struct operation operations[]; /* of the program, and one more for what is none of them */
};

static struct counters *shared;
static struct process *own;

/* Processes ---------------------------------------------------------------------------------------------------------
 */

/* Fields of /proc/PID/stat behind the name, which may hold anything: the 20th is when it started, in ticks since the
 * host did; the 22nd is its memory in pages. */
static bool read_stat(pid_t pid, uint64_t *started, uint64_t *pages)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    const char *at = strrchr(text, ')');
    if (!at || at[1] == '\0' || at[2] == 'Z')
        return false;
    for (int field = 0; at && field < 20; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return false;
    char *end;
    *started = strtoull(at, &end, 10);
    strtoull(end, &end, 10); /* the size of its address space */
    *pages = strtoull(end, NULL, 10);
    return true;
}

enum { PID_BITS = 22 };

static uint64_t identity_of(pid_t pid, uint64_t *pages)
{
    uint64_t started;
    return read_stat(pid, &started, pages) ? started << PID_BITS | (uint64_t)pid : 0;
}

static pid_t pid_of(uint64_t identity)
{
    return (pid_t)(identity & ((UINT64_C(1) << PID_BITS) - 1));
}

/* Where processes are hidden from each other (ProtectProc=, hidepid=), that there is one of that id has to do; *pages
 * is left as it is then. */
static bool lives(uint64_t identity, uint64_t *pages)
{
    char path[32];
    uint64_t now;
    pid_t pid = pid_of(identity);
    if (!identity || (kill(pid, 0) != 0 && errno == ESRCH))
        return false;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    if (access(path, F_OK) != 0)
        return true;
    if (identity_of(pid, &now) != identity)
        return false;
    *pages = now;
    return true;
}

/* The file ----------------------------------------------------------------------------------------------------------
 */

static size_t file_size(void)
{
    return sizeof(struct counters) + (metrics_operations() + 1) * sizeof(struct operation);
}

static bool fits(const struct counters *c)
{
    return memcmp(c->magic, MAGIC, sizeof MAGIC) == 0 && c->layout == LAYOUT && c->meaning == metrics_meaning() &&
           c->size == file_size();
}

/* Which file it is is written last: one that was left half-made is not taken for one. */
static void initialise(struct counters *c)
{
    c->layout = LAYOUT;
    c->meaning = metrics_meaning();
    c->size = file_size();
    c->began = (int64_t)time(NULL);
    atomic_thread_fence(memory_order_release);
    memcpy(c->magic, MAGIC, sizeof MAGIC);
}

/* Locks are held for microseconds; but whoever has one may have been frozen, and nobody is to wait for that. */
static bool lock(int fd)
{
    enum { TRIES = 500, PAUSE_US = 1000 };
    for (int i = 0; i < TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        usleep(PAUSE_US);
    }
    return false;
}

/* What is mapped keeps the file open, and with it the lock. */
static void unlock(int fd)
{
    flock(fd, LOCK_UN);
    close(fd);
}

/* A file of ours alone, locked, and still the one of that name; else -1. Where the lock was waited for, another process
 * may have put a new file in its place. *again: it is worth another try. */
static int open_locked(const char *path, bool *again)
{
    struct stat st, named;
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    *again = false;
    if (fd < 0)
        return -1;
    if (lock(fd) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink <= 1 && st.st_uid == geteuid() &&
        (st.st_mode & 077) == 0) {
        if (stat(path, &named) == 0 && named.st_ino == st.st_ino && named.st_dev == st.st_dev)
            return fd;
        *again = true;
    }
    unlock(fd);
    return -1;
}

/* Room on the disk is taken at once: a page without it would end the process that first writes there. */
static struct counters *map(int fd)
{
    struct stat st;
    size_t size = file_size();
    bool fresh = fstat(fd, &st) == 0 && st.st_size == 0;
    if (!fresh && (size_t)st.st_size != size)
        return NULL;
    if (fresh && posix_fallocate(fd, 0, (off_t)size) != 0)
        return NULL;
    struct counters *c = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (c == MAP_FAILED)
        return NULL;
    if (fresh)
        initialise(c);
    if (fits(c))
        return c;
    munmap(c, size);
    return NULL;
}

/* Where a process is noted: what has died makes room. The file is locked. */
static void note_process(const char *name)
{
    uint64_t pages = 0, me = identity_of(getpid(), &pages);
    size_t n = 0;
    while (n < METRIC_NAMES - 1 && shared->names[n].text[0] && !streq(shared->names[n].text, name))
        n++;
    if (!shared->names[n].text[0])
        snprintf(shared->names[n].text, NAME_ROOM, "%s", name);
    atomic_fetch_add_explicit(&shared->names[n].starts, 1, memory_order_relaxed);
    own = NULL;
    for (size_t i = 0; i < MAX_PROCESSES && me; i++) {
        struct process *p = &shared->processes[i];
        if (lives(p->identity, &(uint64_t){0}))
            continue;
        p->identity = 0;
        p->name = n;
        p->busy = 0;
        p->pages = pages;
        p->identity = me;
        own = p;
        return;
    }
}

static struct counters *open_file(const char *path, const char *process)
{
    enum { TRIES = 16 };
    bool again = true;
    for (int i = 0; i < TRIES && again && !shared; i++) {
        int fd = open_locked(path, &again);
        if (fd < 0)
            continue;
        shared = map(fd);
        again = !shared && i == 0 && unlink(path) == 0; /* of another meaning: the next try makes a new one */
        if (shared)
            note_process(process);
        unlock(fd);
    }
    return shared;
}

/* In a child: the file is mapped already. */
static void join(const char *path, const char *process)
{
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    own = NULL;
    if (fd < 0)
        return;
    if (lock(fd))
        note_process(process);
    unlock(fd);
}

const char *metrics_open(const char *process)
{
    char path[PATH_MAX];
    const char *home = getenv("KANSO_HOME");
    if (!home || !*home)
        return NULL;
    if ((size_t)snprintf(path, sizeof path, "%s/tmp/metrics", home) >= sizeof path)
        return "the path of KANSO_HOME is too long";
    if (shared)
        join(path, process);
    else if (!open_file(path, process))
        return "the file tmp/metrics in KANSO_HOME cannot be made or is not ours";
    return NULL;
}

/* Counting ----------------------------------------------------------------------------------------------------------
 */

static void add(cell *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static uint64_t value(const cell *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

static size_t class_of(double ms)
{
    size_t i = 0;
    while (i < METRIC_BOUNDS && ms > metric_bounds[i])
        i++;
    return i;
}

static uint64_t microseconds(double ms)
{
    return ms > 0 ? (uint64_t)(ms * 1000) : 0;
}

static size_t code_of(int status)
{
    size_t i = 0;
    while (i < METRIC_CODES - 1 && metric_codes[i] != status)
        i++;
    return i;
}

static struct operation *operation(size_t i)
{
    size_t none = metrics_operations();
    return &shared->operations[i < none ? i : none];
}

void metric_add(enum metric which)
{
    if (shared)
        add(&shared->single[which], 1);
}

void metric_job(size_t kind, enum metric_attempt outcome)
{
    if (shared)
        add(&shared->jobs[kind < METRIC_KINDS ? kind : METRIC_KINDS - 1][outcome], 1);
}

void metric_statement(double ms)
{
    if (!shared)
        return;
    add(&shared->statements.classes[class_of(ms)], 1);
    add(&shared->statements.microseconds, microseconds(ms));
}

void metric_request(size_t which, int status, double ms)
{
    if (!shared)
        return;
    struct operation *o = operation(which);
    add(&o->answers[code_of(status)][class_of(ms)], 1);
    add(&o->microseconds, microseconds(ms));
}

void metric_busy(double since)
{
    if (own)
        atomic_store_explicit(&own->busy, microseconds(since), memory_order_relaxed);
}

void metric_idle(void)
{
    enum { LOOK_ONE_IN = 64 };
    static unsigned turn;
    uint64_t pages, started;
    if (!own)
        return;
    atomic_store_explicit(&own->busy, 0, memory_order_relaxed);
    if (turn++ % LOOK_ONE_IN == 0 && read_stat(getpid(), &started, &pages))
        atomic_store_explicit(&own->pages, pages, memory_order_relaxed);
}

/* Reading -----------------------------------------------------------------------------------------------------------
 */

uint64_t metric_value(enum metric which)
{
    return shared ? value(&shared->single[which]) : 0;
}

uint64_t metric_job_value(size_t kind, enum metric_attempt outcome)
{
    return shared ? value(&shared->jobs[kind][outcome]) : 0;
}

void metric_statement_times(struct metric_times *out)
{
    *out = (struct metric_times){0};
    for (size_t i = 0; shared && i < METRIC_CLASSES; i++)
        out->classes[i] = value(&shared->statements.classes[i]);
    out->seconds = shared ? (double)value(&shared->statements.microseconds) / 1e6 : 0;
}

void metric_request_times(size_t which, struct metric_times *out)
{
    *out = (struct metric_times){0};
    if (!shared)
        return;
    const struct operation *o = operation(which);
    for (size_t code = 0; code < METRIC_CODES; code++)
        for (size_t i = 0; i < METRIC_CLASSES; i++)
            out->classes[i] += value(&o->answers[code][i]);
    out->seconds = (double)value(&o->microseconds) / 1e6;
}

uint64_t metric_request_count(size_t which, size_t code)
{
    uint64_t sum = 0;
    for (size_t i = 0; shared && i < METRIC_CLASSES; i++)
        sum += value(&operation(which)->answers[code][i]);
    return sum;
}

static void look_at(const struct process *p, struct metric_process *out, double now)
{
    uint64_t pages = value(&p->pages), busy = value(&p->busy);
    if (!lives(value(&p->identity), &pages))
        return;
    out->count++;
    out->resident += pages * (uint64_t)sysconf(_SC_PAGESIZE);
    if (!busy)
        return;
    double since = now - (double)busy / 1000;
    out->in_hand++;
    out->oldest = since > out->oldest ? since : out->oldest;
}

size_t metric_processes(struct metric_process out[METRIC_NAMES])
{
    size_t count = 0;
    double now = monotonic_ms();
    for (; shared && count < METRIC_NAMES && shared->names[count].text[0]; count++)
        out[count] =
            (struct metric_process){.name = shared->names[count].text, .starts = value(&shared->names[count].starts)};
    for (size_t i = 0; shared && i < MAX_PROCESSES; i++)
        if (value(&shared->processes[i].name) < count)
            look_at(&shared->processes[i], &out[shared->processes[i].name], now);
    return count;
}

int64_t metric_began(void)
{
    return shared ? shared->began : 0;
}
