#include "prune/prune.h"

#include "audit/audit.h"
#include "base/buf.h"
#include "base/text.h"
#include "http/route.h"
#include "model/model.h"
#include "resource/sql.h"

#include <stdlib.h>
#include <string.h>

/* A transaction takes no more objects than the row of their kind says, and ends when it has taken so long: its locks
 * are what writers wait for. */
enum { MOST_MS = 250, PAGE = 200 };

static const struct prunable {
    const char *name;
    const struct resource *res; /* deleted as the API would; NULL: nothing hangs on rows of `table` */
    const char *table;
    const char *audited;   /* what the audit log calls a row of `table`; NULL: they are not in it */
    const char *old;       /* condition on t with one place for the time */
    const char *unused;    /* what it must be besides; NULL: nothing */
    const char *latest_of; /* column with what it is a run or a version of; NULL: none is the latest */
    const char *tag_type;  /* NULL: it has no tags */
    const char *staged;    /* condition under which a stage protects it; NULL: none does */
    size_t batch;          /* in a transaction */
} kinds[] = {
    {.name = "runs",
     .res = &resource_run,
     .old = "t.created < ? AND t.status IN ('completed', 'failed', 'cached')",
     .unused = "NOT EXISTS (SELECT 1 FROM service x WHERE x.pipeline_run_id = t.id)",
     .latest_of = "pipeline_id",
     .tag_type = "pipeline_run",
     .staged =
         "EXISTS (SELECT 1 FROM model_versions_runs x JOIN model_version v ON v.id = x.model_version_id WHERE "
         "x.pipeline_run_id = t.id AND v.stage IS NOT NULL) OR EXISTS (SELECT 1 FROM model_version v WHERE v.id = "
         "t.model_version_id AND v.stage IS NOT NULL)",
     .batch = 20},
    {.name = "model-versions",
     .res = &resource_model_version,
     .old = "t.created < ?",
     .unused =
         "NOT EXISTS (SELECT 1 FROM pipeline_run x WHERE x.model_version_id = t.id) AND NOT EXISTS (SELECT 1 FROM "
         "step_run x WHERE x.model_version_id = t.id) AND NOT EXISTS (SELECT 1 FROM model_versions_runs x WHERE "
         "x.model_version_id = t.id) AND NOT EXISTS (SELECT 1 FROM service x WHERE x.model_version_id = t.id)",
     .latest_of = "model_id",
     .tag_type = "model_version",
     .staged = "t.stage IS NOT NULL",
     .batch = 20},
    {.name = "artifact-versions",
     .res = &resource_artifact_version,
     .old = "t.created < ?",
     .unused =
         "NOT EXISTS (SELECT 1 FROM step_run_input_artifact x WHERE x.artifact_id = t.id) AND NOT EXISTS (SELECT 1 "
         "FROM step_run_output_artifact x WHERE x.artifact_id = t.id) AND NOT EXISTS (SELECT 1 FROM "
         "model_versions_artifacts x WHERE x.artifact_version_id = t.id)",
     .latest_of = "artifact_id",
     .tag_type = "artifact_version",
     .batch = 50},
    {.name = "artifacts",
     .res = &resource_artifact,
     .old = "t.created < ?",
     .unused = "NOT EXISTS (SELECT 1 FROM artifact_version x WHERE x.artifact_id = t.id)",
     .tag_type = "artifact",
     .batch = 50},
    {.name = "deployments",
     .res = &resource_deployment,
     .old = "t.created < ? AND t.schedule_id IS NULL",
     .unused = "NOT EXISTS (SELECT 1 FROM pipeline_run x WHERE x.deployment_id = t.id) AND NOT EXISTS (SELECT 1 FROM "
               "step_run x WHERE x.deployment_id = t.id) AND NOT EXISTS (SELECT 1 FROM run_template x WHERE "
               "x.source_deployment_id = t.id)",
     .batch = 8 /* their configurations are large */},
    {.name = "builds",
     .res = &resource_build,
     .old = "t.created < ?",
     .unused = "NOT EXISTS (SELECT 1 FROM pipeline_deployment x WHERE x.build_id = t.id) AND NOT EXISTS (SELECT 1 FROM "
               "pipeline_run x WHERE x.build_id = t.id)",
     .batch = 50},
    {.name = "code-references",
     .res = &resource_code_reference,
     .old = "t.created < ?",
     .unused = "NOT EXISTS (SELECT 1 FROM pipeline_deployment x WHERE x.code_reference_id = t.id)",
     .batch = 50},
    {.name = "trigger-executions",
     .res = &resource_trigger_execution,
     .old = "t.created < ?",
     .unused = "NOT EXISTS (SELECT 1 FROM pipeline_run x WHERE x.trigger_execution_id = t.id)",
     .batch = 50},
    {.name = "jobs",
     .table = "kanso_job",
     .old = "t.due < UNIX_TIMESTAMP(?) AND t.state IN ('done', 'failed')",
     .batch = 100},
    {.name = "devices", .table = "auth_devices", .audited = "device", .old = "t.expires < ?", .batch = 100},
};

size_t prune_kinds(void)
{
    return ARRAY_LEN(kinds);
}

const char *prune_name(size_t kind)
{
    return kinds[kind].name;
}

static const char *table_of(const struct prunable *k)
{
    return k->res ? k->res->table : k->table;
}

/* What is to be deleted: a condition on t with one place for the time. The latest ones are found from the newest on by
 * an index, for each row anew, so that it takes no time to look through a pipeline with many runs. */
static const char *condition(const struct prune *p, const struct prunable *k)
{
    struct buf out = {0};
    buf_adds(&out, k->old);
    if (k->unused)
        buf_addf(&out, " AND %s", k->unused);
    if (k->latest_of && p->keep > 0)
        buf_addf(
            &out,
            " AND (t.%s IS NULL OR (t.created, t.kanso_order) < (SELECT n.created, n.kanso_order FROM `%s` n WHERE "
            "n.%s = t.%s ORDER BY n.created DESC, n.kanso_order DESC LIMIT 1 OFFSET %lld))",
            k->latest_of, table_of(k), k->latest_of, k->latest_of, (long long)(p->keep - 1));
    if (k->tag_type && !p->tagged)
        buf_addf(&out,
                 " AND NOT EXISTS (SELECT 1 FROM tag_resource x WHERE x.resource_id = t.id AND x.resource_type = '%s')",
                 k->tag_type);
    if (k->staged && !p->staged)
        buf_addf(&out, " AND NOT (%s)", k->staged);
    const char *text = arena_strndup(p->mem, out.data, out.len);
    buf_free(&out);
    return text;
}

static const char *failed(const struct prune *p, const struct prunable *k)
{
    return arena_printf(p->mem, "%s: the database reports error %u: %s", k->name, db_errno(p->db), db_error(p->db));
}

const char *prune_count(struct prune *p, size_t kind, int64_t *count)
{
    const struct prunable *k = &kinds[kind];
    struct db_rows r;
    struct db_param before = p_text(p->before);
    const char *text = arena_printf(p->mem, "SELECT COUNT(*) FROM `%s` t WHERE %s", table_of(k), condition(p, k));
    if (db_run(p->db, p->mem, &r, text, &before, 1) != DB_OK)
        return failed(p, k);
    *count = strtoll(r.values->s, NULL, 10);
    return NULL;
}

/* One transaction -------------------------------------------------------------------------------------------------- */

/* The handler knows nothing but its context. */
static struct {
    struct prune *p;
    const struct prunable *kind;
    const char *check;      /* finds a row if it is still to be deleted; of a mere table, deletes it */
    const char *const *ids; /* candidates */
    size_t count;
    size_t seen;     /* of them, by this transaction */
    int64_t deleted; /* by it */
} hand;

/* Asked for twice: the first time its lock may have to be waited for, and what the condition says is of before that. */
static int lock_unused(struct ctx *c, struct write *w, const char *id, bool *unused)
{
    const char *is;
    *unused = false;
    TRY(sql_value(c, &is, arena_printf(c->mem, "%s FOR UPDATE", hand.check), p_text(hand.p->before), p_text(id)));
    if (!is)
        return OK;
    TRY(write_lock(w, id));
    TRY(sql_value(c, &is, hand.check, p_text(hand.p->before), p_text(id)));
    *unused = is;
    return OK;
}

static int delete_object(struct ctx *c, const char *id)
{
    struct write w = {.c = c, .res = hand.kind->res};
    bool unused;
    TRY(lock_unused(c, &w, id, &unused));
    if (!unused)
        return OK;
    hand.deleted++;
    return write_delete_within(&w);
}

static int delete_row(struct ctx *c, const char *id)
{
    struct db_rows r;
    TRY(sql(c, &r, hand.check, p_text(hand.p->before), p_text(id)));
    hand.deleted += (int64_t)r.affected;
    if (r.affected && hand.kind->audited)
        audit_changed_row(c, hand.kind->audited, id, NULL, DELETED);
    return OK;
}

static int transaction(struct ctx *c)
{
    double until = monotonic_ms() + MOST_MS;
    hand.seen = 0;
    hand.deleted = 0;
    TRY(sql_begin(c));
    while (hand.seen < hand.count && hand.seen < hand.kind->batch && (hand.seen == 0 || monotonic_ms() < until))
        TRY((hand.kind->res ? delete_object : delete_row)(c, hand.ids[hand.seen++]));
    return sql_commit(c);
}

static bool run_transaction(struct prune *p)
{
    static const struct route none = {.method = "PRUNE", .path = "(kansoctl)"};
    struct arena mem = {0};
    struct ctx c = {.mem = &mem,
                    .db = p->db,
                    .route = &none,
                    .req = {.method = "PRUNE", .path = hand.kind->name, .content_type = "", .connection = -1}};
    respond_reset(&c);
    audit_command(&c, "prune");
    bool ok = sql_retrying(&c, transaction) == OK;
    db_rollback(p->db);
    buf_free(&c.res.body);
    arena_free(&mem);
    return ok;
}

/* All of them ------------------------------------------------------------------------------------------------------ */

/* The next candidates behind *last in order of creation. */
static const char *next_page(struct prune *p, const struct prunable *k, struct arena *mem, const char *text,
                             int64_t *last, const char ***ids, size_t *count)
{
    struct db_rows r;
    struct db_param params[] = {p_text(p->before), p_int(*last)};
    if (db_run(p->db, mem, &r, text, params, ARRAY_LEN(params)) != DB_OK)
        return failed(p, k);
    *count = r.count;
    *ids = arena_array(mem, r.count, sizeof **ids);
    for (size_t i = 0; i < r.count; i++)
        (*ids)[i] = db_row(&r, i)[0].s;
    if (r.count)
        *last = strtoll(db_row(&r, r.count - 1)[1].s, NULL, 10);
    return NULL;
}

static const char *delete_page(struct prune *p, const struct prunable *k, const char *const *ids, size_t count,
                               int64_t *deleted)
{
    while (count && !*p->stop) {
        hand.ids = ids;
        hand.count = count;
        if (!run_transaction(p))
            return failed(p, k);
        *deleted += hand.deleted;
        ids += hand.seen;
        count -= hand.seen;
        if (p->progress)
            p->progress(k->name, *deleted);
    }
    return NULL;
}

const char *prune_delete(struct prune *p, size_t kind, int64_t *deleted)
{
    const struct prunable *k = &kinds[kind];
    struct arena mem = {0};
    const char **ids = NULL, *problem = NULL, *which = condition(p, k);
    const char *text = arena_printf(p->mem,
                                    "SELECT t.id, t.kanso_order FROM `%s` t WHERE %s AND t.kanso_order > ? ORDER BY "
                                    "t.kanso_order LIMIT %d",
                                    table_of(k), which, PAGE);
    int64_t last = 0;
    size_t count = 1;
    *deleted = 0;
    hand.p = p;
    hand.kind = k;
    hand.check = arena_printf(p->mem, "%s FROM `%s` t WHERE %s AND t.id = ?", k->res ? "SELECT t.id" : "DELETE t",
                              table_of(k), which);
    while (!problem && count && !*p->stop) {
        problem = next_page(p, k, &mem, text, &last, &ids, &count);
        if (!problem)
            problem = delete_page(p, k, ids, count, deleted);
        arena_reset(&mem);
    }
    arena_free(&mem);
    return problem;
}
