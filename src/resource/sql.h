/* Statements from handlers: parameters as arguments, failures as answers. */
#ifndef KANSO_RESOURCE_SQL_H
#define KANSO_RESOURCE_SQL_H

#include "base/buf.h"
#include "db/db.h"
#include "http/context.h"

/* Asks whether the caller is who the token says, if that is still open (auth.h, authenticate_ahead); composes the 401.
 * Asked by sql_begin(), by view_load(), by dispatch before any answer leaves, and by handlers that read first before
 * they look at more of c->auth than what the token says. */
int sql_prove(struct ctx *c);

/* Runs a statement. What may be tried again (DB_LOST, DB_AGAIN) gives RETRY before the first commit; behind it, reads
 * are run again at once. Anything else that fails has its answer composed: a missing or used foreign row and unfit
 * values 400; 503 with a cause when the database cannot do it now; the rest 500. */
int sql_run(struct ctx *c, struct db_rows *out, const char *sql, const struct db_param *params, size_t count);

#define SQL_PARAMS(...)                                                                                                \
    (struct db_param[]){__VA_ARGS__}, sizeof((struct db_param[]){__VA_ARGS__}) / sizeof(struct db_param)

/* sql(c, &rows, "SELECT ... ?", p_text(id)) */
#define sql(c, out, text, ...) sql_run(c, out, text, SQL_PARAMS(__VA_ARGS__))
#define sql0(c, out, text)     sql_run(c, out, text, NULL, 0)

/* Composes the answer for a verdict. */
int sql_failed(struct ctx *c, enum db_status s);

/* 503 with the cause of the last failure; the log gets all of it. Always returns FAILED. */
int sql_unavailable(struct ctx *c);

int sql_begin(struct ctx *c);
int sql_commit(struct ctx *c);

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

/* Appends "(?,?,...)" for the ids, padded to one of four lengths up to each power of two so that few distinct texts
 * arise. */
void query_in(struct query *q, const char *const *ids, size_t count);
int query_run(struct ctx *c, struct query *q, struct db_rows *out);

#endif
