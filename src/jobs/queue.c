#include "jobs/queue.h"

#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "resource/sql.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOW  "UNIX_TIMESTAMP()"
#define MINE "WHERE id = ? AND owner = ?" /* who has the lease; nobody of what does not run */

/* From handlers --------------------------------------------------------------------------------------------------- */

int job_add(struct ctx *c, const char *kind, const char *subject, const char *key, struct span payload, int64_t due)
{
    static const char text[] =
        "INSERT INTO kanso_job (id, created, updated, kind, subject, unique_key, state, due, payload) "
        "VALUES (?, UTC_TIMESTAMP(), UTC_TIMESTAMP(), ?, ?, ?, 'waiting', GREATEST(?, " NOW "), ?)";
    char id[UUID_HEX + 1];
    uuid_new(id);
    const struct db_param params[] = {p_text(id),  p_text(kind), p_text(subject),
                                      p_text(key), p_int(due),   p_textn(payload.s ? payload.s : "", payload.len)};
    enum db_status s = db_run(c->db, c->mem, NULL, text, params, ARRAY_LEN(params));
    return s == DB_DUPLICATE && key ? OK : sql_failed(c, s);
}

static int settled(struct ctx *c, int rc, const struct db_rows *rows)
{
    if (rc == OK && rows->affected == 0)
        return fail(c, EX_UNAVAILABLE, "The lease of the job has run out, and somebody else may have it now");
    return rc;
}

static int set_ended(struct ctx *c, struct db_rows *rows, const struct job *job, const char *state, const char *outcome)
{
    /* what was failed may be tried again by hand: it keeps its payload */
    return sql(c, rows,
               "UPDATE kanso_job SET state = ?, outcome = ?, owner = NULL, due = " NOW ", updated = UTC_TIMESTAMP(), "
               "payload = IF(state = 'done', '', payload) " MINE,
               p_text(state), p_text(outcome), p_text(job->id), p_text(job->owner));
}

int job_done(struct ctx *c, const struct job *job, const char *outcome)
{
    struct db_rows rows;
    int rc = set_ended(c, &rows, job, job->reason ? "failed" : "done", job->reason ? job->reason : outcome);
    return settled(c, rc, &rows);
}

int job_again(struct ctx *c, const struct job *job, int64_t seconds, const char *outcome)
{
    struct db_rows rows;
    int rc = sql(c, &rows,
                 "UPDATE kanso_job SET state = 'waiting', outcome = ?, attempt = 0, owner = NULL, due = " NOW
                 " + ?, updated = UTC_TIMESTAMP() " MINE,
                 p_text(outcome), p_int(seconds), p_text(job->id), p_text(job->owner));
    return settled(c, rc, &rows);
}

/* In the process of one job ---------------------------------------------------------------------------------------- */

int job_load(struct ctx *c, const struct claim *claim, struct job *out)
{
    struct db_rows rows;
    int rc = sql(c, &rows, "SELECT id, kind, subject, payload, outcome FROM kanso_job " MINE, p_text(claim->id),
                 p_text(claim->owner));
    if (rc != OK)
        return rc;
    if (!rows.count)
        return fail(c, EX_UNAVAILABLE, "The lease of the job has run out");
    const struct db_value *v = db_row(&rows, 0);
    *out = (struct job){.id = v[0].s,
                        .kind = v[1].s,
                        .subject = v[2].s,
                        .payload = {v[3].s, v[3].len},
                        .attempt = claim->attempt,
                        .owner = claim->owner,
                        .reason = v[4].s};
    return OK;
}

int job_finish(struct ctx *c, const struct job *job)
{
    struct db_rows rows;
    return set_ended(c, &rows, job, "done", NULL);
}

int job_fail(struct ctx *c, const struct job *job, const char *why)
{
    struct db_rows rows;
    return set_ended(c, &rows, job, "failed", why);
}

int job_later(struct ctx *c, const struct job *job, unsigned attempts_used, unsigned seconds, const char *why)
{
    return sql(c, NULL,
               "UPDATE kanso_job SET state = 'waiting', outcome = ?, owner = NULL, due = " NOW
               " + ?, updated = UTC_TIMESTAMP(), attempt = GREATEST(attempt, ?) " MINE,
               p_text(why), p_int(seconds), p_int(attempts_used), p_text(job->id), p_text(job->owner));
}

unsigned queue_backoff(unsigned attempt)
{
    enum { LONGEST = 300 };
    return attempt < 9 && 1u << attempt < LONGEST ? 1u << attempt : LONGEST;
}

/* Leases ----------------------------------------------------------------------------------------------------------- */

enum db_status queue_look(struct db *db, struct arena *a, bool *due, int64_t *now)
{
    struct db_rows rows;
    enum db_status s = db_run(db, a, &rows,
                              "SELECT EXISTS(SELECT 1 FROM kanso_job WHERE state = 'waiting' AND due <= " NOW
                              ") OR EXISTS(SELECT 1 FROM kanso_job WHERE state = 'running' AND due <= " NOW "), " NOW,
                              NULL, 0);
    if (s == DB_OK) {
        *due = streq(db_row(&rows, 0)[0].s, "1");
        parse_int64(db_row(&rows, 0)[1].s, now);
    }
    return s;
}

enum db_status queue_set_back(struct db *db, struct arena *a)
{
    const struct db_param params[] = {p_int(config.jobs_lease), p_int(CLOCK_SKEW)};
    return db_run(db, a, NULL,
                  "UPDATE kanso_job SET due = " NOW " + IF(state = 'running', ?, 0), updated = UTC_TIMESTAMP() "
                  "WHERE state IN ('waiting', 'running') AND updated > UTC_TIMESTAMP() + INTERVAL ? SECOND",
                  params, ARRAY_LEN(params));
}

/* Kinds that this build does not know wait for one that does: hosts may be of two versions for a while. */
static void add_kinds(struct query *q, const struct job_kind *const *kinds)
{
    query_add(q, "kind IN (");
    for (size_t i = 0; kinds[i]; i++) {
        query_add(q, i ? ", ?" : "?");
        query_param(q, p_text(kinds[i]->name));
    }
    query_add(q, ")");
}

static enum db_status choose(struct db *db, struct arena *a, const char *state, const struct job_kind *const *kinds,
                             size_t room, struct db_rows *out)
{
    struct query *q = query_new(a);
    query_add(q, "SELECT id, kind, attempt, cancelled FROM kanso_job WHERE state = ? AND due <= " NOW " AND ");
    query_param(q, p_text(state));
    add_kinds(q, kinds);
    query_add(q, " ORDER BY due LIMIT ? FOR UPDATE SKIP LOCKED");
    query_param(q, p_int((int64_t)room));
    return db_run(db, a, out, q->text.data, q->params, q->count);
}

static void begin_claim(struct claim *c, const struct db_value *row)
{
    char host[65] = "", random[UUID_HEX + 1];
    int64_t attempt = 0;
    gethostname(host, sizeof host - 1);
    uuid_new(random);
    parse_int64(row[2].s, &attempt);
    *c = (struct claim){.attempt = (unsigned)attempt + 1, .cancelled = streq(row[3].s, "1")};
    snprintf(c->id, sizeof c->id, "%s", row[0].s);
    snprintf(c->kind, sizeof c->kind, "%s", row[1].s);
    snprintf(c->owner, sizeof c->owner, "%s %d %s", host, (int)getpid(), random);
}

static enum db_status take(struct db *db, struct arena *a, const struct db_rows *rows, struct claim *out, size_t *count)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct db_value *v = db_row(rows, i);
        struct claim *c = &out[*count];
        begin_claim(c, v);
        const struct db_param params[] = {p_text(c->owner), p_int(config.jobs_lease), p_text(c->id)};
        enum db_status s =
            db_run(db, a, NULL,
                   "UPDATE kanso_job SET outcome = IF(state = 'running', 'The process that ran it is gone', "
                   "outcome), state = 'running', owner = ?, attempt = attempt + 1, due = " NOW
                   " + ?, updated = UTC_TIMESTAMP() WHERE id = ?",
                   params, ARRAY_LEN(params));
        if (s != DB_OK)
            return s;
        ++*count;
    }
    return DB_OK;
}

enum db_status queue_claim(struct db *db, struct arena *a, const struct job_kind *const *kinds, struct claim *out,
                           size_t room, size_t *count)
{
    static const char *const states[] = {"running", "waiting"};
    *count = 0;
    if (!kinds[0])
        return DB_OK;
    enum db_status s = db_room(db); /* without room for changes, attempts would come to nothing */
    if (s == DB_OK)
        s = db_begin(db);
    for (size_t i = 0; i < ARRAY_LEN(states) && s == DB_OK && *count < room; i++) {
        struct db_rows rows;
        s = choose(db, a, states[i], kinds, room - *count, &rows);
        if (s == DB_OK)
            s = take(db, a, &rows, out, count);
    }
    if (s == DB_OK)
        s = db_commit(db);
    if (s != DB_OK) {
        db_rollback(db);
        *count = 0;
    }
    return s;
}

static void add_ids(struct query *q, const struct claim *claims, size_t count)
{
    query_add(q, "id IN (");
    for (size_t i = 0; i < count; i++) {
        query_add(q, i ? ", ?" : "?");
        query_param(q, p_text(claims[i].id));
    }
    query_add(q, ")");
}

static enum db_status renew_leases(struct db *db, struct arena *a, const struct claim *claims, size_t count)
{
    struct query *q = query_new(a);
    query_add(q, "UPDATE kanso_job SET due = " NOW " + ?, updated = UTC_TIMESTAMP() WHERE ");
    query_param(q, p_int(config.jobs_lease));
    add_ids(q, claims, count);
    query_add(q, " AND owner IN (");
    for (size_t i = 0; i < count; i++) {
        query_add(q, i ? ", ?" : "?");
        query_param(q, p_text(claims[i].owner));
    }
    query_add(q, ")");
    return db_run(db, a, NULL, q->text.data, q->params, q->count);
}

/* A row that is gone has ended and been swept. */
static enum standing standing_of(const struct db_rows *rows, const struct claim *claim)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct db_value *v = db_row(rows, i);
        if (!streq(v[0].s, claim->id))
            continue;
        if (!v[1].s)
            return SETTLED;
        if (!streq(v[1].s, claim->owner))
            return LOST;
        return streq(v[2].s, "1") && !claim->cancelled ? CANCELLED : HELD;
    }
    return SETTLED;
}

enum db_status queue_keep(struct db *db, struct arena *a, const struct claim *claims, size_t count, bool renew,
                          enum standing *out)
{
    struct db_rows rows;
    enum db_status s = renew ? renew_leases(db, a, claims, count) : DB_OK;
    if (s != DB_OK)
        return s;
    struct query *q = query_new(a);
    query_add(q, "SELECT id, owner, cancelled FROM kanso_job WHERE ");
    add_ids(q, claims, count);
    s = db_run(db, a, &rows, q->text.data, q->params, q->count);
    for (size_t i = 0; i < count && s == DB_OK; i++)
        out[i] = standing_of(&rows, &claims[i]);
    return s;
}

enum db_status queue_release(struct db *db, struct arena *a, const struct claim *claim, const char *why,
                             unsigned seconds)
{
    const struct db_param params[] = {p_text(why), p_int(seconds), p_text(claim->id), p_text(claim->owner)};
    return db_run(db, a, NULL,
                  "UPDATE kanso_job SET state = 'waiting', outcome = ?, owner = NULL, due = " NOW
                  " + ?, updated = UTC_TIMESTAMP() " MINE,
                  params, ARRAY_LEN(params));
}

enum db_status queue_return(struct db *db, struct arena *a, const struct claim *claim)
{
    const struct db_param params[] = {p_text(claim->id), p_text(claim->owner)};
    return db_run(db, a, NULL,
                  "UPDATE kanso_job SET state = 'waiting', owner = NULL, attempt = attempt - 1, due = " NOW
                  ", updated = UTC_TIMESTAMP() " MINE,
                  params, ARRAY_LEN(params));
}

enum db_status queue_sweep(struct db *db, struct arena *a, int64_t days, bool *more)
{
    enum { AT_ONCE = 1000 };
    static const char *const states[] = {"done", "failed"};
    *more = false;
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct db_rows rows;
        const struct db_param params[] = {p_text(states[i]), p_int(days * 86400), p_int(AT_ONCE)};
        enum db_status s =
            db_run(db, a, &rows, "DELETE FROM kanso_job WHERE state = ? AND due <= " NOW " - ? ORDER BY due LIMIT ?",
                   params, ARRAY_LEN(params));
        if (s != DB_OK)
            return s;
        *more = *more || rows.affected == AT_ONCE;
    }
    return DB_OK;
}

enum db_status queue_count(struct db *db, struct arena *a, struct queue_depth *out)
{
    struct db_rows rows;
    *out = (struct queue_depth){0};
    enum db_status s =
        db_run(db, a, &rows,
               "SELECT state, due <= " NOW ", COUNT(*), " NOW " - MIN(due) FROM kanso_job WHERE state IN "
               "('waiting', 'running', 'failed') GROUP BY 1, 2",
               NULL, 0);
    for (size_t i = 0; s == DB_OK && i < rows.count; i++) {
        const struct db_value *v = db_row(&rows, i);
        bool due = *v[1].s != '0';
        uint64_t *to = streq(v[0].s, "failed")    ? &out->failed
                       : streq(v[0].s, "running") ? &out->running
                       : due                      ? &out->due
                                                  : &out->later;
        *to += strtoull(v[2].s, NULL, 10);
        if (to == &out->due)
            out->oldest = strtoll(v[3].s, NULL, 10);
    }
    return s;
}
