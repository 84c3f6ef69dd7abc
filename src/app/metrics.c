#include "app/metrics.h"

#include "app/operations.h"
#include "app/probes.h"
#include "auth/limit.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/text.h"
#include "db/db.h"
#include "jobs/jobs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Families -----------------------------------------------------------------------------------------------------------
 */

static void family(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct buf *b, const char *name, const char *type, const char *help, double value)
{
    family(b, name, type, help);
    buf_addf(b, "%s %.15g\n", name, value);
}

/* A histogram's lines. `labels` is "" or ends with a comma. */
static void histogram(struct buf *b, const char *name, const char *labels, const struct metric_times *t)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < METRIC_CLASSES; i++) {
        sum += t->classes[i];
        if (i < METRIC_BOUNDS)
            buf_addf(b, "%s_bucket{%sle=\"%.15g\"} %llu\n", name, labels, metric_bounds[i] / 1000,
                     (unsigned long long)sum);
        else
            buf_addf(b, "%s_bucket{%sle=\"+Inf\"} %llu\n", name, labels, (unsigned long long)sum);
    }
    const char *open = *labels ? "{" : "", *close = *labels ? "}" : "";
    int len = *labels ? (int)strlen(labels) - 1 : 0;
    buf_addf(b, "%s_sum%s%.*s%s %.6f\n", name, open, len, labels, close, t->seconds);
    buf_addf(b, "%s_count%s%.*s%s %llu\n", name, open, len, labels, close, (unsigned long long)sum);
}

/* Counters that stand in a row, by a label whose values are `names`. */
static void counters(struct buf *b, const char *name, const char *help, const char *label, const char *const *names,
                     size_t count, enum metric first)
{
    family(b, name, "counter", help);
    for (size_t i = 0; i < count; i++)
        buf_addf(b, "%s{%s=\"%s\"} %llu\n", name, label, names[i],
                 (unsigned long long)metric_value((enum metric)(first + i)));
}

/* Requests ----------------------------------------------------------------------------------------------------------
 */

/* Method and path of an operation as labels; templates hold neither quotes nor backslashes. */
static void operation_labels(size_t number, char to[512])
{
    const struct route *r = operation_route(number);
    snprintf(to, 512, "method=\"%s\",route=\"%s\",", r ? r->method : "none", r ? r->path : "none");
}

static void request_counts(struct buf *b)
{
    char labels[512];
    family(b, "kanso_http_requests_total", "counter", "Answered requests by operation and status.");
    for (size_t op = 0; op <= metrics_operations(); op++)
        for (size_t code = 0; code < METRIC_CODES; code++) {
            uint64_t n = metric_request_count(op, code);
            if (!n)
                continue;
            operation_labels(op, labels);
            if (metric_codes[code])
                buf_addf(b, "kanso_http_requests_total{%scode=\"%d\"} %llu\n", labels, metric_codes[code],
                         (unsigned long long)n);
            else
                buf_addf(b, "kanso_http_requests_total{%scode=\"other\"} %llu\n", labels, (unsigned long long)n);
        }
}

static bool any(const struct metric_times *t)
{
    for (size_t i = 0; i < METRIC_CLASSES; i++)
        if (t->classes[i])
            return true;
    return false;
}

static void requests(struct buf *b)
{
    char labels[512];
    struct metric_times t;
    request_counts(b);
    family(b, "kanso_http_request_duration_seconds", "histogram",
           "Time from accepting a request until its answer is complete, by operation.");
    for (size_t op = 0; op <= metrics_operations(); op++) {
        metric_request_times(op, &t);
        if (!any(&t))
            continue;
        operation_labels(op, labels);
        histogram(b, "kanso_http_request_duration_seconds", labels, &t);
    }
    single(b, "kanso_http_requests_abandoned_total", "counter", "Requests whose client had gone before they began.",
           (double)metric_value(M_REQUESTS_ABANDONED));
    single(b, "kanso_http_slow_requests_total", "counter", "Requests that took longer than KANSO_SLOW_REQUEST.",
           (double)metric_value(M_SLOW_REQUESTS));
}

/* The database ------------------------------------------------------------------------------------------------------
 */

static void database(struct buf *b, const struct probe *probe)
{
    static const char *const statuses[] = {[DB_OK] = "none",
                                           [DB_LOST] = "lost",
                                           [DB_AGAIN] = "again",
                                           [DB_UNAVAILABLE] = "unavailable",
                                           [DB_DUPLICATE] = "duplicate",
                                           [DB_FOREIGN] = "foreign_key",
                                           [DB_INVALID] = "invalid",
                                           [DB_CHARSET] = "charset",
                                           [DB_ERROR] = "error"};
    struct metric_times t;
    metric_statement_times(&t);
    single(b, "kanso_database_ready", "gauge", "Whether the database answers, has the tables and accepts changes.",
           probe->ready);
    family(b, "kanso_database_statement_duration_seconds", "histogram",
           "Time from sending a statement until its rows are there.");
    histogram(b, "kanso_database_statement_duration_seconds", "", &t);
    counters(b, "kanso_database_errors_total", "Statements and connections that failed, by what that means.", "class",
             statuses + 1, ARRAY_LEN(statuses) - 1, M_DATABASE_ERRORS + 1);
    single(b, "kanso_database_connections_total", "counter", "Connections that were made.",
           (double)metric_value(M_CONNECTIONS));
    single(b, "kanso_database_connection_failures_total", "counter", "Connections that could not be made.",
           (double)metric_value(M_CONNECTION_FAILURES));
    single(b, "kanso_database_retries_total", "counter",
           "Requests and jobs that were begun again because of a deadlock or a lost connection.",
           (double)metric_value(M_TRANSACTION_RETRIES));
}

/* Who comes in ------------------------------------------------------------------------------------------------------
 */

static void sign_ins(struct buf *b)
{
    static const char *const grants[METRIC_GRANTS] = {[GRANT_PASSWORD] = "password",
                                                      [GRANT_API_KEY] = "api_key",
                                                      [GRANT_DEVICE] = "device",
                                                      [GRANT_EXTERNAL] = "external"};
    static const char *const limiters[] = {[LIMIT_LOGIN] = "login",
                                           [LIMIT_PASSWORD_CHANGE] = "password",
                                           [LIMIT_ACTIVATION] = "activation",
                                           [LIMIT_DEVICE] = "device"};
    counters(b, "kanso_logins_total", "Sign-ins that were granted.", "grant", grants, METRIC_GRANTS, M_LOGINS_GRANTED);
    counters(b, "kanso_logins_refused_total", "Sign-ins that were refused.", "grant", grants, METRIC_GRANTS,
             M_LOGINS_REFUSED);
    counters(b, "kanso_rate_limited_total", "Tries beyond the limits of ZENML_SERVER_LOGIN_RATE_LIMIT_*.", "limiter",
             limiters, ARRAY_LEN(limiters), M_LIMITED);
}

/* Background work ---------------------------------------------------------------------------------------------------
 */

static void depth(struct buf *b, const struct queue_depth *d)
{
    family(b, "kanso_jobs", "gauge", "Jobs of all hosts by state: due, later, running, failed (and kept).");
    buf_addf(b, "kanso_jobs{state=\"due\"} %llu\nkanso_jobs{state=\"later\"} %llu\n", (unsigned long long)d->due,
             (unsigned long long)d->later);
    buf_addf(b, "kanso_jobs{state=\"running\"} %llu\nkanso_jobs{state=\"failed\"} %llu\n",
             (unsigned long long)d->running, (unsigned long long)d->failed);
    single(b, "kanso_jobs_oldest_due_seconds", "gauge", "For how long the oldest job that is due has been waiting.",
           (double)d->oldest);
}

static void jobs(struct buf *b, const struct probe *probe)
{
    static const char *const outcomes[METRIC_ATTEMPTS] = {
        [ATTEMPT_DONE] = "done", [ATTEMPT_LATER] = "later", [ATTEMPT_FAILED] = "failed", [ATTEMPT_KILLED] = "killed"};
    if (probe->knows_jobs)
        depth(b, &probe->jobs);
    family(b, "kanso_job_attempts_total", "counter",
           "Attempts at jobs on this host: done, to be tried again later, failed for good, killed.");
    for (size_t kind = 0; all_job_kinds[kind]; kind++)
        for (size_t i = 0; i < METRIC_ATTEMPTS; i++)
            buf_addf(b, "kanso_job_attempts_total{kind=\"%s\",outcome=\"%s\"} %llu\n", all_job_kinds[kind]->name,
                     outcomes[i], (unsigned long long)metric_job_value(kind, (enum metric_attempt)i));
}

/* Processes ---------------------------------------------------------------------------------------------------------
 */

static void of_processes(struct buf *b, const char *name, const char *type, const char *help,
                         const struct metric_process *p, size_t count, double (*value)(const struct metric_process *))
{
    family(b, name, type, help);
    for (size_t i = 0; i < count; i++)
        buf_addf(b, "%s{process=\"%s\"} %.15g\n", name, p[i].name, value(&p[i]));
}

static double count_of(const struct metric_process *p)
{
    return (double)p->count;
}

static double starts_of(const struct metric_process *p)
{
    return (double)p->starts;
}

static double resident_of(const struct metric_process *p)
{
    return (double)p->resident;
}

static double in_hand_of(const struct metric_process *p)
{
    return (double)p->in_hand;
}

static double oldest_of(const struct metric_process *p)
{
    return p->oldest / 1000;
}

static void processes(struct buf *b)
{
    struct metric_process p[METRIC_NAMES];
    size_t n = metric_processes(p);
    of_processes(b, "kanso_processes", "gauge", "Processes that live.", p, n, count_of);
    of_processes(b, "kanso_process_starts_total", "counter", "Processes that were started.", p, n, starts_of);
    of_processes(b, "kanso_process_resident_bytes", "gauge",
                 "Resident memory of the processes together; what they share is counted in each.", p, n, resident_of);
    of_processes(b, "kanso_requests_in_flight", "gauge", "Processes that have a request in hand.", p, n, in_hand_of);
    of_processes(b, "kanso_request_oldest_seconds", "gauge", "For how long the oldest of these has been in hand.", p, n,
                 oldest_of);
}

/* The answer --------------------------------------------------------------------------------------------------------
 */

static bool by_own_listener(const struct ctx *c)
{
    const char *listener = request_env(c, "KANSO_LISTENER");
    return listener && streq(listener, "metrics");
}

static bool shows_token(const struct ctx *c)
{
    static const char scheme[] = "Bearer ";
    const char *given = request_header(c, "HTTP_AUTHORIZATION");
    if (!given || strncasecmp(given, scheme, sizeof scheme - 1) != 0)
        return false;
    given += sizeof scheme - 1;
    return equal_constant_time(given, strlen(given), config.metrics_token, strlen(config.metrics_token));
}

int metrics_get(struct ctx *c)
{
    if (!config.metrics_token && !by_own_listener(c))
        return fail_detail(c, 404, "Not Found");
    if (config.metrics_token && !shows_token(c)) {
        respond_header(c, "WWW-Authenticate", "Bearer");
        return fail(c, EX_AUTHORIZATION, "The token of KANSO_METRICS_TOKEN is needed");
    }
    struct probe probe;
    struct buf *b = &c->res.body;
    probe_database(&probe);
    c->res.content_type = "text/plain; version=0.0.4; charset=utf-8";
    family(b, "kanso_build_info", "gauge", "The version that runs.");
    buf_adds(b, "kanso_build_info{version=\"" KANSO_VERSION "\",zenml=\"0.66.0\"} 1\n");
    single(b, "kanso_counters_began_seconds", "gauge", "When the counting began, in seconds since 1970.",
           (double)metric_began());
    requests(b);
    database(b, &probe);
    sign_ins(b);
    jobs(b, &probe);
    processes(b);
    return OK;
}
