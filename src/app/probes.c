#include "app/probes.h"

#include "app/app.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "db/migrate.h"
#include "resource/sql.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* How long somebody waits for the database, and how long the thread does before it calls the connection lost. */
enum { PATIENCE_MS = 500, TIMEOUT_S = 2, STACK = 512 * 1024 };

/* What threads share, under `lock`. A question is open from the first who asks until it is answered; who comes
 * meanwhile waits for the same answer. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t asked, answered; /* the latter is made with the thread */
    bool running, open;
    double since;     /* it was asked */
    uint64_t answers; /* how many there have been */
    struct probe last;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .asked = PTHREAD_COND_INITIALIZER};

/* The thread ---------------------------------------------------------------------------------------------------------
 */

/* The DELETE finds nothing; a server that accepts no changes refuses it all the same. */
static int check(struct ctx *c)
{
    struct db_rows version;
    TRY(sql0(c, &version, "SELECT version_num FROM alembic_version"));
    TRY(sql0(c, NULL, "DELETE FROM kanso_meta WHERE name = ''"));
    if (version.count != 1 || !streq(db_row(&version, 0)[0].s, SCHEMA_VERSION))
        return fail(c, EX_UNAVAILABLE, "The tables of the database are not those of ZenML " SCHEMA_VERSION);
    return OK;
}

/* A connection that has been lost meanwhile is made anew once. */
static int check_twice(struct ctx *c)
{
    int rc = check(c);
    if (rc == RETRY) {
        respond_reset(c);
        rc = check(c);
    }
    return rc == RETRY ? sql_unavailable(c) : rc;
}

static void ask(struct db *db, struct arena *mem, struct probe *out)
{
    double before = monotonic_ms();
    struct ctx c = {.mem = mem, .db = db, .req = {.method = "GET", .path = "/ready", .connection = -1}};
    *out = (struct probe){.answered = true};
    respond_reset(&c);
    out->ready = check_twice(&c) == OK;
    out->status = c.res.status;
    if (out->ready)
        out->knows_jobs = queue_count(db, mem, &out->jobs) == DB_OK;
    else
        snprintf(out->refusal, sizeof out->refusal, "%.*s", (int)c.res.body.len, c.res.body.data);
    out->ms = monotonic_ms() - before;
    db_rollback(db);
    buf_free(&c.res.body);
    arena_reset(mem);
}

static _Noreturn void *answer_questions(void *url)
{
    struct arena mem = {0};
    struct db *db = db_new(url);
    struct probe found;
    for (;;) {
        pthread_mutex_lock(&shared.lock);
        while (!shared.open)
            pthread_cond_wait(&shared.asked, &shared.lock);
        pthread_mutex_unlock(&shared.lock);
        ask(db, &mem, &found);
        pthread_mutex_lock(&shared.lock);
        shared.last = found;
        shared.open = false;
        shared.answers++;
        pthread_cond_broadcast(&shared.answered);
        pthread_mutex_unlock(&shared.lock);
    }
}

static bool start_thread(void)
{
    static struct db_url url;
    pthread_attr_t attributes;
    pthread_condattr_t clock;
    pthread_t thread;
    sigset_t all, before;
    url = *app_database();
    url.io_timeout = url.connect_timeout = TIMEOUT_S;
    db_init_threads();
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&shared.answered, &clock);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all); /* they are the other thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, answer_questions, &url);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        log_error("cannot start the thread that asks the database: %s", strerror(error));
    return !error;
}

/* Those who ask --------------------------------------------------------------------------------------------------- */

static struct timespec moment(double ms)
{
    long seconds = (long)(ms / 1000);
    return (struct timespec){.tv_sec = seconds, .tv_nsec = (long)((ms - (double)seconds * 1000) * 1e6)};
}

void probe_database(struct probe *out)
{
    double now = monotonic_ms();
    pthread_mutex_lock(&shared.lock);
    if (!shared.running)
        shared.running = start_thread();
    if (!shared.open) {
        shared.open = true;
        shared.since = now;
        pthread_cond_signal(&shared.asked);
    }
    uint64_t before = shared.answers;
    const struct timespec until = moment(shared.since + PATIENCE_MS);
    while (shared.running && shared.answers == before &&
           pthread_cond_timedwait(&shared.answered, &shared.lock, &until) != ETIMEDOUT)
        ;
    *out = shared.answers != before ? shared.last : (struct probe){.ms = monotonic_ms() - shared.since};
    pthread_mutex_unlock(&shared.lock);
}

int probe_health(struct ctx *c)
{
    struct jw w = respond_json(c);
    jw_str(&w, "OK");
    return OK;
}

int probe_ready(struct ctx *c)
{
    struct probe found;
    probe_database(&found);
    if (!found.answered)
        return fail(c, EX_UNAVAILABLE, "The database has not answered for %.1f seconds", found.ms / 1000);
    if (!found.ready) {
        c->res.status = found.status;
        buf_adds(&c->res.body, found.refusal);
        return FAILED;
    }
    struct jw w = respond_json(c);
    jw_str(&w, "OK");
    return OK;
}
