#include "base/config.h"
#include "base/text.h"
#include "secrets/secrets.h"
#include "transfer/transfer.h"
#include "json/write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct exporting {
    struct transfer *t;
    FILE *to;
    const struct transfer_kind *kind;
    struct db_rows columns;
    struct buf line;
    struct arena mem; /* of the row in hand */
    const char *problem;
};

static const char *script(struct transfer *t, const char *sql)
{
    return db_script(t->m.db, sql) == DB_OK ? NULL : migrate_trouble(&t->m);
}

static bool put_line(struct exporting *e)
{
    buf_addc(&e->line, '\n');
    if (fwrite(e->line.data, 1, e->line.len, e->to) == e->line.len)
        return true;
    e->problem = arena_printf(e->t->m.mem, "the file cannot be written: %s", strerror(errno));
    return false;
}

static bool is_number(const char *type)
{
    static const char *const types[] = {"tinyint", "smallint", "mediumint", "int",
                                        "bigint",  "float",    "double",    "decimal"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (streq(type, types[i]))
            return true;
    return false;
}

/* Whose a row is: what select_user() has made of it. */
static void put_user(struct jw *w, const struct db_value *v)
{
    if (!v->s) {
        jw_null(w);
        return;
    }
    jw_open(w, '{');
    jw_key(w, *v->s == '1' ? "service_account" : "user");
    jw_strn(w, v->s + 1, v->len - 1);
    jw_close(w, '}');
}

static void put_bytes(struct exporting *e, struct jw *w, const struct db_value *v)
{
    jw_open(w, '{');
    jw_key(w, "base64");
    jw_str(w, base64_encode(&e->mem, v->s, v->len));
    jw_close(w, '}');
}

static bool put_secret(struct exporting *e, struct jw *w, const struct db_value *v)
{
    struct json_object *values = v->s ? secret_values(&e->mem, config.secrets.encryption_key, v->s, v->len) : NULL;
    if (v->s && !values) {
        e->problem = "a secret cannot be read: is ZENML_SECRETS_STORE_ENCRYPTION_KEY the key that it was stored with?";
        return false;
    }
    jw_value(w, values);
    return true;
}

static bool put_value(struct exporting *e, struct jw *w, const struct db_value *column, const struct db_value *v)
{
    const char *name = column[TRANSFER_COLUMN].s;
    jw_key(w, name);
    if (transfer_is_user(name))
        put_user(w, v);
    else if (streq(e->kind->table, "secret") && streq(name, "values"))
        return put_secret(e, w, v);
    else if (!v->s)
        jw_null(w);
    else if (is_number(column[TRANSFER_TYPE].s))
        jw_raw(w, v->s, v->len);
    else if (text_valid(v->s, v->len))
        jw_strn(w, v->s, v->len);
    else
        put_bytes(e, w, v);
    return true;
}

/* {"table":...,"row":{...}} with the columns that select_rows() has. */
static bool put_row(void *data, const struct db_value *values, size_t count)
{
    struct exporting *e = data;
    struct jw w = {.out = &e->line};
    (void)count;
    buf_clear(&e->line, 1 << 20);
    arena_reset(&e->mem);
    jw_open(&w, '{');
    jw_key(&w, "table");
    jw_str(&w, e->kind->table);
    jw_key(&w, "row");
    jw_open(&w, '{');
    for (size_t i = 0; i < e->columns.count; i++) {
        const struct db_value *column = db_row(&e->columns, i);
        if (!streq(column[TRANSFER_COLUMN].s, "workspace_id") && !put_value(e, &w, column, values++))
            return false;
    }
    jw_close(&w, '}');
    jw_close(&w, '}');
    e->t->written++;
    return put_line(e);
}

static void select_column(struct buf *sql, const struct exporting *e, const struct db_value *column)
{
    const char *name = column[TRANSFER_COLUMN].s;
    if (transfer_is_user(name))
        buf_addf(sql, "(SELECT CONCAT(u.is_service_account, u.name) FROM user u WHERE u.id = t.`%s`)", name);
    else if (streq(name, "secret_id") && !e->t->secrets)
        buf_adds(sql, "NULL");
    else
        buf_addf(sql, "t.`%s`%s", name, streq(column[TRANSFER_TYPE].s, "float") ? " + 0e0" : "");
}

static void add_where(struct buf *sql, const struct transfer_kind *k, const char *workspace)
{
    for (const char *at = k->where; *at; at++) {
        if (*at == '@')
            buf_addf(sql, "'%s'", workspace); /* 32 hex digits of the database's own */
        else
            buf_addc(sql, *at);
    }
}

/* In order of creation, so that rows that refer to others of their table come behind those. */
static const char *select_rows(const struct exporting *e, const char *workspace)
{
    struct buf sql = {0};
    const char *before = "SELECT ";
    bool ordered = false;
    for (size_t i = 0; i < e->columns.count; i++) {
        const struct db_value *column = db_row(&e->columns, i);
        ordered |= streq(column[TRANSFER_COLUMN].s, "created");
        if (streq(column[TRANSFER_COLUMN].s, "workspace_id"))
            continue;
        buf_adds(&sql, before);
        select_column(&sql, e, column);
        before = ", ";
    }
    buf_addf(&sql, " FROM `%s` t WHERE ", e->kind->table);
    add_where(&sql, e->kind, workspace);
    buf_adds(&sql, ordered ? " ORDER BY t.created, t.kanso_order" : "");
    const char *text = arena_strndup(e->t->m.mem, sql.data, sql.len);
    buf_free(&sql);
    return text;
}

static const char *put_kind(struct exporting *e, const char *workspace)
{
    const char *problem = transfer_columns(e->t, e->kind->table, &e->columns);
    if (problem)
        return problem;
    enum db_status s = db_stream(e->t->m.db, select_rows(e, workspace), put_row, e);
    return e->problem ? e->problem : s == DB_OK ? NULL : migrate_trouble(&e->t->m);
}

static const char *put_header(struct exporting *e, const char *workspace)
{
    struct jw w = {.out = &e->line};
    jw_open(&w, '{');
    jw_key(&w, "kanso_export");
    jw_int(&w, TRANSFER_FORM);
    jw_key(&w, "kanso");
    jw_str(&w, KANSO_VERSION);
    jw_key(&w, "zenml");
    jw_str(&w, SCHEMA_VERSION);
    jw_key(&w, "workspace");
    jw_open(&w, '{');
    jw_key(&w, "id");
    jw_str(&w, workspace);
    jw_key(&w, "name");
    jw_str(&w, e->t->workspace);
    jw_close(&w, '}');
    jw_key(&w, "secrets");
    jw_bool(&w, e->t->secrets);
    jw_close(&w, '}');
    return put_line(e) ? NULL : e->problem;
}

static const char *put_end(struct exporting *e)
{
    buf_clear(&e->line, 1 << 20);
    buf_addf(&e->line, "{\"rows\":%llu}", (unsigned long long)e->t->written);
    if (!put_line(e))
        return e->problem;
    return fflush(e->to) == 0 ? NULL : arena_printf(e->t->m.mem, "the file cannot be written: %s", strerror(errno));
}

const char *transfer_export(struct transfer *t, FILE *to)
{
    struct exporting e = {.t = t, .to = to};
    const char *workspace = NULL;
    if (t->secrets && config.secrets.type && !streq(config.secrets.type, "sql"))
        return "the secrets of this server are not in its database (ZENML_SECRETS_STORE_TYPE): leave out --secrets";
    const char *problem = script(t, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    if (!problem)
        problem = script(t, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
    if (!problem)
        problem = transfer_workspace(t, t->workspace, &workspace);
    if (!problem)
        problem = put_header(&e, workspace);
    for (e.kind = transfer_kinds; !problem && e.kind->table; e.kind++) {
        bool secret = streq(e.kind->table, "secret");
        if ((t->secrets || !secret) && (t->runs || !e.kind->history))
            problem = put_kind(&e, workspace);
    }
    if (!problem)
        problem = put_end(&e);
    buf_free(&e.line);
    arena_free(&e.mem);
    return problem;
}
