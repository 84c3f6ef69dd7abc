#include "db/db.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "db/errors.h"
#include "db/pipeline.h"

#include <dlfcn.h>
#include <errmsg.h>
#include <fcntl.h>
#include <limits.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { CACHE_SLOTS = 512, CACHE_LIMIT = 400, CACHE_LEAST = 25, CONNECT_TIMEOUT = 5, IO_TIMEOUT = 120 };

struct cached {
    char *sql;
    MYSQL_STMT *stmt;
};

/* A statement that was announced (db_prefetch()), and its rows once it has run along with another one. */
struct prefetch {
    struct arena *mem;
    const char *sql; /* NULL: none */
    const struct db_param *params;
    size_t count;
    bool answered;
    struct db_rows rows;
};

struct db {
    const struct db_url *url;
    size_t next_host; /* of the URL's, for the next connection */
    MYSQL *conn;
    bool open_transaction;
    struct prefetch prefetch;
    struct db_trace trace;
    struct cached cache[CACHE_SLOTS]; /* open addressing by the text's hash */
    size_t cached, cache_limit;
    uint64_t packet_limit; /* of the connection; 0: not asked yet */
    unsigned error_number;
    const char *cause;
    bool forgotten; /* the statements of the cache are of no use any more */
    char error[512];
};

struct db_param p_null(void)
{
    return (struct db_param){.type = P_NULL};
}

struct db_param p_textn(const char *s, size_t len)
{
    return s ? (struct db_param){.type = P_TEXT, .s = s, .len = len} : p_null();
}

struct db_param p_text(const char *s)
{
    return p_textn(s, s ? strlen(s) : 0);
}

struct db_param p_int(int64_t n)
{
    return (struct db_param){.type = P_INT, .n = n};
}

struct db *db_new(const struct db_url *url)
{
    struct db *db = xmalloc(sizeof *db);
    memset(db, 0, sizeof *db);
    db->url = url;
    return db;
}

static void drop_cache(struct db *db)
{
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        if (!db->cache[i].sql)
            continue;
        free(db->cache[i].sql);
        mysql_stmt_close(db->cache[i].stmt);
        db->cache[i] = (struct cached){0};
    }
    db->cached = 0;
    db->forgotten = false;
}

static void disconnect(struct db *db)
{
    drop_cache(db);
    if (db->conn)
        mysql_close(db->conn);
    db->conn = NULL;
    db->open_transaction = false;
    db->packet_limit = 0;
    db->prefetch = (struct prefetch){0};
}

void db_free(struct db *db)
{
    if (!db)
        return;
    disconnect(db);
    free(db);
}

/* What the driver has allocated for it is left alone: to free it, it would talk to the server. */
void db_abandon(struct db *db)
{
    if (db->conn)
        close(mysql_get_socket(db->conn));
    memset(db, 0, sizeof *db);
}

const char *db_error(const struct db *db)
{
    return db->error;
}

unsigned db_errno(const struct db *db)
{
    return db->error_number;
}

const char *db_cause(const struct db *db)
{
    return db->cause ? db->cause : "The database is not available at the moment";
}

const char *db_password(const struct db *db)
{
    return db->url->password ? db->url->password : "";
}

/* Keeps what went wrong and does what that asks for at once. */
static enum db_status failed(struct db *db, unsigned number, const char *text)
{
    const struct db_class *class = db_class_of(number);
    metric_add(M_DATABASE_ERRORS + class->status);
    db->error_number = number;
    db->cause = class->cause;
    snprintf(db->error, sizeof db->error, "%s", text);
    if (class->then == FORGET_STATEMENTS)
        db->forgotten = true; /* not here: answers to them may still be under way */
    else if (class->then == RECONNECT)
        disconnect(db);
    return class->status;
}

static void set_tls(struct db *db)
{
    const struct db_url *u = db->url;
    my_bool verify = u->ssl_verify, on = 1;
    if (u->ssl_ca || u->ssl_cert || u->ssl_key) {
        mysql_ssl_set(db->conn, u->ssl_key, u->ssl_cert, u->ssl_ca, NULL, NULL);
        mysql_optionsv(db->conn, MYSQL_OPT_SSL_ENFORCE, &on);
    }
    mysql_optionsv(db->conn, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

/* Ways to sign in that the driver loads at need: those beside this library where it was installed with its own driver,
 * else the system's. */
static void set_plugins(struct db *db)
{
    static char directory[PATH_MAX];
    Dl_info own;
    if (!*directory && dladdr(&db_new, &own) && own.dli_fname) {
        const char *slash = strrchr(own.dli_fname, '/');
        snprintf(directory, sizeof directory, "%.*smariadb-plugin", slash ? (int)(slash + 1 - own.dli_fname) : 0,
                 own.dli_fname);
    }
    if (access(directory, X_OK) == 0)
        mysql_optionsv(db->conn, MYSQL_PLUGIN_DIR, directory);
}

static enum db_status connect_to(struct db *db, const struct db_host *host)
{
    const struct db_url *u = db->url;
    unsigned connect_timeout = u->connect_timeout ? u->connect_timeout : CONNECT_TIMEOUT;
    unsigned io_timeout = u->io_timeout ? u->io_timeout : IO_TIMEOUT;
    db->conn = mysql_init(NULL);
    if (!db->conn)
        return failed(db, CR_OUT_OF_MEMORY, "out of memory");
    mysql_optionsv(db->conn, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout);
    mysql_optionsv(db->conn, MYSQL_OPT_READ_TIMEOUT, &io_timeout);
    mysql_optionsv(db->conn, MYSQL_OPT_WRITE_TIMEOUT, &io_timeout);
    mysql_optionsv(db->conn, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_optionsv(db->conn, MYSQL_INIT_COMMAND, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    mysql_optionsv(db->conn, MYSQL_INIT_COMMAND,
                   "SET SESSION time_zone = '+00:00', SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'");
    /* Long lists of ids are looked up by index in any case: no use in estimating each of them first. Of two conditions
     * one index has the order of the page: rows that meet both are found along it, instead of all in two indexes. A
     * sub-select for each row is about another one each time: MariaDB alone would make a table of what it has found. */
    mysql_optionsv(db->conn, MYSQL_INIT_COMMAND,
                   "SET SESSION eq_range_index_dive_limit = 8, SESSION optimizer_switch = "
                   "CONCAT('index_merge_intersection=off' /*M!, ',subquery_cache=off' */)");
    set_plugins(db);
    mysql_optionsv(db->conn, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "kanso");
    mysql_optionsv(db->conn, MYSQL_OPT_CONNECT_ATTR_ADD, "kanso_process", log_program());
    set_tls(db);
    unsigned protocol = u->unix_socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP; /* "localhost" is a host too */
    mysql_optionsv(db->conn, MYSQL_OPT_PROTOCOL, &protocol);
    if (!mysql_real_connect(db->conn, u->unix_socket ? NULL : host->name, u->user, u->password, u->database, host->port,
                            u->unix_socket, CLIENT_FOUND_ROWS)) {
        enum db_status s = failed(db, mysql_errno(db->conn), mysql_error(db->conn));
        disconnect(db);
        metric_add(M_CONNECTION_FAILURES);
        return s;
    }
    metric_add(M_CONNECTIONS);
    fcntl(mysql_get_socket(db->conn), F_SETFD, FD_CLOEXEC); /* the driver leaves it open to programs that are run */
    db->cache_limit = CACHE_LIMIT;
    return DB_OK;
}

enum db_status db_ready(struct db *db)
{
    const struct db_url *u = db->url;
    size_t count = u->unix_socket ? 1 : u->host_count;
    enum db_status status = DB_OK;
    for (size_t tries = 0; !db->conn && tries < count; tries++) {
        status = connect_to(db, &u->hosts[db->next_host]);
        db->next_host = (db->next_host + 1) % count;
    }
    return status;
}

/* What has been run --------------------------------------------------------------------------------------------- */

static void note(struct db *db, const char *sql, size_t rows, double ms)
{
    metric_statement(ms);
    struct db_trace *t = &db->trace;
    t->count++;
    t->ms += ms;
    size_t at = t->count - 1;
    if (at >= DB_TRACED) /* the quickest makes room for a slower one */
        for (size_t i = at = 0; i < DB_TRACED; i++)
            at = t->slowest[i].ms < t->slowest[at].ms ? i : at;
    if (t->count <= DB_TRACED || ms > t->slowest[at].ms)
        t->slowest[at] = (struct db_statement){.sql = sql, .number = t->count, .rows = rows, .ms = ms};
}

void db_trace_begin(struct db *db)
{
    db->trace.count = 0;
    db->trace.ms = 0;
}

const struct db_trace *db_trace(const struct db *db)
{
    return &db->trace;
}

void db_init_threads(void)
{
    mysql_library_init(0, NULL, NULL);
}

unsigned long db_connection_id(const struct db *db)
{
    return db->conn ? mysql_thread_id(db->conn) : 0;
}

/* The statement cache -------------------------------------------------------------------------------------------- */

static size_t hash(const char *s)
{
    uint64_t h = 1469598103934665603u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return (size_t)h;
}

static struct cached *find(struct db *db, const char *sql)
{
    for (size_t i = hash(sql);; i++) {
        struct cached *c = &db->cache[i % CACHE_SLOTS];
        if (!c->sql || strcmp(c->sql, sql) == 0)
            return c;
    }
}

static enum db_status prepare_new(struct db *db, const char *sql, MYSQL_STMT **out)
{
    MYSQL_STMT *stmt = mysql_stmt_init(db->conn);
    if (!stmt)
        return failed(db, CR_OUT_OF_MEMORY, "out of memory");
    if (mysql_stmt_prepare(stmt, sql, strlen(sql))) {
        unsigned number = mysql_stmt_errno(stmt);
        char text[512];
        snprintf(text, sizeof text, "%s", mysql_stmt_error(stmt));
        mysql_stmt_close(stmt);
        return failed(db, number, text);
    }
    my_bool on = 1;
    mysql_stmt_attr_set(stmt, STMT_ATTR_UPDATE_MAX_LENGTH, &on);
    *out = stmt;
    return DB_OK;
}

/* The server counts prepared statements of all clients (max_prepared_stmt_count). When it has none left, all of ours
 * are given back, and until the next connection fewer are kept. A transaction stays as it is. */
static enum db_status prepare_in_need(struct db *db, const char *sql, MYSQL_STMT **out)
{
    db->cache_limit = db->cached / 2 > CACHE_LEAST ? db->cached / 2 : CACHE_LEAST;
    log_warn("the database has no prepared statement left: keeping %zu from now on", db->cache_limit);
    drop_cache(db);
    return prepare_new(db, sql, out);
}

/* Finds a statement by its text, or prepares it. A cache that is full is emptied as a whole: texts are few by design
 * (lists of ids have few lengths, see query_in()), so that hardly ever happens, and keeping an order of use for it
 * would cost each statement something. */
static enum db_status prepare(struct db *db, const char *sql, MYSQL_STMT **out)
{
    if (db->forgotten)
        drop_cache(db);
    *out = find(db, sql)->stmt;
    if (*out)
        return DB_OK;
    if (db->cached >= db->cache_limit)
        drop_cache(db);
    enum db_status s = prepare_new(db, sql, out);
    if (s != DB_OK && db->error_number == ER_MAX_PREPARED_STMT_COUNT_REACHED)
        s = prepare_in_need(db, sql, out);
    if (s != DB_OK)
        return s;
    *find(db, sql) = (struct cached){strdup(sql), *out};
    db->cached++;
    return DB_OK;
}

/* Running -------------------------------------------------------------------------------------------------------- */

static enum db_status stmt_failed(struct db *db, MYSQL_STMT *stmt)
{
    char text[512];
    unsigned number = mysql_stmt_errno(stmt);
    snprintf(text, sizeof text, "%s", mysql_stmt_error(stmt));
    mysql_stmt_free_result(stmt);
    return failed(db, number, text);
}

static enum db_status failed_fetch(struct db *db, MYSQL_STMT *stmt)
{
    mysql_stmt_free_result(stmt);
    return failed(db, CR_UNKNOWN_ERROR, "a value is longer than the driver said");
}

static enum db_status bind_params(struct db *db, struct arena *a, MYSQL_STMT *stmt, const struct db_param *params,
                                  size_t count)
{
    if (mysql_stmt_param_count(stmt) != count) {
        log_error("statement wants %lu parameters, got %zu", mysql_stmt_param_count(stmt), count);
        abort();
    }
    MYSQL_BIND *bind = arena_array(a, count, sizeof *bind);
    for (size_t i = 0; i < count; i++) {
        const struct db_param *p = &params[i];
        bind[i].buffer_type = p->type == P_NULL  ? MYSQL_TYPE_NULL
                              : p->type == P_INT ? MYSQL_TYPE_LONGLONG
                                                 : MYSQL_TYPE_STRING;
        bind[i].buffer = p->type == P_INT ? arena_memdup(a, &p->n, sizeof p->n) : (void *)(uintptr_t)p->s;
        bind[i].buffer_length = p->len;
    }
    return count && mysql_stmt_bind_param(stmt, bind) ? stmt_failed(db, stmt) : DB_OK;
}

/* Whole seconds, as most stamps are: spared the driver's printf. */
static bool is_stamp(const MYSQL_FIELD *f)
{
    return (f->type == MYSQL_TYPE_DATETIME || f->type == MYSQL_TYPE_TIMESTAMP) && f->decimals == 0;
}

static struct db_value stamp_value(struct arena *a, const MYSQL_TIME *t)
{
    char text[] = "YYYY-mm-dd HH:MM:SS";
    const unsigned parts[] = {t->year / 100, t->year, t->month, t->day, t->hour, t->minute, t->second};
    static const unsigned char places[] = {0, 2, 5, 8, 11, 14, 17};
    for (size_t i = 0; i < sizeof places; i++) {
        text[places[i]] = (char)('0' + parts[i] / 10 % 10);
        text[places[i] + 1] = (char)('0' + parts[i] % 10);
    }
    return (struct db_value){arena_strndup(a, text, sizeof text - 1), sizeof text - 1};
}

static void bind_column(struct arena *a, MYSQL_BIND *bind, const MYSQL_FIELD *field)
{
    size_t room = is_stamp(field) ? sizeof(MYSQL_TIME) : field->max_length < 64 ? 65 : size_add(field->max_length, 1);
    bind->buffer_type = is_stamp(field) ? MYSQL_TYPE_DATETIME : MYSQL_TYPE_STRING;
    bind->buffer = arena_alloc(a, room);
    bind->buffer_length = room;
}

static enum db_status fetch_rows(struct db *db, struct arena *a, MYSQL_STMT *stmt, struct db_rows *out)
{
    if (mysql_stmt_store_result(stmt))
        return stmt_failed(db, stmt);
    size_t columns = mysql_stmt_field_count(stmt);
    out->columns = columns;
    size_t rows = (size_t)mysql_stmt_num_rows(stmt);
    out->values = arena_array(a, size_mul(rows, columns), sizeof *out->values);
    MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
    MYSQL_FIELD *fields = mysql_fetch_fields(meta);
    MYSQL_BIND *bind = arena_array(a, columns, sizeof *bind);
    unsigned long *lengths = arena_array(a, columns, sizeof *lengths);
    my_bool *nulls = arena_array(a, columns, sizeof *nulls);
    for (size_t i = 0; i < columns; i++) {
        bind_column(a, &bind[i], &fields[i]);
        bind[i].length = &lengths[i];
        bind[i].is_null = &nulls[i];
    }
    mysql_free_result(meta);
    if (mysql_stmt_bind_result(stmt, bind))
        return stmt_failed(db, stmt);
    int rc;
    while (out->count < rows && (rc = mysql_stmt_fetch(stmt)) != MYSQL_NO_DATA) {
        if (rc == MYSQL_DATA_TRUNCATED) /* never half a value: the buffers are as long as the longest of the result */
            return failed_fetch(db, stmt);
        if (rc)
            return stmt_failed(db, stmt);
        struct db_value *v = db_row(out, out->count++);
        for (size_t i = 0; i < columns; i++) {
            if (nulls[i])
                continue;
            if (bind[i].buffer_type == MYSQL_TYPE_DATETIME)
                v[i] = stamp_value(a, bind[i].buffer);
            else
                v[i] = (struct db_value){arena_strndup(a, bind[i].buffer, lengths[i]), lengths[i]};
        }
    }
    mysql_stmt_free_result(stmt);
    return DB_OK;
}

/*
 * Running two statements in one round trip.
 *
 * Nearly every read begins with the question whether the caller still exists, so it would wait for the server twice.
 * Instead both statements are sent, then both answers read. Rules that hold this together:
 *
 *  - Only what is prepared already goes along. Preparing is a request with an answer of its own, which would have to be
 *    read in between; the first requests on a connection therefore run one statement after the other.
 *  - Never the same prepared statement twice: the driver keeps one result for each, and the second answer would be
 *    stored over the first.
 *  - The server answers in the order of sending, and answers carry no number. Each that was asked for has to be read to
 *    its end, whatever came of the others: what is left over would be taken for the answer to the next statement, that
 *    is, a request would get the rows of another. When that cannot be done, the connection is given up.
 *  - Rows of the announced statement are for whoever runs it next with the same text and parameters; what it failed
 * with is forgotten, as it fails again there. So an announcement changes when something is asked, never what comes out.
 */

/* The announced statement, if it can go along: prepared, and not under way yet. */
static MYSQL_STMT *companion(struct db *db, const MYSQL_STMT *stmt)
{
    struct prefetch *w = &db->prefetch;
    MYSQL_STMT *first = w->sql && !w->answered && can_pipeline() ? find(db, w->sql)->stmt : NULL;
    return first && first != stmt && bind_params(db, w->mem, first, w->params, w->count) == DB_OK ? first : NULL;
}

/* Executes a statement, and the announced one before it in the same round trip. */
static enum db_status execute(struct db *db, MYSQL_STMT *stmt)
{
    struct prefetch *w = &db->prefetch;
    MYSQL_STMT *first = companion(db, stmt);
    if (!first || !stmt_send(db->conn, first))
        return mysql_stmt_execute(stmt) ? stmt_failed(db, stmt) : DB_OK;
    double before = monotonic_ms();
    bool sent = stmt_send(db->conn, stmt); /* if not, the answer to the first is still to be read */
    enum db_status s = DB_ERROR;
    w->rows = (struct db_rows){0};
    if (stmt_receive(db->conn, first))
        s = fetch_rows(db, w->mem, first, &w->rows);
    else
        mysql_stmt_free_result(first); /* whatever of it is still to come */
    w->answered = s == DB_OK;
    note(db, w->sql, w->rows.count, monotonic_ms() - before);
    if (!db->conn) /* the statements are gone with it */
        return s;
    return sent && stmt_receive(db->conn, stmt) ? DB_OK : stmt_failed(db, stmt);
}

static bool same_params(const struct db_param *x, const struct db_param *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (x[i].type != y[i].type || x[i].len != y[i].len || x[i].n != y[i].n ||
            (x[i].len && memcmp(x[i].s, y[i].s, x[i].len) != 0))
            return false;
    return true;
}

/* The rows of the announced statement, if it is this one. They are given once: when the same question is asked again,
 * in a transaction for example, what counts is what the database says then. */
static bool take_prefetched(struct db *db, struct db_rows *out, const char *sql, const struct db_param *params,
                            size_t count)
{
    struct prefetch w = db->prefetch;
    if (!w.sql || w.count != count || strcmp(w.sql, sql) != 0 || !same_params(w.params, params, count))
        return false;
    db->prefetch = (struct prefetch){0};
    if (w.answered)
        *out = w.rows;
    return w.answered;
}

void db_prefetch(struct db *db, struct arena *a, const char *sql, const struct db_param *params, size_t count)
{
    db->prefetch = (struct prefetch){.mem = a, .sql = sql, .params = params, .count = count};
}

uint64_t db_packet_limit(struct db *db)
{
    if (db->packet_limit || db_ready(db) != DB_OK || mysql_query(db->conn, "SELECT @@max_allowed_packet"))
        return db->packet_limit;
    MYSQL_RES *rows = mysql_store_result(db->conn);
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
    db->packet_limit = row && row[0] ? strtoull(row[0], NULL, 10) : 0;
    mysql_free_result(rows);
    return db->packet_limit;
}

/* Statements that fit are not worth a question. No server is set to take less than a mebibyte: it is asked when a
 * statement is longer. */
static enum db_status check_size(struct db *db, const struct db_param *params, size_t count)
{
    enum { ALWAYS = 1 << 20, PER_VALUE = 16, HEAD = 64 };
    size_t bytes = HEAD;
    for (size_t i = 0; i < count; i++)
        bytes = size_add(bytes, size_add(params[i].len, PER_VALUE));
    uint64_t most = bytes > ALWAYS ? db_packet_limit(db) : 0;
    if (!most || bytes <= most)
        return DB_OK;
    db->error_number = DB_TOO_LARGE;
    db->cause = NULL;
    snprintf(db->error, sizeof db->error, "a statement of %zu bytes; max_allowed_packet is %llu", bytes,
             (unsigned long long)most);
    return DB_INVALID;
}

static enum db_status run_now(struct db *db, struct arena *a, struct db_rows *out, const char *sql,
                              const struct db_param *params, size_t count)
{
    MYSQL_STMT *stmt = NULL;
    enum db_status s = db_ready(db);
    if (s == DB_OK)
        s = check_size(db, params, count);
    if (s == DB_OK)
        s = prepare(db, sql, &stmt);
    if (s == DB_OK)
        s = bind_params(db, a, stmt, params, count);
    if (s == DB_OK)
        s = execute(db, stmt);
    if (s != DB_OK)
        return s;
    if (mysql_stmt_field_count(stmt))
        return fetch_rows(db, a, stmt, out);
    out->affected = mysql_stmt_affected_rows(stmt);
    return DB_OK;
}

enum db_status db_run(struct db *db, struct arena *a, struct db_rows *out, const char *sql,
                      const struct db_param *params, size_t count)
{
    struct db_rows unused;
    if (!out)
        out = &unused;
    *out = (struct db_rows){0};
    if (take_prefetched(db, out, sql, params, count))
        return DB_OK;
    double before = monotonic_ms();
    enum db_status s = run_now(db, a, out, sql, params, count);
    note(db, sql, out->count, monotonic_ms() - before);
    return s;
}

/* Transactions --------------------------------------------------------------------------------------------------- */

/* `shown` is what is noted: it lives on. */
static enum db_status command(struct db *db, const char *sql, const char *shown)
{
    enum db_status s = db_ready(db);
    if (s != DB_OK)
        return s;
    double before = monotonic_ms();
    s = mysql_query(db->conn, sql) ? failed(db, mysql_errno(db->conn), mysql_error(db->conn)) : DB_OK;
    note(db, shown, 0, monotonic_ms() - before);
    return s;
}

enum db_status db_script(struct db *db, const char *sql)
{
    return command(db, sql, sql);
}

static bool hand_on(MYSQL_RES *rows, MYSQL_ROW row, db_row_fn *fn, void *data, struct db_value *values)
{
    unsigned columns = mysql_num_fields(rows);
    unsigned long *lengths = mysql_fetch_lengths(rows);
    for (unsigned i = 0; i < columns; i++)
        values[i] = (struct db_value){row[i], row[i] ? lengths[i] : 0};
    return fn(data, values, columns);
}

enum db_status db_stream(struct db *db, const char *sql, db_row_fn *row, void *data)
{
    enum db_status s = command(db, sql, sql);
    MYSQL_RES *rows = s == DB_OK ? mysql_use_result(db->conn) : NULL;
    if (!rows)
        return s == DB_OK ? failed(db, mysql_errno(db->conn), mysql_error(db->conn)) : s;
    struct db_value *values = xmalloc(size_mul(mysql_num_fields(rows), sizeof *values));
    MYSQL_ROW r;
    bool more = true;
    while (more && (r = mysql_fetch_row(rows)))
        more = hand_on(rows, r, row, data, values);
    unsigned number = more ? mysql_errno(db->conn) : 0;
    char text[512];
    snprintf(text, sizeof text, "%s", number ? mysql_error(db->conn) : "");
    free(values);
    if (!more) /* to free the result, the driver reads the rest of it: there is to be none */
        shutdown(mysql_get_socket(db->conn), SHUT_RDWR);
    mysql_free_result(rows);
    if (!more)
        disconnect(db);
    return number ? failed(db, number, text) : DB_OK;
}

enum db_status db_room(struct db *db)
{
    struct statvfs disk;
    if (!db->url->disk || statvfs(db->url->disk, &disk) != 0 || (uint64_t)disk.f_bavail * disk.f_frsize >= DB_RESERVE)
        return DB_OK;
    return failed(db, ER_DISK_FULL, "what is left on its disk is kept for reading");
}

enum db_status db_begin(struct db *db)
{
    if (db->open_transaction) {
        log_error("a transaction is open already");
        abort();
    }
    static const char begin[] = "START TRANSACTION";
    char text[128];
    const char *about = log_subject(); /* an id, which holds nothing that could end a comment */
    snprintf(text, sizeof text, about ? "%s /* %.64s */" : "%s", begin, about);
    enum db_status s = command(db, text, begin);
    db->open_transaction = s == DB_OK;
    return s;
}

enum db_status db_commit(struct db *db)
{
    if (!db->open_transaction)
        return DB_OK;
    enum db_status s = command(db, "COMMIT", "COMMIT");
    if (s == DB_OK)
        db->open_transaction = false;
    return s;
}

/* A connection that cannot roll back is given up: the server does it then. With the transaction still open, the next
 * START TRANSACTION would commit what it had done. */
void db_rollback(struct db *db)
{
    if (db->open_transaction && db->conn && command(db, "ROLLBACK", "ROLLBACK") != DB_OK) {
        log_warn("ROLLBACK: %s", db->error);
        disconnect(db);
    }
    db->open_transaction = false;
}
