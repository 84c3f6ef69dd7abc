#include "jobs/operate.h"

#include "base/lookup.h"
#include "base/text.h"
#include "resource/sql.h"

static const char LIST[] =
    "SELECT j.id, j.kind, j.subject, NULL, j.unique_key, j.state, j.cancelled, j.attempt, j.created, j.updated, "
    "FROM_UNIXTIME(j.due), j.owner, j.outcome, LENGTH(j.payload) FROM kanso_job j WHERE TRUE";

static void add_equal(struct query *q, const char *column, const char *value)
{
    if (!value)
        return;
    query_add(q, " AND j.%s = ?", column);
    query_param(q, p_text(value));
}

/* By themselves, not joined: ZenML's ids may have another collation, under which a join would use no index. */
static enum db_status add_names(struct db *db, struct arena *a, struct db_rows *jobs)
{
    static const char *const tables[] = {"event_source", "`trigger`", "pipeline_run"};
    const char **ids = arena_array(a, jobs->count, sizeof *ids);
    struct lookup *names = lookup_new(a);
    struct query *q = query_new(a);
    struct db_rows rows;
    for (size_t i = 0; i < jobs->count; i++)
        ids[i] = db_row(jobs, i)[JOB_SUBJECT].s;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        query_add(q, "%sSELECT id, name FROM %s WHERE id IN ", i ? " UNION ALL " : "", tables[i]);
        query_in(q, ids, jobs->count);
    }
    enum db_status s = db_run(db, a, &rows, q->text.data, q->params, q->count);
    for (size_t i = 0; i < rows.count && s == DB_OK; i++)
        lookup_put(names, db_row(&rows, i)[0].s, &db_row(&rows, i)[1]);
    for (size_t i = 0; i < jobs->count && s == DB_OK; i++) {
        const struct db_value *name = lookup_get(names, ids[i]);
        if (name)
            db_row(jobs, i)[JOB_SUBJECT_NAME] = *name;
    }
    return s;
}

enum db_status jobs_list(struct db *db, struct arena *a, const struct job_choice *choice, struct db_rows *out)
{
    struct query *q = query_new(a);
    query_add(q, "%s", LIST);
    add_equal(q, "id", choice->id);
    add_equal(q, "subject", choice->subject);
    add_equal(q, "kind", choice->kind);
    add_equal(q, "state", choice->state);
    if (choice->events)
        query_add(q, " AND j.kind IN ('delivery', 'firing')");
    query_add(q, " ORDER BY j.kanso_order DESC LIMIT ?");
    query_param(q, p_int(choice->limit));
    enum db_status s = db_run(db, a, out, q->text.data, q->params, q->count);
    return s == DB_OK && out->count ? add_names(db, a, out) : s;
}

static enum db_status change(struct db *db, struct arena *a, const char *text, const char *id, bool *done)
{
    struct db_rows rows;
    const struct db_param param = p_text(id);
    enum db_status s = db_run(db, a, &rows, text, &param, 1);
    *done = s == DB_OK && rows.affected > 0;
    return s;
}

enum db_status jobs_retry(struct db *db, struct arena *a, const char *id, bool *done)
{
    return change(db, a,
                  "UPDATE kanso_job SET state = 'waiting', cancelled = 0, attempt = 0, due = UNIX_TIMESTAMP(), "
                  "updated = UTC_TIMESTAMP() WHERE id = ? AND state = 'failed'",
                  id, done);
}

/* What waits is taken up at once, to be given up; of what runs, the lease stays with who has it. */
enum db_status jobs_cancel(struct db *db, struct arena *a, const char *id, bool *done)
{
    return change(db, a,
                  "UPDATE kanso_job SET due = IF(state = 'waiting', UNIX_TIMESTAMP(), due), cancelled = 1, "
                  "updated = UTC_TIMESTAMP() WHERE id = ? AND state IN ('waiting', 'running')",
                  id, done);
}
