#include "resource/sql.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "resource/resource.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* Values that do not fit ------------------------------------------------------------------------------------------- */

enum { E_NULL = 1048, E_OUT_OF_RANGE = 1264, E_TOO_LONG = 1406, E_PACKET_OF_DRIVER = 2020 }; /* errors of the server */

/* The column of a message like "Data too long for column 'name' at row 1", which may also be `database`.`table`.`name`;
 * NULL when it names none. */
static const char *column_of(struct arena *mem, const char *message)
{
    const char *at = strstr(message, "olumn "), *name = NULL;
    if (!at)
        return NULL;
    for (at += strlen("olumn "); *at == '\'' || *at == '`';) {
        const char *end = strchr(at + 1, *at);
        if (!end)
            break;
        name = arena_strndup(mem, at + 1, (size_t)(end - at - 1));
        at = end + 1 + (end[1] == '.');
    }
    return name;
}

/* The table that a statement writes to. */
static const char *table_of(struct arena *mem, const char *text)
{
    const char *at = starts_with(text, "UPDATE ") ? text + strlen("UPDATE ") : strstr(text, "INTO ");
    if (!at)
        return "";
    at += starts_with(at, "INTO ") ? strlen("INTO ") : 0;
    at += *at == '`';
    return arena_strndup(mem, at, strcspn(at, "` ("));
}

/* How much a column holds, in words; "" when the database does not say. */
static const char *column_limit(struct ctx *c, const char *table, const char *column)
{
    struct db_rows rows;
    const struct db_param of[] = {p_text(table), p_text(column)};
    if (db_run(c->db, c->mem, &rows,
               "SELECT IF(data_type LIKE '%text', character_octet_length, character_maximum_length), "
               "IF(data_type LIKE '%text', 'bytes', 'characters') FROM information_schema.columns "
               "WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?",
               of, ARRAY_LEN(of)) != DB_OK ||
        !rows.count || !db_row(&rows, 0)[0].s)
        return "";
    return arena_printf(c->mem, ": at most %s %s can be stored", db_row(&rows, 0)[0].s, db_row(&rows, 0)[1].s);
}

static int too_large(struct ctx *c, const struct db_param *params, size_t count)
{
    const struct db_param *largest = NULL;
    for (size_t i = 0; i < count; i++)
        if (!largest || params[i].len > largest->len)
            largest = &params[i];
    const char *column = largest ? largest->column : NULL;
    return fail(c, EX_VALUE,
                "The request is too large for the database, which takes %llu bytes at once (its variable "
                "max_allowed_packet): %s%s%s has %zu bytes",
                (unsigned long long)db_packet_limit(c->db), column ? "'" : "", column ? column : "a value",
                column ? "'" : "", largest ? largest->len : 0);
}

/* Says which value does not fit, and what would. */
static int unfit(struct ctx *c, const char *text, const struct db_param *params, size_t count)
{
    unsigned number = db_errno(c->db);
    if (number == DB_TOO_LARGE || number == E_PACKET_OF_DRIVER)
        return too_large(c, params, count);
    const char *column = column_of(c->mem, db_error(c->db));
    if (!column)
        return sql_failed(c, DB_INVALID);
    switch (number) {
    case E_NULL:
        return fail(c, EX_VALUE, "'%s' must not be null", column);
    case E_TOO_LONG:
        return fail(c, EX_VALUE, "'%s' is too long%s", column, column_limit(c, table_of(c->mem, text), column));
    case E_OUT_OF_RANGE:
        return fail(c, EX_VALUE, "'%s' is out of the range of numbers that can be stored", column);
    default:
        return fail(c, EX_VALUE, "The value of '%s' cannot be stored", column);
    }
}

/* Answers ---------------------------------------------------------------------------------------------------------- */

int sql_unavailable(struct ctx *c)
{
    log_error("database error %u: %s", db_errno(c->db), db_error(c->db));
    return fail(c, EX_UNAVAILABLE, "%s%s; try again later", db_cause(c->db),
                c->committed ? " (the change itself was saved)" : "");
}

int sql_failed(struct ctx *c, enum db_status s)
{
    switch (s) {
    case DB_OK:
        return OK;
    case DB_LOST:
    case DB_AGAIN:
        if (c->committed)
            return sql_unavailable(c);
        log_info("database error %u: %s; trying again", db_errno(c->db), db_error(c->db));
        return RETRY;
    case DB_UNAVAILABLE:
        return sql_unavailable(c);
    case DB_DUPLICATE:
        return fail(c, EX_ENTITY_EXISTS, "There is one with the same key already");
    case DB_FOREIGN:
        return fail(c, EX_VALUE, "The request refers to something that does not exist, or that is still in use");
    case DB_INVALID:
        return fail(c, EX_VALUE, "A value is missing, too long or out of range for its column");
    case DB_CHARSET:
        return fail(c, EX_VALUE, "A text holds characters that the character set of the database's tables lacks");
    case DB_ERROR:
        break;
    }
    log_error("database error %u: %s", db_errno(c->db), db_error(c->db));
    return fail(c, EX_RUNTIME, "The database refused the operation (error %u)", db_errno(c->db));
}

static bool has_beyond(const struct db_param *p, unsigned char lead)
{
    for (size_t i = 0; p->type == P_TEXT && i < p->len; i++)
        if ((unsigned char)p->s[i] >= lead)
            return true;
    return false;
}

/* The text with something that no name holds instead of its characters outside ASCII. */
static struct db_param unmatched(struct arena *mem, const struct db_param *p)
{
    char *text = arena_strndup(mem, p->s, p->len);
    for (size_t i = 0; i < p->len; i++)
        if ((unsigned char)text[i] >= 0x80)
            text[i] = '\x01';
    return p_textn(text, p->len);
}

/* A text that the column cannot hold equals nothing in it, and the server might have said that instead of failing: it
 * is asked once more with texts that it can compare. Which ones are to blame it does not tell, so those with characters
 * beyond utf8mb3 are replaced first, then those beyond latin1, then all outside ASCII. */
static enum db_status run_unmatched(struct ctx *c, struct db_rows *out, const char *text, const struct db_param *params,
                                    size_t count)
{
    static const unsigned char leads[] = {0xf0, 0xc4, 0x80}; /* first bytes in UTF-8 */
    struct db_param *other = arena_array(c->mem, count + 1, sizeof *other);
    enum db_status s = DB_CHARSET;
    for (size_t k = 0; k < ARRAY_LEN(leads) && s == DB_CHARSET; k++) {
        for (size_t i = 0; i < count; i++)
            other[i] = has_beyond(&params[i], leads[k]) ? unmatched(c->mem, &params[i]) : params[i];
        s = db_run(c->db, c->mem, out, text, other, count);
    }
    return s;
}

/*
 * Runs a statement, and again where that alone helps.
 *
 * Before the first commit a statement is never repeated by itself: a deadlock or a lost connection has undone the whole
 * transaction, and what comes behind it would run outside of one, on half of the work. That is RETRY, for the handler
 * from its beginning. Behind a commit the handler must not run again, as it would do its work twice; but then nothing
 * but reads for the answer is left to do, and these may simply run again.
 */
static enum db_status try(struct ctx *c, struct db_rows *out, const char *text, const struct db_param *params,
                          size_t count)
{
    enum { READS = 3 };
    enum db_status s = db_run(c->db, c->mem, out, text, params, count);
    for (int i = 1; i < READS && c->committed && (s == DB_LOST || s == DB_AGAIN) && starts_with(text, "SELECT"); i++)
        s = db_run(c->db, c->mem, out, text, params, count);
    if (s == DB_CHARSET && starts_with(text, "SELECT"))
        s = run_unmatched(c, out, text, params, count);
    if (s == DB_ERROR || s == DB_CHARSET)
        log_debug("statement: %s", text);
    return s;
}

int sql_authenticate(struct ctx *c)
{
    return c->auth && c->auth->confirm ? c->auth->confirm(c) : OK;
}

int sql_run(struct ctx *c, struct db_rows *out, const char *text, const struct db_param *params, size_t count)
{
    enum db_status s = try(c, out, text, params, count);
    return s == DB_INVALID ? unfit(c, text, params, count) : sql_failed(c, s);
}

int sql_value_run(struct ctx *c, const char **out, const char *text, const struct db_param *params, size_t count)
{
    struct db_rows rows;
    TRY(sql_run(c, &rows, text, params, count));
    *out = rows.count ? db_row(&rows, 0)[0].s : NULL;
    return OK;
}

/* What an earlier transaction of the request has committed stays committed: the handler does not run again. A beginning
 * that fails may be made again in any case. */
int sql_begin(struct ctx *c)
{
    TRY(sql_authenticate(c));
    if (c->recorder)
        c->recorder->begun(c);
    c->at_commit = NULL;
    enum db_status s = db_room(c->db);
    if (s == DB_OK)
        s = db_begin(c->db);
    if (s == DB_LOST && c->committed)
        s = db_begin(c->db);
    return sql_failed(c, s);
}

void sql_at_commit(struct ctx *c, struct commit_step *step)
{
    struct commit_step **end = &c->at_commit;
    while (*end && (step->destroys || !(*end)->destroys))
        end = &(*end)->next;
    step->next = *end;
    *end = step;
}

/* Undoes the steps before `end`, last first. */
static void undo_steps(struct ctx *c, struct commit_step *from, const struct commit_step *end, bool unknown)
{
    if (from == end)
        return;
    undo_steps(c, from->next, end, unknown);
    from->undo(c, from, unknown);
}

static int apply_steps(struct ctx *c)
{
    for (struct commit_step *s = c->at_commit; s; s = s->next) {
        int rc = s->apply(c, s);
        if (rc == OK)
            continue;
        undo_steps(c, c->at_commit, s, false);
        return rc;
    }
    return OK;
}

int sql_commit(struct ctx *c)
{
    TRY(c->recorder ? c->recorder->before_commit(c) : OK);
    TRY(apply_steps(c));
    enum db_status s = db_commit(c->db);
    if (s != DB_OK)
        undo_steps(c, c->at_commit, NULL, s == DB_LOST || s == DB_UNAVAILABLE);
    c->at_commit = NULL;
    if (s == DB_LOST || s == DB_UNAVAILABLE) { /* nobody knows whether it took effect: not to be run again */
        log_error("COMMIT: database error %u: %s", db_errno(c->db), db_error(c->db));
        return fail(c, EX_UNAVAILABLE, "%s while the change was being saved; check whether it took effect",
                    db_cause(c->db));
    }
    c->committed = c->committed || s == DB_OK;
    if (s == DB_OK && c->recorder)
        c->recorder->committed(c);
    return sql_failed(c, s);
}

/* The wait grows with the tries and is random: two that have met in a deadlock would otherwise meet again at once. */
int sql_retrying(struct ctx *c, int (*step)(struct ctx *))
{
    enum { MAX_TRIES = 8, RETRY_MS = 5000 };
    double start = monotonic_ms();
    for (int try = 0; try < MAX_TRIES && monotonic_ms() - start < RETRY_MS; try++) {
        int rc = step(c);
        if (rc != OK)
            db_rollback(c->db);
        if (rc != RETRY)
            return rc;
        metric_add(M_TRANSACTION_RETRIES);
        usleep((useconds_t)(1000 + random_below(4000) * (unsigned)try));
    }
    log_error("%s %s: given up after %.0f ms", c->req.method, c->req.path, monotonic_ms() - start);
    return sql_unavailable(c);
}

static void free_text(void *b)
{
    buf_free(b);
}

struct query *query_new(struct arena *mem)
{
    struct query *q = arena_alloc(mem, sizeof *q);
    q->mem = mem;
    buf_room(&q->text, 512);
    q->text.data[0] = '\0';
    arena_on_reset(mem, free_text, &q->text);
    return q;
}

void query_add(struct query *q, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&q->text, fmt, ap);
    va_end(ap);
}

void query_param(struct query *q, struct db_param p)
{
    q->params = arena_grow(q->mem, q->params, q->count, &q->room, sizeof *q->params);
    q->params[q->count++] = p;
}

void query_with(struct query *q, const char *text, const struct db_param *params, size_t count)
{
    buf_adds(&q->text, text);
    for (size_t i = 0; i < count; i++)
        query_param(q, params[i]);
}

void query_in(struct query *q, const char *const *ids, size_t count)
{
    size_t unit = 1;
    while (unit < (count + 7) / 8)
        unit *= 2;
    size_t padded = count ? (count + unit - 1) / unit * unit : 1;
    query_add(q, "(");
    for (size_t i = 0; i < padded; i++) {
        buf_adds(&q->text, i == 0 ? "?" : ",?");
        query_param(q, p_text(count ? ids[i < count ? i : count - 1] : ""));
    }
    query_add(q, ")");
}

int query_run(struct ctx *c, struct query *q, struct db_rows *out)
{
    return sql_run(c, out, q->text.data, q->params, q->count);
}

static size_t count_marks(const char *text)
{
    size_t n = 0;
    while ((text = strstr(text, "%s"))) {
        text += 2;
        n++;
    }
    return n;
}

static int run_piece(struct ctx *c, struct db_rows *out, const char *text, const char *const *ids, size_t count,
                     const struct db_param *params, size_t param_count)
{
    struct query *q = query_new(c->mem);
    query_with(q, "", params, param_count);
    for (const char *mark; (mark = strstr(text, "%s")); text = mark + 2) {
        buf_add(&q->text, text, (size_t)(mark - text));
        query_in(q, ids, count);
    }
    buf_adds(&q->text, text);
    return query_run(c, q, out);
}

static void append_rows(struct arena *mem, struct db_rows *to, const struct db_rows *more)
{
    size_t old = size_mul(to->count, to->columns), new = size_mul(more->count, more->columns);
    struct db_value *all = arena_array(mem, size_add(old, new), sizeof *all);
    if (old)
        memcpy(all, to->values, old * sizeof *all);
    if (new)
        memcpy(all + old, more->values, new * sizeof *all);
    to->values = all;
    to->columns = more->columns;
    to->count += more->count;
    to->affected += more->affected;
}

int sql_in(struct ctx *c, struct db_rows *out, const char *text, const char *const *ids, size_t count,
           const struct db_param *params, size_t param_count)
{
    /* query_in() adds up to a quarter */
    size_t marks = count_marks(text), most = (SQL_PLACEHOLDERS - param_count) / (marks ? marks : 1) / 5 * 4;
    if (out)
        *out = (struct db_rows){0};
    for (size_t at = 0, n; at < count; at += n) {
        struct db_rows rows = {0};
        n = count - at < most ? count - at : most;
        TRY(run_piece(c, out ? &rows : NULL, text, ids + at, n, params, param_count));
        if (out && at == 0)
            *out = rows;
        else if (out)
            append_rows(c->mem, out, &rows);
    }
    return OK;
}

const char **sql_first_column(struct arena *mem, const struct db_rows *rows)
{
    const char **texts = arena_array(mem, size_add(rows->count, 1), sizeof *texts);
    for (size_t i = 0; i < rows->count; i++)
        texts[i] = db_row(rows, i)[0].s;
    return texts;
}

struct lookup *sql_by_first_column(struct arena *mem, const struct db_rows *rows)
{
    struct lookup *l = lookup_new(mem);
    for (size_t i = 0; i < rows->count; i++)
        lookup_add(l, db_row(rows, i)[0].s, db_row(rows, i));
    return l;
}

void sql_add_row(struct arena *mem, struct sql_values *v, const struct db_param *row, size_t columns)
{
    v->columns = columns;
    if (!v->params)
        v->params = arena_array(mem, v->room, size_mul(columns, sizeof *row));
    v->params = arena_grow(mem, v->params, v->rows, &v->room, size_mul(columns, sizeof *row));
    memcpy(v->params + v->rows++ * columns, row, columns * sizeof *row);
}

/* How many of the rows from `at` on go into the next statement: one at least. */
static size_t fitting_rows(const struct sql_values *v, size_t at)
{
    const struct db_param *values = v->params + at * v->columns;
    size_t n = 0, bytes = 0;
    for (; at + n < v->rows && (n + 1) * v->columns <= SQL_PLACEHOLDERS; n++) {
        for (size_t i = 0; i < v->columns; i++)
            bytes += values[n * v->columns + i].len;
        if (n && bytes > SQL_CHUNK_BYTES)
            break;
    }
    return n;
}

int sql_insert(struct ctx *c, const char *head, const struct sql_values *v, const char *tail)
{
    const size_t columns = v->columns;
    for (size_t at = 0, n; at < v->rows; at += n) {
        struct query *q = query_new(c->mem);
        n = fitting_rows(v, at);
        query_add(q, "%s", head);
        for (size_t i = 0; i < n * columns; i++) {
            buf_adds(&q->text, i % columns ? ", ?" : i ? ", (?" : " (?");
            if (i % columns == columns - 1)
                buf_addc(&q->text, ')');
            query_param(q, v->params[at * columns + i]);
        }
        query_add(q, " %s", tail);
        TRY(query_run(c, q, NULL));
    }
    return OK;
}
