#include "app/operations.h"

#include "app/app.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/timestamp.h"
#include "db/db.h"
#include "jobs/jobs.h"

#include <stdlib.h>
#include <string.h>

size_t operation_number(const struct route *r)
{
    size_t before = 0;
    for (const struct group *const *g = all_groups; *g; before += (*g)->count, g++)
        if (r && r >= (*g)->routes && r < (*g)->routes + (*g)->count)
            return before + (size_t)(r - (*g)->routes);
    return before;
}

const struct route *operation_route(size_t number)
{
    for (const struct group *const *g = all_groups; *g; number -= (*g)->count, g++)
        if (number < (*g)->count)
            return &(*g)->routes[number];
    return NULL;
}

size_t metrics_operations(void)
{
    return operation_number(NULL);
}

/* FNV-1a, as in the statement cache of room db. */
static uint64_t digest(uint64_t h, const char *text)
{
    do
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    while (*text++);
    return h;
}

uint64_t metrics_meaning(void)
{
    uint64_t h = UINT64_C(1469598103934665603);
    const struct route *r;
    for (size_t i = 0; (r = operation_route(i)); i++)
        h = digest(digest(h, r->method), r->path);
    for (size_t i = 0; all_job_kinds[i]; i++)
        h = digest(h, all_job_kinds[i]->name);
    return h;
}

void operation_count(struct ctx *c)
{
    int status = c->res.status == UNANSWERED ? 500 : c->res.status;
    metric_request(operation_number(c->route), status, monotonic_ms() - c->started);
}

/* Slow requests -----------------------------------------------------------------------------------------------------
 */

/* The text of a statement, with long lists of placeholders cut short. It holds no values. */
static const char *shortened(struct arena *mem, const char *sql)
{
    struct buf b = {0};
    while (*sql) {
        size_t list = strspn(sql, "?, ()");
        if (list > 40 && *sql == '?') {
            buf_adds(&b, "?, ...");
            sql += list;
            buf_adds(&b, sql[-1] == ')' ? ")" : "");
            continue;
        }
        buf_addc(&b, *sql++);
    }
    const char *text = arena_strdup(mem, b.data ? b.data : "");
    buf_free(&b);
    return text;
}

static int by_number(const void *x, const void *y)
{
    const struct db_statement *a = x, *b = y;
    return a->number < b->number ? -1 : a->number > b->number;
}

void operation_report(struct ctx *c)
{
    double ms = monotonic_ms() - c->started;
    if (!config.slow_request || ms < (double)config.slow_request || !c->db)
        return;
    metric_add(M_SLOW_REQUESTS);
    struct db_trace t = *db_trace(c->db);
    size_t kept = t.count < DB_TRACED ? t.count : DB_TRACED;
    log_warn("slow request: %s %s %d in %.0f ms, of which %.0f ms in %zu statements on connection %lu", c->req.method,
             c->route ? c->route->path : "(no route)", c->res.status, ms, t.ms, t.count, db_connection_id(c->db));
    qsort(t.slowest, kept, sizeof *t.slowest, by_number);
    for (size_t i = 0; i < kept; i++)
        log_warn("slow request: statement %zu of %zu: %.1f ms, %zu rows: %s", t.slowest[i].number, t.count,
                 t.slowest[i].ms, t.slowest[i].rows, shortened(c->mem, t.slowest[i].sql));
}
