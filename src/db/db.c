#include "db/db.h"

#include "base/log.h"
#include "base/text.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_SLOTS = 512, CACHE_LIMIT = 400, CONNECT_TIMEOUT = 5, IO_TIMEOUT = 120 };

struct cached {
    char *sql;
    MYSQL_STMT *stmt;
};

/* A statement that was announced: see db_ahead(). */
struct ahead {
    struct arena *mem;
    const char *sql; /* NULL: none */
    const struct db_param *params;
    size_t count;
    bool answered;
    struct db_rows rows;
};

struct db {
    const struct db_url *url;
    MYSQL *conn;
    bool open_transaction;
    struct ahead ahead;
    struct cached cache[CACHE_SLOTS]; /* open addressing by the text's hash */
    size_t cached;
    uint64_t statements;
    unsigned error_number;
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
}

static void disconnect(struct db *db)
{
    drop_cache(db);
    if (db->conn)
        mysql_close(db->conn);
    db->conn = NULL;
    db->open_transaction = false;
    db->ahead = (struct ahead){0};
}

void db_free(struct db *db)
{
    if (!db)
        return;
    disconnect(db);
    free(db);
}

const char *db_error(const struct db *db)
{
    return db->error;
}

unsigned db_errno(const struct db *db)
{
    return db->error_number;
}

const char *db_password(const struct db *db)
{
    return db->url->password ? db->url->password : "";
}

uint64_t db_statements(const struct db *db)
{
    return db->statements;
}

static enum db_status status_of(unsigned number)
{
    switch (number) {
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
    case ER_NORMAL_SHUTDOWN:
    case 4031: /* MySQL 8: closed for inactivity */
        return DB_LOST;
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
    case 1020: /* MariaDB 11: the record has changed since it was read */
    case 1047: /* Galera: the node is not ready for queries */
        return DB_DEADLOCK;
    case ER_DUP_ENTRY:
        return DB_DUPLICATE;
    case ER_NO_REFERENCED_ROW_2:
    case ER_ROW_IS_REFERENCED_2:
        return DB_FOREIGN;
    case ER_BAD_NULL_ERROR:
    case ER_DATA_TOO_LONG:
    case ER_WARN_DATA_OUT_OF_RANGE:
    case ER_TRUNCATED_WRONG_VALUE:
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
    case ER_NET_PACKET_TOO_LARGE:
        return DB_INVALID;
    default:
        return DB_ERROR;
    }
}

static enum db_status failed(struct db *db, unsigned number, const char *text)
{
    enum db_status status = status_of(number);
    db->error_number = number;
    snprintf(db->error, sizeof db->error, "%s", text);
    if (status == DB_LOST)
        disconnect(db);
    if (number == ER_LOCK_DEADLOCK) /* the server has rolled it back */
        db->open_transaction = false;
    return status;
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

enum db_status db_ready(struct db *db)
{
    if (db->conn)
        return DB_OK;
    const struct db_url *u = db->url;
    unsigned connect_timeout = CONNECT_TIMEOUT, io_timeout = u->io_timeout ? u->io_timeout : IO_TIMEOUT;
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
    /* long lists of ids are looked up by index in any case: no use in estimating each of them first */
    mysql_optionsv(db->conn, MYSQL_INIT_COMMAND, "SET SESSION eq_range_index_dive_limit = 8");
    set_tls(db);
    const char *host = u->unix_socket ? NULL : u->host;
    if (!mysql_real_connect(db->conn, host, u->user, u->password, u->database, u->port, u->unix_socket,
                            CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS)) {
        enum db_status s = failed(db, mysql_errno(db->conn), mysql_error(db->conn));
        disconnect(db);
        return s == DB_OK || s == DB_DEADLOCK ? DB_ERROR : s;
    }
    return DB_OK;
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

static enum db_status prepare(struct db *db, const char *sql, MYSQL_STMT **out)
{
    struct cached *c = find(db, sql);
    if (!c->sql) {
        if (db->cached >= CACHE_LIMIT) {
            drop_cache(db);
            c = find(db, sql);
        }
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
        c->sql = strdup(sql);
        c->stmt = stmt;
        db->cached++;
    }
    *out = c->stmt;
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
        if (rc == 1)
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

/* Sends a statement whose parameters are bound, without waiting for its answer. */
static bool send_only(struct db *db, MYSQL_STMT *stmt)
{
    my_bool on = 1, off = 0;
    mysql_optionsv(db->conn, MARIADB_OPT_SKIP_READ_RESPONSE, &on);
    bool sent = mysql_stmt_execute(stmt) == 0;
    mysql_optionsv(db->conn, MARIADB_OPT_SKIP_READ_RESPONSE, &off);
    return sent;
}

/* Reads what the server has to say to a statement that was only sent. */
static bool receive(struct db *db, MYSQL_STMT *stmt)
{
    return db->conn->methods->db_read_execute_response(stmt) == 0;
}

/* The announced statement, if it can go along: prepared, and not under way yet. */
static MYSQL_STMT *companion(struct db *db, const MYSQL_STMT *stmt)
{
    struct ahead *w = &db->ahead;
    MYSQL_STMT *first = w->sql && !w->answered ? find(db, w->sql)->stmt : NULL;
    return first && first != stmt && bind_params(db, w->mem, first, w->params, w->count) == DB_OK ? first : NULL;
}

/* Executes a statement, and the announced one before it in the same round trip. What goes wrong with the latter shows
 * when it is run by itself. */
static enum db_status execute(struct db *db, MYSQL_STMT *stmt)
{
    struct ahead *w = &db->ahead;
    MYSQL_STMT *first = companion(db, stmt);
    db->statements++;
    if (!first || !send_only(db, first))
        return mysql_stmt_execute(stmt) ? stmt_failed(db, stmt) : DB_OK;
    db->statements++;
    bool sent = send_only(db, stmt);
    enum db_status s = DB_ERROR;
    w->rows = (struct db_rows){0};
    if (receive(db, first))
        s = fetch_rows(db, w->mem, first, &w->rows);
    else
        mysql_stmt_free_result(first); /* whatever of it is still to come */
    w->answered = s == DB_OK;
    if (s == DB_LOST) /* the statements are gone with the connection */
        return s;
    return sent && receive(db, stmt) ? DB_OK : stmt_failed(db, stmt);
}

static bool same_params(const struct db_param *x, const struct db_param *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (x[i].type != y[i].type || x[i].len != y[i].len || x[i].n != y[i].n ||
            (x[i].len && memcmp(x[i].s, y[i].s, x[i].len) != 0))
            return false;
    return true;
}

/* The rows of the announced statement, if it is this one. */
static bool take_ahead(struct db *db, struct db_rows *out, const char *sql, const struct db_param *params, size_t count)
{
    struct ahead w = db->ahead;
    if (!w.sql || w.count != count || strcmp(w.sql, sql) != 0 || !same_params(w.params, params, count))
        return false;
    db->ahead = (struct ahead){0};
    if (w.answered)
        *out = w.rows;
    return w.answered;
}

void db_ahead(struct db *db, struct arena *a, const char *sql, const struct db_param *params, size_t count)
{
    db->ahead = (struct ahead){.mem = a, .sql = sql, .params = params, .count = count};
}

enum db_status db_run(struct db *db, struct arena *a, struct db_rows *out, const char *sql,
                      const struct db_param *params, size_t count)
{
    struct db_rows unused;
    MYSQL_STMT *stmt = NULL;
    if (!out)
        out = &unused;
    *out = (struct db_rows){0};
    if (take_ahead(db, out, sql, params, count))
        return DB_OK;
    enum db_status s = db_ready(db);
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

enum db_status db_script(struct db *db, const char *sql)
{
    enum db_status s = db_ready(db);
    if (s != DB_OK)
        return s;
    int rc = mysql_real_query(db->conn, sql, strlen(sql));
    while (rc == 0) {
        db->statements++;
        MYSQL_RES *res = mysql_store_result(db->conn);
        if (res)
            mysql_free_result(res);
        rc = mysql_next_result(db->conn);
    }
    return rc > 0 ? failed(db, mysql_errno(db->conn), mysql_error(db->conn)) : DB_OK;
}

/* Transactions --------------------------------------------------------------------------------------------------- */

static enum db_status command(struct db *db, const char *sql)
{
    enum db_status s = db_ready(db);
    if (s != DB_OK)
        return s;
    db->statements++;
    return mysql_query(db->conn, sql) ? failed(db, mysql_errno(db->conn), mysql_error(db->conn)) : DB_OK;
}

enum db_status db_begin(struct db *db)
{
    if (db->open_transaction) {
        log_error("a transaction is open already");
        abort();
    }
    enum db_status s = command(db, "START TRANSACTION");
    db->open_transaction = s == DB_OK;
    return s;
}

enum db_status db_commit(struct db *db)
{
    if (!db->open_transaction)
        return DB_OK;
    enum db_status s = command(db, "COMMIT");
    db->open_transaction = false;
    return s;
}

void db_rollback(struct db *db)
{
    if (db->open_transaction && db->conn)
        command(db, "ROLLBACK");
    db->open_transaction = false;
}
