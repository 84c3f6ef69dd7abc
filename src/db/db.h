/*
 * One connection to MySQL or MariaDB, with its prepared statements.
 *
 * Everything goes through prepared statements with bound parameters; the text of a statement is its cache key, so
 * texts must not contain values. Results are copied into the caller's arena as text (numbers and times included).
 * There is no automatic reconnect: a lost connection is reported, the cache dropped, and db_ready() connects anew. So
 * is one that still works but leads to a server that accepts no changes any more, as after a failover.
 */
#ifndef KANSO_DB_DB_H
#define KANSO_DB_DB_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DB_HOSTS_MAX = 16 };

/* Where the database is: the parts of ZENML_STORE_URL and its companions (docs/contract/auth.md#variables). */
struct db_url {
    struct db_host {
        const char *name; /* or address; one of IPv6 without brackets */
        unsigned port;
    } hosts[DB_HOSTS_MAX]; /* one database: they are tried in turn */
    size_t host_count;     /* 0 only with a unix_socket */
    const char *user, *password, *database, *unix_socket;
    const char *ssl_ca, *ssl_cert, *ssl_key;
    bool ssl_verify;
    const char *disk;    /* a directory on the disk of the private database under $KANSO_HOME; NULL for any other one */
    unsigned io_timeout; /* seconds to wait for the server; 0 is two minutes */
    unsigned connect_timeout; /* and for a connection; 0 is five seconds */
};

/* Takes ZENML_STORE_* from the environment (settings_take()). Returns NULL, or what is wrong in a sentence that names
 * the variable. */
const char *db_url_from_env(struct arena *a, struct db_url *out);

/* Outcomes of statements: classes of error numbers (db/errors.c). */
enum db_status {
    DB_OK = 0,
    DB_LOST,  /* the connection is gone; a transaction with it, and of a COMMIT nobody knows whether it took effect */
    DB_AGAIN, /* nothing took effect: the transaction may be tried again from its start */
    DB_UNAVAILABLE, /* the database cannot do it now, and trying at once would not help */
    DB_DUPLICATE,   /* a unique key */
    DB_FOREIGN,     /* a foreign key: the row referred to is missing, or still referred to */
    DB_INVALID,     /* NULL, too long or out of range for its column */
    DB_CHARSET,     /* a text cannot be compared with a column: its character set lacks some character of it */
    DB_ERROR,       /* anything else */
};

/* A parameter. Make them with the functions below. */
struct db_param {
    enum { P_NULL, P_TEXT, P_INT } type;
    const char *s;
    size_t len;
    int64_t n;
    const char *column; /* what it is written to, for messages; NULL: not said */
};

struct db_param p_null(void);
struct db_param p_text(const char *s); /* NULL is SQL NULL; the text must live until the statement has run */
struct db_param p_textn(const char *s, size_t len);
struct db_param p_int(int64_t n);

/* A value of a result; s is NULL for SQL NULL, else NUL-terminated. */
struct db_value {
    const char *s;
    size_t len;
};

struct db_rows {
    size_t count, columns;
    struct db_value *values; /* count x columns */
    uint64_t affected;       /* rows found by a write (CLIENT_FOUND_ROWS) */
};

static inline struct db_value *db_row(const struct db_rows *r, size_t i)
{
    return r->values + i * r->columns;
}

struct db;

/* Makes a handle; does not connect. The URL must outlive it. */
struct db *db_new(const struct db_url *url);
void db_free(struct db *db);

/* For a process that was forked from the one that has the connection: closes its copy without a word to the server. The
 * handle is of no use any more. */
void db_abandon(struct db *db);

/* The password of its URL; "" when there is none. */
const char *db_password(const struct db *db);

/* Connects unless connected: to the first host that answers, beginning with the one after that of the last connection.
 */
enum db_status db_ready(struct db *db);

/* Runs one statement. `out` may be NULL for writes. */
enum db_status db_run(struct db *db, struct arena *a, struct db_rows *out, const char *sql,
                      const struct db_param *params, size_t count);

/* Announces a SELECT of few rows: once both are prepared on this connection, it is sent together with the next other
 * statement, in one round trip, and its rows are kept until the same statement with the same parameters is run, which
 * it may be in any case. One at a time; NULL takes the announcement back, and a lost connection does. Texts, parameters
 * and arena must live until then. */
void db_prefetch(struct db *db, struct arena *a, const char *sql, const struct db_param *params, size_t count);

/* Runs one statement that is not prepared, without parameters: migrations only. */
enum db_status db_script(struct db *db, const char *sql);

/* Runs a SELECT that is not prepared, without parameters, and hands its rows on as they arrive: a result of any length
 * takes the memory of its longest row. Values are as the server writes them and live until `row` returns; when that is
 * false, no more rows are wanted and the connection is given up (DB_OK all the same). `row` may not use `db`. */
typedef bool db_row_fn(void *data, const struct db_value *values, size_t columns);
enum db_status db_stream(struct db *db, const char *sql, db_row_fn *row, void *data);

/* Whether the private database has room for changes: DB_UNAVAILABLE while less than DB_RESERVE bytes are left on its
 * disk. InnoDB ends itself when a page finds no room, and without room it does not start again: so reading would end as
 * well. */
enum { DB_RESERVE = 32 << 20 };
enum db_status db_room(struct db *db);

/* Transactions. db_begin() while one is open is a programming error and ends the process. */
enum db_status db_begin(struct db *db);
enum db_status db_commit(struct db *db);
/* Does nothing without a transaction; gives the connection up when the server refuses. */
void db_rollback(struct db *db);

/* What has been run since db_trace_begin(): how much, and the statements that took longest, in no order. Times are in
 * milliseconds, from sending until the rows are there, with preparing and connecting if that was needed. */
enum { DB_TRACED = 32 };
struct db_trace {
    size_t count;
    double ms;
    struct db_statement {
        const char *sql; /* as it was given to db_run(): it may be gone when the request's arena is reset */
        size_t number, rows;
        double ms;
    } slowest[DB_TRACED];
};
void db_trace_begin(struct db *db);
const struct db_trace *db_trace(const struct db *db);

/* What the server calls the connection, in its lists and logs; 0 without one. */
unsigned long db_connection_id(const struct db *db);

/* To be called before threads use connections, each its own. */
void db_init_threads(void);

/* The driver's words about the last failure, for the log. */
const char *db_error(const struct db *db);
unsigned db_errno(const struct db *db);

/* The cause of the last failure in a sentence for whoever asked, without a period: it names no host, user or database.
 */
const char *db_cause(const struct db *db);

/* The longest statement with its values that the server takes, in bytes (max_allowed_packet); 0 when it cannot be
 * asked. A longer one is DB_INVALID with the error DB_TOO_LARGE, before anything is sent: the server would end the
 * connection. */
enum { DB_TOO_LARGE = 1153 };
uint64_t db_packet_limit(struct db *db);

/* The server's number for an index hint without its index. */
enum { DB_NO_SUCH_INDEX = 1176 };

#endif
