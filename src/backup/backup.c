#include "backup/backup.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "json/write.h"

#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

#define HERE "table_schema = DATABASE() "

enum { PROGRESS_ROWS = 256, ROW_KEPT = 1 << 20 };

void backup_progress(struct backup *b, const char *doing, const char *table, uint64_t rows, int percent)
{
    if (b->progress)
        b->progress(doing, table, rows, percent);
}

static const char *trouble(struct backup *b)
{
    unsigned number = db_errno(b->m.db);
    if (number == ER_TABLE_DEF_CHANGED || number == ER_NO_SUCH_TABLE)
        return "tables were changed while the backup began, as `kansoctl migrate` does: run it again";
    return migrate_trouble(&b->m);
}

static const char *query(struct backup *b, struct db_rows *out, const char *sql)
{
    return db_run(b->m.db, b->m.mem, out, sql, NULL, 0) == DB_OK ? NULL : trouble(b);
}

static const char *script(struct backup *b, const char *sql)
{
    return db_script(b->m.db, sql) == DB_OK ? NULL : trouble(b);
}

/* The session ------------------------------------------------------------------------------------------------------ */

/* Limits on the time that a statement may take have other names at each kind of server; they are lifted. The server
 * waits for a slow reader of its rows. */
const char *backup_session(struct backup *b)
{
    struct db_rows r;
    const char *problem = query(b, &r, "SELECT VERSION()");
    if (!problem)
        problem = script(b, "SET SESSION net_write_timeout = 3600, SESSION net_read_timeout = 3600");
    return problem ? problem
                   : script(b, strstr(r.values->s, "MariaDB") ? "SET SESSION max_statement_time = 0"
                                                              : "SET SESSION max_execution_time = 0");
}

/* Definitions ------------------------------------------------------------------------------------------------------ */

enum { T_NAME, T_ENGINE, T_ROWS };

static const char TABLES[] = "SELECT table_name, engine, table_rows FROM information_schema.tables WHERE " HERE
                             "AND table_type = 'BASE TABLE' ORDER BY table_name = 'alembic_version', table_name";

enum { C_TABLE, C_NAME, C_TYPE };

static const char COLUMNS[] = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE " HERE
                              "AND COALESCE(generation_expression, '') = '' ORDER BY table_name, ordinal_position";

static const char OTHERS[] =
    "SELECT (SELECT COUNT(*) FROM information_schema.views WHERE " HERE ") + (SELECT COUNT(*) FROM "
    "information_schema.triggers WHERE trigger_schema = DATABASE()) + (SELECT COUNT(*) FROM "
    "information_schema.routines WHERE routine_schema = DATABASE())";

static const char DATABASE[] = "SELECT VERSION(), DATABASE(), default_character_set_name, default_collation_name FROM "
                               "information_schema.schemata WHERE schema_name = DATABASE()";

static uint64_t number(const char *s)
{
    return s ? strtoull(s, NULL, 10) : 0;
}

static void take_columns(struct backup *b, struct backup_table *t, const struct db_rows *columns)
{
    t->columns = arena_array(b->m.mem, columns->count, sizeof *t->columns);
    t->is_float = arena_array(b->m.mem, columns->count, sizeof *t->is_float);
    for (size_t i = 0; i < columns->count; i++) {
        const struct db_value *v = db_row(columns, i);
        if (!streq(v[C_TABLE].s, t->name))
            continue;
        t->is_float[t->column_count] = streq(v[C_TYPE].s, "float");
        t->columns[t->column_count++] = v[C_NAME].s;
    }
}

const char *backup_name(struct arena *a, const char *name)
{
    struct buf out = {0};
    buf_addc(&out, '`');
    for (; *name; name++) {
        buf_addc(&out, *name);
        if (*name == '`')
            buf_addc(&out, '`');
    }
    buf_addc(&out, '`');
    const char *text = arena_strndup(a, out.data, out.len);
    buf_free(&out);
    return text;
}

/* The table is opened by the snapshot's transaction and so keeps its definition until that has ended. */
static const char *take_table(struct backup *b, struct backup_table *t, const struct db_value *row,
                              const struct db_rows *columns)
{
    struct db_rows r;
    const char *name = backup_name(b->m.mem, row[T_NAME].s);
    t->name = row[T_NAME].s;
    t->expected = number(row[T_ROWS].s);
    if (!streq(row[T_ENGINE].s, "InnoDB") && b->m.warn)
        b->m.warn(arena_printf(b->m.mem,
                               "table %s is of %s, not InnoDB: what is written to it meanwhile shows in the backup",
                               t->name, row[T_ENGINE].s));
    take_columns(b, t, columns);
    const char *problem = query(b, &r, arena_printf(b->m.mem, "SELECT 1 FROM %s LIMIT 0", name));
    if (!problem)
        problem = query(b, &r, arena_printf(b->m.mem, "SHOW CREATE TABLE %s", name));
    if (!problem)
        t->create = db_row(&r, 0)[1].s;
    return problem;
}

static const char *take_tables(struct backup *b)
{
    struct backup_facts *f = &b->facts;
    struct db_rows tables, columns;
    const char *problem = query(b, &tables, TABLES);
    if (!problem)
        problem = query(b, &columns, COLUMNS);
    if (!problem && !tables.count)
        return arena_printf(b->m.mem, "database '%s' has no tables: there is nothing to back up", b->m.url->database);
    f->tables = arena_array(b->m.mem, problem ? 0 : tables.count, sizeof *f->tables);
    for (size_t i = 0; !problem && i < tables.count; i++) {
        problem = take_table(b, &f->tables[i], db_row(&tables, i), &columns);
        f->table_count++;
    }
    return problem;
}

static const char *warn_of_others(struct backup *b)
{
    struct db_rows r;
    const char *problem = query(b, &r, OTHERS);
    if (!problem && number(r.values->s) && b->m.warn)
        b->m.warn(
            "views, triggers and routines of the database are not in the backup: neither ZenML nor Kanso has any");
    return problem;
}

static bool has_table(const struct backup_facts *f, const char *name)
{
    for (size_t i = 0; i < f->table_count; i++)
        if (streq(f->tables[i].name, name))
            return true;
    return false;
}

/* The first value of a table that there may be; NULL without a table or a row. */
static const char *value_in(struct backup *b, const char *table, const char *sql, const char **out)
{
    struct db_rows r = {0};
    const char *problem = has_table(&b->facts, table) ? query(b, &r, sql) : NULL;
    *out = r.count ? r.values->s : NULL;
    return problem;
}

static const char *take_versions(struct backup *b)
{
    struct backup_facts *f = &b->facts;
    const char *level = NULL;
    if (has_table(f, RESTORE_MARK))
        return "a restore of this database was cut short, so it is not whole: restore it first, with --force";
    const char *problem = value_in(b, "alembic_version", "SELECT version_num FROM alembic_version", &f->schema);
    if (!problem)
        problem = value_in(b, "kanso_meta", "SELECT value FROM kanso_meta WHERE name = 'schema'", &level);
    f->level = (int64_t)number(level);
    return problem;
}

static const char *take_facts(struct backup *b)
{
    struct backup_facts *f = &b->facts;
    struct db_rows r;
    char now[STAMP_LEN + 1];
    const char *problem = query(b, &r, DATABASE);
    if (problem)
        return problem;
    const struct db_value *v = db_row(&r, 0);
    stamp_now(now);
    f->kanso = KANSO_VERSION;
    f->created = arena_strdup(b->m.mem, now);
    f->server = v[0].s;
    f->database = v[1].s;
    f->charset = v[2].s;
    f->collation = v[3].s;
    return NULL;
}

/* The snapshot is taken before the tables are looked at: one that is changed in between says so when it is read. */
static const char *begin(struct backup *b)
{
    const char *problem = take_facts(b);
    if (!problem)
        problem = backup_session(b);
    if (!problem)
        problem = script(b, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    if (!problem)
        problem = script(b, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
    if (!problem)
        problem = take_tables(b);
    if (!problem)
        problem = take_versions(b);
    return problem ? problem : warn_of_others(b);
}

/* Records ---------------------------------------------------------------------------------------------------------- */

static void put_table(struct jw *w, const struct backup_table *t)
{
    jw_open(w, '{');
    jw_key(w, "name");
    jw_str(w, t->name);
    jw_key(w, "create");
    jw_str(w, t->create);
    jw_key(w, "columns");
    jw_open(w, '[');
    for (size_t i = 0; i < t->column_count; i++)
        jw_str(w, t->columns[i]);
    jw_close(w, ']');
    jw_key(w, "float");
    jw_open(w, '[');
    for (size_t i = 0; i < t->column_count; i++)
        jw_bool(w, t->is_float[i]);
    jw_close(w, ']');
    jw_close(w, '}');
}

static bool put_header(struct archive_out *out, const struct backup_facts *f)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    const struct {
        const char *name, *value;
    } members[] = {
        {"kanso", f->kanso},     {"created", f->created},     {"server", f->server}, {"database", f->database},
        {"charset", f->charset}, {"collation", f->collation}, {"schema", f->schema},
    };
    jw_open(&w, '{');
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        jw_key(&w, members[i].name);
        jw_str(&w, members[i].value);
    }
    jw_key(&w, "level");
    jw_int(&w, f->level);
    jw_key(&w, "tables");
    jw_open(&w, '[');
    for (size_t i = 0; i < f->table_count; i++)
        put_table(&w, &f->tables[i]);
    jw_close(&w, ']');
    jw_close(&w, '}');
    bool ok = archive_put(out, ARCHIVE_HEADER, text.data, text.len);
    buf_free(&text);
    return ok;
}

static bool put_begin(struct archive_out *out, const struct backup_table *t)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    jw_str(&w, t->name);
    bool ok = archive_put(out, ARCHIVE_TABLE, text.data, text.len);
    buf_free(&text);
    return ok;
}

static bool put_end(struct archive_out *out, const struct backup_table *t)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    jw_open(&w, '{');
    jw_key(&w, "rows");
    jw_int(&w, (int64_t)t->rows);
    jw_key(&w, "sum");
    jw_str(&w, t->sum);
    jw_close(&w, '}');
    bool ok = archive_put(out, ARCHIVE_END, text.data, text.len);
    buf_free(&text);
    return ok;
}

/* Rows ------------------------------------------------------------------------------------------------------------- */

struct reading {
    struct buf content;
    bool (*row)(void *data, const struct buf *content);
    void *data;
};

static bool on_row(void *data, const struct db_value *values, size_t columns)
{
    struct reading *r = data;
    buf_clear(&r->content, ROW_KEPT);
    for (size_t i = 0; i < columns; i++)
        row_put(&r->content, values[i].s, values[i].len);
    return r->row(r->data, &r->content);
}

static const char *select_all(struct backup *b, const struct backup_table *t)
{
    struct buf sql = {0};
    for (size_t i = 0; i < t->column_count; i++)
        buf_addf(&sql, "%s%s%s", i ? ", " : "SELECT ", backup_name(b->m.mem, t->columns[i]),
                 t->is_float[i] ? " + 0e0" : "");
    buf_addf(&sql, " FROM %s", backup_name(b->m.mem, t->name));
    const char *text = arena_strndup(b->m.mem, sql.data, sql.len);
    buf_free(&sql);
    return text;
}

const char *backup_rows(struct backup *b, const struct backup_table *t,
                        bool (*row)(void *data, const struct buf *content), void *data)
{
    struct reading r = {.row = row, .data = data};
    const char *problem = script(b, "SET NAMES binary");
    if (!problem && db_stream(b->m.db, select_all(b, t), on_row, &r) != DB_OK)
        problem = trouble(b);
    buf_free(&r.content);
    return problem;
}

struct writing {
    struct backup *b;
    struct archive_out *out;
    struct backup_table *table;
    struct row_sum sum;
    uint64_t expected, before; /* rows of all tables, as guessed; of those before this one */
};

static int percent(uint64_t done, uint64_t of)
{
    return of == 0 ? 0 : done >= of ? 99 : (int)(done * 100 / of);
}

static bool write_row(void *data, const struct buf *content)
{
    struct writing *w = data;
    struct backup_table *t = w->table;
    if (t->rows++ % PROGRESS_ROWS == 0)
        backup_progress(w->b, "reading", t->name, t->rows, percent(w->before + t->rows, w->expected));
    if (content->len > w->b->facts.longest)
        w->b->facts.longest = content->len;
    row_sum_add(&w->sum, content->data, content->len);
    return archive_put(w->out, ARCHIVE_ROW, content->data, content->len);
}

/* False when the file cannot be written: archive_finish() knows why. */
static const char *write_table(struct writing *w, bool *ok)
{
    const struct row_sum nothing = {0};
    struct backup *b = w->b;
    w->sum = nothing;
    if (!put_begin(w->out, w->table))
        return *ok = false, NULL;
    const char *problem = backup_rows(b, w->table, write_row, w);
    w->table->sum = row_sum_text(b->m.mem, &w->sum);
    w->before += w->table->rows;
    *ok = !problem && put_end(w->out, w->table);
    return problem;
}

const char *backup_write(struct backup *b, struct archive_out *out)
{
    struct backup_facts *f = &b->facts;
    struct writing w = {.b = b, .out = out};
    const char *problem = begin(b);
    bool ok = !problem && put_header(out, f);
    for (size_t i = 0; i < f->table_count; i++)
        w.expected += f->tables[i].expected;
    for (size_t i = 0; ok && !problem && i < f->table_count; i++) {
        w.table = &f->tables[i];
        problem = write_table(&w, &ok);
    }
    f->rows = w.before;
    if (!problem && ok)
        db_script(b->m.db, "COMMIT");
    return problem;
}
