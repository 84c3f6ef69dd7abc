/* Statements from handlers: parameters as arguments, failures as answers. */
#ifndef KANSO_RESOURCE_SQL_H
#define KANSO_RESOURCE_SQL_H

#include "base/buf.h"
#include "base/lookup.h"
#include "db/db.h"
#include "http/context.h"
#include "json/scan.h"

/* Asks whether the caller is who the token says, if that is still open (auth.h, authenticate_deferred); composes the
 * 401. Asked by sql_begin(), by view_load(), by dispatch before any answer leaves, and by handlers that read first
 * before they look at more of c->auth than what the token says. */
int sql_authenticate(struct ctx *c);

/* Runs a statement. What may be tried again (DB_LOST, DB_AGAIN) gives RETRY before the first commit; behind it, reads
 * are run again at once. Anything else that fails has its answer composed: a missing or used foreign row and unfit
 * values 400; 503 with a cause when the database cannot do it now; the rest 500. */
int sql_run(struct ctx *c, struct db_rows *out, const char *sql, const struct db_param *params, size_t count);

#define SQL_PARAMS(...)                                                                                                \
    (struct db_param[]){__VA_ARGS__}, sizeof((struct db_param[]){__VA_ARGS__}) / sizeof(struct db_param)

/* sql(c, &rows, "SELECT ... ?", p_text(id)) */
#define sql(c, out, text, ...) sql_run(c, out, text, SQL_PARAMS(__VA_ARGS__))
#define sql0(c, out, text)     sql_run(c, out, text, NULL, 0)

/* A value as a piece of text. */
static inline struct span value_span(const struct db_value *v)
{
    return (struct span){v->s, v->len};
}

/* The first value of the first row, NULL without rows: sql_value(c, &id, "SELECT id ... WHERE name = ?", p_text(name))
 */
int sql_value_run(struct ctx *c, const char **out, const char *sql, const struct db_param *params, size_t count);
#define sql_value(c, out, text, ...) sql_value_run(c, out, text, SQL_PARAMS(__VA_ARGS__))

/* Composes the answer for a verdict. */
int sql_failed(struct ctx *c, enum db_status s);

/* 503 with the cause of the last failure; the log gets all of it. Always returns FAILED. */
int sql_unavailable(struct ctx *c);

int sql_begin(struct ctx *c);
int sql_commit(struct ctx *c);

/*
 * What has to happen elsewhere together with the open transaction. apply() is called right before COMMIT, when nothing
 * but COMMIT can fail any more: in the order in which steps were added, but those that destroy something behind all
 * others. What it returns but OK, it has composed the answer for, and nothing is committed. undo() is called, last
 * first, for steps that were applied when a later one or COMMIT fails; `unknown`: nobody knows whether COMMIT took
 * effect. A transaction that is rolled back before its COMMIT calls neither.
 */
struct commit_step {
    int (*apply)(struct ctx *c, struct commit_step *step);
    void (*undo)(struct ctx *c, struct commit_step *step, bool unknown);
    bool destroys;
    struct commit_step *next; /* of sql.c */
};
void sql_at_commit(struct ctx *c, struct commit_step *step);

/* Runs a step that may end with RETRY: it is rolled back and run anew, a bounded number of times and not for long, then
 * refused with 503. What has not ended well is rolled back. Returns OK or FAILED. */
int sql_retrying(struct ctx *c, int (*step)(struct ctx *));

/* A statement under construction, in the arena. */
struct query {
    struct arena *mem;
    struct buf text; /* freed with the arena */
    struct db_param *params;
    size_t count, room;
};

struct query *query_new(struct arena *mem);
void query_add(struct query *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void query_param(struct query *q, struct db_param p);
/* Appends a text, as it is, and its parameters. */
void query_with(struct query *q, const char *text, const struct db_param *params, size_t count);

/* How many placeholders a statement may have (the protocol counts them in 16 bits), and what its values may take
 * together before the next ones go into another statement. */
enum { SQL_PLACEHOLDERS = 65535, SQL_CHUNK_BYTES = 4 << 20 };

/* Appends "(?,?,...)" for the ids, padded to one of four lengths up to each power of two so that few distinct texts
 * arise. */
void query_in(struct query *q, const char *const *ids, size_t count);
int query_run(struct ctx *c, struct query *q, struct db_rows *out);

/* Runs `text` for a list of any length: "%s" in it, once or more, is where the list goes. A list that is too long for
 * one statement is cut; the rows of all pieces are put together, each piece in its own order. `params` stand before
 * the first list. An empty list runs nothing. `out` may be NULL for writes. */
int sql_in(struct ctx *c, struct db_rows *out, const char *text, const char *const *ids, size_t count,
           const struct db_param *params, size_t param_count);

/* The first column of a result as a list. */
const char **sql_first_column(struct arena *mem, const struct db_rows *rows);

/* The rows of a result by the texts in their first column; of equal ones the first. */
struct lookup *sql_by_first_column(struct arena *mem, const struct db_rows *rows);

/* Rows to be inserted, all with the same number of values: sql_add_row(mem, &v, SQL_PARAMS(...)). */
struct sql_values {
    size_t room; /* begins with how many rows there will be at most, as far as that is known */
    size_t columns, rows;
    struct db_param *params;
};
void sql_add_row(struct arena *mem, struct sql_values *v, const struct db_param *row, size_t columns);

/* Inserts them in as few statements as can hold them: `head` ends with VALUES, `tail` stands behind the rows. */
int sql_insert(struct ctx *c, const char *head, const struct sql_values *v, const char *tail);

#endif
