#include "jobs/operate.h"

#include "resource/sql.h"

static const char LIST[] =
    "SELECT j.id, j.kind, j.subject, COALESCE((SELECT s.name FROM event_source s WHERE s.id = j.subject), "
    "(SELECT t.name FROM `trigger` t WHERE t.id = j.subject), "
    "(SELECT r.name FROM pipeline_run r WHERE r.id = j.subject)), j.unique_key, j.state, j.cancelled, j.attempt, "
    "j.created, j.updated, FROM_UNIXTIME(j.due), j.owner, j.outcome, LENGTH(j.payload) FROM kanso_job j WHERE TRUE";

static void add_equal(struct query *q, const char *column, const char *value)
{
    if (!value)
        return;
    query_add(q, " AND j.%s = ?", column);
    query_param(q, p_text(value));
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
    return db_run(db, a, out, q->text.data, q->params, q->count);
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
