#include "jobs/run.h"

#include "audit/audit.h"
#include "base/log.h"
#include "base/text.h"
#include "http/route.h"
#include "resource/sql.h"

/* How often gave_up() is tried. */
enum { LAST_ATTEMPTS = 5 };

/* The only job of this process, and what is to be written about it. */
static struct {
    const struct job_kind *kind;
    const struct claim *claim;
    struct job job;
    const char *why;
    unsigned attempts_used;
    enum metric_attempt outcome;
} hand;

static int load(struct ctx *c)
{
    return job_load(c, hand.claim, &hand.job);
}

static int run(struct ctx *c)
{
    respond_reset(c);
    return hand.kind->run(c, &hand.job);
}

static int run_gave_up(struct ctx *c)
{
    respond_reset(c);
    return hand.kind->gave_up(c, &hand.job);
}

static int finish(struct ctx *c)
{
    return job_finish(c, &hand.job);
}

static int set_failed(struct ctx *c)
{
    return job_fail(c, &hand.job, hand.why);
}

static int set_later(struct ctx *c)
{
    return job_later(c, &hand.job, hand.attempts_used, queue_backoff(hand.job.attempt), hand.why);
}

/* Each step has a context of its own: what was committed within one is nothing to the next. */
static int step(struct arena *mem, struct db *db, int (*call)(struct ctx *), struct ctx *c)
{
    static const struct route none = {.method = "JOB", .path = "(background)"};
    buf_free(&c->res.body);
    *c = (struct ctx){
        .mem = mem,
        .db = db,
        .route = &none,
        .req = {.method = "JOB", .path = hand.kind->name, .content_type = "", .connection = -1, .id = hand.claim->id}};
    respond_reset(c);
    audit_job(c, hand.kind->name, hand.kind->about, hand.job.subject);
    int rc = sql_retrying(c, call);
    db_rollback(db); /* a transaction that was left open */
    return rc;
}

/* The text of an answer that fail() and its like have composed. */
static const char *answer_text(struct ctx *c)
{
    struct json_object *detail = NULL, *answer = json_build(c->mem, c->res.body.data, c->res.body.len);
    if (json_object_is_type(answer, json_type_array)) /* class and problems of a check */
        detail = answer;
    else if (!json_object_object_get_ex(answer, "detail", &detail))
        return "It failed and did not say why";
    if (json_object_is_type(detail, json_type_array) && json_object_array_length(detail) == 2)
        detail = json_object_array_get_idx(detail, 1);
    return arena_strdup(c->mem, json_object_get_string(detail));
}

static const char *text_of(struct ctx *c)
{
    return c->res.status == UNANSWERED || !c->res.body.len ? "It failed and did not say why" : answer_text(c);
}

static bool later(struct arena *mem, struct db *db, const char *why, unsigned attempts_used)
{
    struct ctx c = {0};
    hand.why = why;
    hand.attempts_used = attempts_used;
    bool ok = step(mem, db, set_later, &c) == OK;
    buf_free(&c.res.body);
    return ok;
}

static bool give_up(struct arena *mem, struct db *db, const char *why)
{
    struct ctx c = {0};
    hand.why = hand.job.reason = why;
    log_warn("job %s (%s %s): given up: %s", hand.job.id, hand.job.kind, hand.job.subject, why);
    bool tell = hand.kind->gave_up && hand.job.attempt <= hand.kind->attempts + LAST_ATTEMPTS;
    if (tell && step(mem, db, run_gave_up, &c) != OK) {
        log_error("job %s (%s): its failure could not be told: %s", hand.job.id, hand.job.kind, text_of(&c));
        buf_free(&c.res.body);
        return later(mem, db, why, hand.kind->attempts);
    }
    bool ok = step(mem, db, set_failed, &c) == OK;
    hand.outcome = ATTEMPT_FAILED;
    buf_free(&c.res.body);
    return ok;
}

static bool attempt(struct arena *mem, struct db *db, struct ctx *c)
{
    enum { REFUSED_BELOW = 500 };
    if (step(mem, db, run, c) == OK) {
        hand.outcome = ATTEMPT_DONE;
        return step(mem, db, finish, c) == OK;
    }
    const char *why = text_of(c);
    bool refused = c->res.status != UNANSWERED && c->res.status < REFUSED_BELOW;
    if (refused || hand.job.attempt >= hand.kind->attempts)
        return give_up(mem, db, why);
    log_info("job %s (%s %s): attempt %u: %s", hand.job.id, hand.job.kind, hand.job.subject, hand.job.attempt, why);
    return later(mem, db, why, 0);
}

bool job_run(struct db *db, const struct job_kind *kind, const struct claim *claim, enum metric_attempt *outcome)
{
    struct arena mem = {0};
    struct ctx c = {0};
    hand.kind = kind;
    hand.claim = claim;
    hand.outcome = ATTEMPT_LATER;
    log_about(claim->id);
    bool settled = step(&mem, db, load, &c) == OK;
    const char *before = hand.job.reason; /* what came of the last attempt */
    hand.job.reason = NULL;
    if (settled && claim->cancelled)
        settled = give_up(&mem, db, "cancelled");
    else if (settled && claim->attempt > kind->attempts)
        settled = give_up(&mem, db, before ? before : "Its attempts are used up");
    else if (settled)
        settled = attempt(&mem, db, &c);
    buf_free(&c.res.body);
    arena_free(&mem);
    *outcome = hand.outcome;
    return settled;
}
