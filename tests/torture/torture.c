/*
 * A worker that can be made to lack memory, or its database, at any point of a request.
 *
 * It is the worker's own code, linked anew: the linker's --wrap leads its calls of the allocator (base/allocate.c, and
 * so those of libraries too), of the database's driver, and the two ends of a request through here.
 * tests/torture/worker.py says through a shared file what is to fail in the next request, and reads there what has
 * happened.
 */
#include <dlfcn.h>
#include <errmsg.h>
#include <execinfo.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <mysql.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum what { NOTHING, MEMORY, DATABASE };
enum how { ONCE, LASTING, ANSWER_LOST }; /* of database calls; lasting: that call and all behind it */
enum { FRAMES = 24 };

/* The shared file; worker.py has the same. The first members are orders, the others reports. */
struct control {
    uint32_t what, at, number, how;
    _Atomic uint32_t allocations, calls; /* in the request in hand, or the last one */
    _Atomic uint32_t struck;
    _Atomic uint32_t served;
    _Atomic int64_t blocks; /* that this process has and has not freed */
    uint32_t frames;
    uint64_t where[FRAMES]; /* who called, as places in this program; 0 in a library */
};

static struct control own, *control = &own;
static _Atomic bool in_request;

__attribute__((constructor)) static void open_control(void)
{
    void *first[1];
    backtrace(first, 1); /* loads what it needs */
    const char *name = getenv("TORTURE_CONTROL");
    int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void *shared = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (shared == MAP_FAILED)
        return;
    control = shared;
    control->blocks = own.blocks;
}

static void note_place(void)
{
    void *frames[FRAMES];
    Dl_info here, of;
    int count = backtrace(frames, FRAMES);
    dladdr((void *)(uintptr_t)&note_place, &here);
    for (int i = 0; i < count; i++) {
        bool mine = dladdr(frames[i], &of) && of.dli_fbase == here.dli_fbase;
        control->where[i] = mine ? (uint64_t)((char *)frames[i] - (char *)here.dli_fbase) : 0;
    }
    control->frames = (uint32_t)count;
}

static bool strikes(enum what what, uint32_t number)
{
    if (control->what != what || number < control->at || (number > control->at && control->how != LASTING))
        return false;
    if (!control->struck++)
        note_place();
    return true;
}

/* A request's two ends ------------------------------------------------------------------------------------------- */

int __real_FCGX_Accept_r(FCGX_Request *r);
int __wrap_FCGX_Accept_r(FCGX_Request *r)
{
    int rc = __real_FCGX_Accept_r(r);
    if (rc == 0) {
        control->allocations = control->calls = control->struck = 0;
        in_request = true;
    }
    return rc;
}

void __real_memory_trim(void); /* the last that is done for a request */
void __wrap_memory_trim(void)
{
    in_request = false;
    control->served++;
    __real_memory_trim();
}

/* Memory ----------------------------------------------------------------------------------------------------------- */

static bool no_memory(void)
{
    return in_request && strikes(MEMORY, ++control->allocations);
}

static void *counted(void *p)
{
    control->blocks += p != NULL;
    return p;
}

void *__real___libc_malloc(size_t size);
void *__wrap___libc_malloc(size_t size)
{
    return no_memory() ? NULL : counted(__real___libc_malloc(size));
}

void *__real___libc_calloc(size_t count, size_t size);
void *__wrap___libc_calloc(size_t count, size_t size)
{
    return no_memory() ? NULL : counted(__real___libc_calloc(count, size));
}

void *__real___libc_realloc(void *old, size_t size);
void *__wrap___libc_realloc(void *old, size_t size)
{
    if (no_memory())
        return NULL;
    void *p = __real___libc_realloc(old, size);
    if (!old)
        return counted(p);
    control->blocks -= !p && !size;
    return p;
}

void *__real___libc_memalign(size_t unit, size_t size);
void *__wrap___libc_memalign(size_t unit, size_t size)
{
    return no_memory() ? NULL : counted(__real___libc_memalign(unit, size));
}

void __real___libc_free(void *p);
void __wrap___libc_free(void *p)
{
    control->blocks -= p != NULL;
    __real___libc_free(p);
}

/* The database ------------------------------------------------------------------------------------------------------
 */

/* What a call failed with by our doing; as in the driver, it is there until the next call of that connection or
 * statement.
 */
static struct {
    const void *of;
    unsigned number;
} error;

static bool ours(const void *of)
{
    return error.number && error.of == of;
}

static bool sending; /* nothing is read meanwhile: neither a verdict of the server nor an answer that could get lost */

/* Whether this call is to fail before it reaches the server. */
static bool fails(const void *of)
{
    if (ours(of))
        error.number = 0;
    if (!in_request)
        return false;
    uint32_t call = ++control->calls;
    bool lost = control->how == ANSWER_LOST;
    if ((sending && (lost || control->number < CR_MIN_ERROR)) || !strikes(DATABASE, call))
        return false;
    error.of = of;
    error.number = lost ? CR_SERVER_LOST : control->number;
    return !lost;
}

/* The server's own verdict stands, unless the call was one whose answer gets lost. */
static int answer(int rc, const void *of)
{
    return rc || !ours(of) ? rc : 1;
}

#define FORWARD(type, name, declared, ...)                                                                             \
    type __real_##name declared;                                                                                       \
    type __wrap_##name declared

FORWARD(MYSQL *, mysql_real_connect,
        (MYSQL * m, const char *host, const char *user, const char *password, const char *database, unsigned port,
         const char *path, unsigned long flags))
{
    if (fails(m))
        return NULL;
    error.number = 0;
    return __real_mysql_real_connect(m, host, user, password, database, port, path, flags);
}

FORWARD(int, mysql_query, (MYSQL * m, const char *text))
{
    return fails(m) ? 1 : answer(__real_mysql_query(m, text), m);
}

FORWARD(int, mysql_stmt_prepare, (MYSQL_STMT * stmt, const char *text, unsigned long length))
{
    return fails(stmt) ? 1 : answer(__real_mysql_stmt_prepare(stmt, text, length), stmt);
}

FORWARD(int, mysql_stmt_execute, (MYSQL_STMT * stmt))
{
    return fails(stmt) ? 1 : answer(__real_mysql_stmt_execute(stmt), stmt);
}

FORWARD(bool, stmt_send, (MYSQL * m, MYSQL_STMT *stmt))
{
    sending = true;
    bool sent = __real_stmt_send(m, stmt);
    sending = false;
    return sent;
}

/* Statements that were sent together: each answer is read in any case, as the next one follows it. */
FORWARD(bool, stmt_receive, (MYSQL * m, MYSQL_STMT *stmt))
{
    fails(stmt);
    return __real_stmt_receive(m, stmt) && !ours(stmt);
}

FORWARD(unsigned, mysql_errno, (MYSQL * m))
{
    return ours(m) ? error.number : __real_mysql_errno(m);
}

FORWARD(const char *, mysql_error, (MYSQL * m))
{
    return ours(m) ? "a fault of the test" : __real_mysql_error(m);
}

FORWARD(unsigned, mysql_stmt_errno, (MYSQL_STMT * stmt))
{
    return ours(stmt) ? error.number : __real_mysql_stmt_errno(stmt);
}

FORWARD(const char *, mysql_stmt_error, (MYSQL_STMT * stmt))
{
    return ours(stmt) ? "a fault of the test" : __real_mysql_stmt_error(stmt);
}
