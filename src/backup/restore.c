#include "backup/backup.h"

#include "base/text.h"
#include "db/embedded.h"
#include "db/steps.h"
#include "json/write.h"

#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

/* Rows go in by statements of up to BATCH_ROWS rows and BATCH_BYTES (unless one row has more), and so many statements
 * are one transaction. What a statement takes besides the values is no more than OVERHEAD for each. */
enum { BATCH_ROWS = 64, BATCH_BYTES = 512 << 10, BATCHES = 16, PROGRESS_ROWS = 1024, OVERHEAD = 16, SPARE = 1024 };

static const char *trouble(struct backup *b)
{
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

/* Reading records -------------------------------------------------------------------------------------------------- */

static const char *text_of(struct json_object *from, const char *name)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(from, name, &v) && json_object_is_type(v, json_type_string)
               ? json_object_get_string(v)
               : NULL;
}

static int64_t number_of(struct json_object *from, const char *name)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(from, name, &v) ? json_object_get_int64(v) : 0;
}

static struct json_object *list_of(struct json_object *from, const char *name)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(from, name, &v) && json_object_is_type(v, json_type_array) ? v : NULL;
}

static const char *const NOT_OURS = "the backup is damaged: it does not say what it holds";

static bool is_name(const char *s)
{
    return s && *s;
}

static bool read_table(struct backup *b, struct json_object *from, struct backup_table *t)
{
    struct json_object *columns = list_of(from, "columns"), *floats = list_of(from, "float");
    t->name = text_of(from, "name");
    t->create = text_of(from, "create");
    if (!is_name(t->name) || !t->create || !portable_is_table(b, t->name, t->create) || !columns || !floats ||
        json_object_array_length(columns) != json_object_array_length(floats))
        return false;
    t->column_count = json_object_array_length(columns);
    t->columns = arena_array(b->m.mem, t->column_count, sizeof *t->columns);
    t->is_float = arena_array(b->m.mem, t->column_count, sizeof *t->is_float);
    for (size_t i = 0; i < t->column_count; i++) {
        t->columns[i] = json_object_get_string(json_object_array_get_idx(columns, i));
        t->is_float[i] = json_object_get_boolean(json_object_array_get_idx(floats, i));
        if (!is_name(t->columns[i]))
            return false;
    }
    return t->column_count > 0;
}

static const char *check_maker(struct backup *b)
{
    const struct backup_facts *f = &b->facts;
    if (f->level > KANSO_LEVEL)
        return arena_printf(
            b->m.mem,
            "the backup is of a database that a later Kanso (%s) has prepared, with tables of level %lld "
            "where this one knows %d: restore it with that one",
            f->kanso, (long long)f->level, KANSO_LEVEL);
    return NULL;
}

static const char *read_header(struct backup *b, const struct buf *content)
{
    struct backup_facts *f = &b->facts;
    struct json_object *h = json_tree(b->m.mem, content->data, content->len), *tables = list_of(h, "tables");
    *f = (struct backup_facts){
        .kanso = text_of(h, "kanso"),
        .created = text_of(h, "created"),
        .server = text_of(h, "server"),
        .database = text_of(h, "database"),
        .charset = text_of(h, "charset"),
        .collation = text_of(h, "collation"),
        .schema = text_of(h, "schema"),
        .level = number_of(h, "level"),
    };
    if (!f->kanso || !f->created || !f->server || !f->collation || !tables)
        return NOT_OURS;
    f->table_count = json_object_array_length(tables);
    f->tables = arena_array(b->m.mem, f->table_count, sizeof *f->tables);
    for (size_t i = 0; i < f->table_count; i++)
        if (!read_table(b, json_object_array_get_idx(tables, i), &f->tables[i]))
            return NOT_OURS;
    return check_maker(b);
}

/* A walk along the records: what is called for each, after their order has been checked. NULL: nothing to do. */
struct walk {
    struct backup *b;
    struct archive_in *in;
    const char *doing;
    const char *(*begin)(struct walk *w);
    const char *(*row)(struct walk *w);
    const char *(*end)(struct walk *w);
    struct backup_table *table; /* the one whose rows come; NULL between tables */
    size_t at;                  /* of tables that have begun */
    uint64_t rows;              /* of this table */
    struct row_sum sum;
    struct batch *batch;
};

static const char *begin_table(struct walk *w)
{
    struct backup_facts *f = &w->b->facts;
    const char *name = json_object_get_string(json_tree(w->b->m.mem, w->in->content.data, w->in->content.len));
    if (w->table || w->at == f->table_count || !streq(name, f->tables[w->at].name))
        return NOT_OURS;
    w->table = &f->tables[w->at++];
    w->rows = 0;
    w->sum = (struct row_sum){0};
    backup_progress(w->b, w->doing, w->table->name, 0, archive_percent(w->in));
    return w->begin ? w->begin(w) : NULL;
}

static bool has_all_columns(const struct walk *w)
{
    const char *at = w->in->content.data, *s;
    size_t left = w->in->content.len, len;
    for (size_t i = 0; i < w->table->column_count; i++)
        if (!row_take(&at, &left, &s, &len))
            return false;
    return left == 0;
}

static const char *one_row(struct walk *w)
{
    const struct buf *content = &w->in->content;
    if (!w->table || !has_all_columns(w))
        return NOT_OURS;
    row_sum_add(&w->sum, content->data, content->len);
    if (content->len > w->b->facts.longest)
        w->b->facts.longest = content->len;
    if (++w->rows % PROGRESS_ROWS == 0)
        backup_progress(w->b, w->doing, w->table->name, w->rows, archive_percent(w->in));
    return w->row ? w->row(w) : NULL;
}

static const char *end_table(struct walk *w)
{
    struct backup *b = w->b;
    struct json_object *said = json_tree(b->m.mem, w->in->content.data, w->in->content.len);
    const char *sum = row_sum_text(b->m.mem, &w->sum);
    if (!w->table || !streq(text_of(said, "sum"), sum) || number_of(said, "rows") != (int64_t)w->rows)
        return NOT_OURS;
    w->table->rows = w->rows;
    w->table->sum = sum;
    b->facts.rows += w->rows;
    const char *problem = w->end ? w->end(w) : NULL;
    w->table = NULL;
    return problem;
}

static const char *one_record(struct walk *w)
{
    switch (w->in->kind) {
    case ARCHIVE_TABLE:
        return begin_table(w);
    case ARCHIVE_ROW:
        return one_row(w);
    case ARCHIVE_END:
        return end_table(w);
    default:
        return NOT_OURS;
    }
}

static const char *walk(struct walk *w)
{
    bool done;
    const char *problem = archive_next(w->in, &done);
    if (!problem && (done || w->in->kind != ARCHIVE_HEADER))
        problem = NOT_OURS;
    if (!problem)
        problem = read_header(w->b, &w->in->content);
    while (!problem && !(problem = archive_next(w->in, &done)) && !done)
        problem = one_record(w);
    return problem || (!w->table && w->at == w->b->facts.table_count) ? problem : NOT_OURS;
}

const char *backup_check(struct backup *b, struct archive_in *in)
{
    struct walk w = {.b = b, .in = in, .doing = "checking"};
    return walk(&w);
}

/* What the database must be like ------------------------------------------------------------------------------------
 */

static const char TABLES[] = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND "
                             "table_type = 'BASE TABLE'";

static const char *check_room(struct backup *b)
{
    uint64_t most = db_packet_limit(b->m.db), columns = 0;
    for (size_t i = 0; i < b->facts.table_count; i++)
        if (b->facts.tables[i].column_count > columns)
            columns = b->facts.tables[i].column_count;
    uint64_t needed = b->facts.longest + columns * OVERHEAD + SPARE;
    if (!most || needed <= most)
        return NULL;
    return arena_printf(b->m.mem,
                        "the backup has a row of %llu bytes, and this database takes %llu at once: set "
                        "max_allowed_packet=%llu there",
                        (unsigned long long)b->facts.longest, (unsigned long long)most,
                        (unsigned long long)((needed + 1023) & ~(uint64_t)1023));
}

static const char *check_empty(struct backup *b, const struct db_rows *tables, bool force)
{
    struct db_rows r;
    const char *problem = NULL;
    if (force)
        return NULL;
    if (has_text(tables, RESTORE_MARK))
        return arena_printf(b->m.mem, "a restore of database '%s' was cut short; --force begins anew",
                            b->m.url->database);
    for (size_t i = 0; !problem && i < tables->count; i++) {
        const char *name = db_row(tables, i)->s;
        problem = query(b, &r, arena_printf(b->m.mem, "SELECT 1 FROM %s LIMIT 1", backup_name(b->m.mem, name)));
        if (!problem && r.count)
            return arena_printf(b->m.mem,
                                "database '%s' holds data (table %s): --force replaces it, or name another database in "
                                "ZENML_STORE_URL",
                                b->m.url->database, name);
    }
    return problem;
}

/* Making it so ------------------------------------------------------------------------------------------------------
 */

static const char *begin_session(struct backup *b)
{
    const char *problem = backup_session(b);
    if (!problem)
        problem = script(b, "SET SESSION foreign_key_checks = 0");
    /* whatever a column holds is put back: zero as an automatic number, and dates that are none */
    return problem ? problem
                   : script(b, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,STRICT_ALL_TABLES,"
                               "NO_ENGINE_SUBSTITUTION'");
}

/* Whether sql/ makes a table of that name, for ZenML or for Kanso. */
static bool is_known(struct backup *b, const char *name)
{
    const char *head = arena_printf(b->m.mem, "CREATE TABLE IF NOT EXISTS `%s` (", name);
    return strstr(sql_schema, head) || strstr(sql_kanso, head);
}

static bool in_backup(const struct backup *b, const char *name)
{
    for (size_t i = 0; i < b->facts.table_count; i++)
        if (streq(b->facts.tables[i].name, name))
            return true;
    return false;
}

static const char *drop_tables(struct backup *b, const struct db_rows *tables)
{
    const char *problem = NULL;
    for (size_t i = 0; !problem && i < tables->count; i++) {
        const char *name = db_row(tables, i)->s;
        if (streq(name, RESTORE_MARK))
            continue;
        if (in_backup(b, name) || is_known(b, name))
            problem = script(b, arena_printf(b->m.mem, "DROP TABLE IF EXISTS %s", backup_name(b->m.mem, name)));
        else if (b->m.warn)
            b->m.warn(
                arena_printf(b->m.mem, "table %s is not ZenML's, Kanso's or the backup's: it is left as it is", name));
    }
    return problem;
}

static const char *make_tables(struct backup *b)
{
    bool any = false, collated;
    const char *collation, *sql;
    const char *problem = portable_collation(b, b->facts.collation, &collation);
    if (!problem)
        problem = script(b, arena_printf(b->m.mem, "ALTER DATABASE COLLATE %s", collation));
    for (size_t i = 0; !problem && i < b->facts.table_count; i++) {
        backup_progress(b, "making", b->facts.tables[i].name, 0, 0);
        problem = portable_create(b, b->facts.tables[i].create, &sql, &collated);
        if (!problem)
            problem = script(b, sql);
        any |= collated;
    }
    if (any && b->m.warn)
        b->m.warn(
            "this server lacks collations of the backup's tables: they have those most like them here, so names may "
            "be compared and sorted a little differently");
    return problem;
}

/* The mark comes before anything is dropped, and goes when all is there and has been compared. */
static const char *prepare(struct backup *b, bool force)
{
    struct db_rows tables;
    const char *problem = migrate_alone(&b->m, "it is restored");
    if (!problem)
        problem = check_room(b);
    if (!problem)
        problem = query(b, &tables, TABLES);
    if (!problem)
        problem = check_empty(b, &tables, force);
    if (!problem)
        problem = begin_session(b);
    if (!problem)
        problem = script(b, "CREATE TABLE IF NOT EXISTS `" RESTORE_MARK "` (`id` int NOT NULL, PRIMARY KEY (`id`)) "
                            "ENGINE=InnoDB");
    if (!problem)
        problem = drop_tables(b, &tables);
    if (!problem)
        problem = make_tables(b);
    return problem ? problem : script(b, "SET NAMES binary");
}

/* Rows ------------------------------------------------------------------------------------------------------------- */

/* Rows that wait for their statement. */
struct batch {
    struct arena mem; /* theirs: given back with each statement */
    const char *head; /* INSERT INTO ... VALUES */
    struct db_param *params;
    size_t rows, bytes;
    unsigned statements; /* of the open transaction */
};

/* INSERT INTO `t` (`a`, `b`) VALUES, and for each row (?, ?): few texts, because numbers of rows are powers of two. */
static const char *insert_text(const struct batch *q, size_t columns, size_t rows)
{
    struct buf sql = {0};
    buf_adds(&sql, q->head);
    for (size_t r = 0; r < rows; r++) {
        buf_adds(&sql, r ? ", (" : " (");
        for (size_t i = 0; i < columns; i++)
            buf_adds(&sql, i ? ", ?" : "?");
        buf_addc(&sql, ')');
    }
    char *text = xmalloc(sql.len + 1);
    memcpy(text, sql.data, sql.len + 1);
    buf_free(&sql);
    return text;
}

static const char *insert_failed(struct walk *w)
{
    if (db_errno(w->b->m.db) == ER_DUP_ENTRY)
        return arena_printf(
            w->b->m.mem,
            "two rows of table %s are the same to this server, because it compares texts in another way "
            "(%s): restore to a server of the same kind",
            w->table->name, db_error(w->b->m.db));
    return arena_printf(w->b->m.mem, "table %s: %s", w->table->name, trouble(w->b));
}

static const char *insert(struct walk *w, const struct db_param *params, size_t rows)
{
    size_t columns = w->table->column_count;
    const char *text = insert_text(w->batch, columns, rows);
    enum db_status s = db_run(w->b->m.db, &w->batch->mem, NULL, text, params, rows * columns);
    free((void *)(uintptr_t)text);
    return s == DB_OK ? NULL : insert_failed(w);
}

static const char *commit(struct walk *w)
{
    w->batch->statements = 0;
    return db_commit(w->b->m.db) == DB_OK ? NULL : insert_failed(w);
}

static const char *flush(struct walk *w)
{
    struct batch *q = w->batch;
    const char *problem = NULL;
    size_t done = 0;
    if (q->rows && !q->statements++ && db_begin(w->b->m.db) != DB_OK)
        return insert_failed(w);
    while (!problem && done < q->rows) {
        size_t n = BATCH_ROWS;
        while (n > q->rows - done)
            n /= 2;
        problem = insert(w, q->params + done * w->table->column_count, n);
        done += n;
    }
    q->rows = q->bytes = 0;
    q->params = NULL;
    arena_reset(&q->mem);
    return problem || q->statements < BATCHES ? problem : commit(w);
}

static const char *begin_rows(struct walk *w)
{
    struct buf head = {0};
    buf_addf(&head, "INSERT INTO %s (", backup_name(w->b->m.mem, w->table->name));
    for (size_t i = 0; i < w->table->column_count; i++)
        buf_addf(&head, "%s%s", i ? ", " : "", backup_name(w->b->m.mem, w->table->columns[i]));
    buf_adds(&head, ") VALUES");
    w->batch->head = arena_strndup(w->b->m.mem, head.data, head.len);
    buf_free(&head);
    return NULL;
}

static const char *add_row(struct walk *w)
{
    struct batch *q = w->batch;
    const struct buf *content = &w->in->content;
    size_t columns = w->table->column_count, left = content->len;
    if (q->rows && (q->rows == BATCH_ROWS || q->bytes + content->len > BATCH_BYTES)) {
        const char *problem = flush(w);
        if (problem)
            return problem;
    }
    if (!q->params)
        q->params = arena_array(&q->mem, BATCH_ROWS * columns, sizeof *q->params);
    const char *at = arena_memdup(&q->mem, content->data, content->len);
    for (size_t i = 0; i < columns; i++) {
        const char *s;
        size_t len;
        row_take(&at, &left, &s, &len);
        q->params[q->rows * columns + i] = p_textn(s, len);
    }
    q->rows++;
    q->bytes += content->len;
    return NULL;
}

static const char *end_rows(struct walk *w)
{
    const char *problem = flush(w);
    return problem ? problem : commit(w);
}

static const char *fill(struct backup *b, struct archive_in *in)
{
    struct batch batch = {.rows = 0};
    struct walk w = {
        .b = b, .in = in, .doing = "restoring", .begin = begin_rows, .row = add_row, .end = end_rows, .batch = &batch};
    const char *problem = archive_rewind(in);
    if (!problem)
        problem = walk(&w);
    db_rollback(b->m.db);
    arena_free(&batch.mem);
    return problem;
}

/* Comparing -------------------------------------------------------------------------------------------------------- */

struct comparing {
    struct backup *b;
    const struct backup_table *table;
    struct row_sum sum;
    uint64_t rows;
};

static bool add_to_sum(void *data, const struct buf *content)
{
    struct comparing *c = data;
    if (c->rows++ % PROGRESS_ROWS == 0)
        backup_progress(c->b, "comparing", c->table->name, c->rows, 0);
    row_sum_add(&c->sum, content->data, content->len);
    return true;
}

static const char *compare(struct backup *b)
{
    const char *problem = NULL;
    for (size_t i = 0; !problem && i < b->facts.table_count; i++) {
        struct comparing c = {.b = b, .table = &b->facts.tables[i]};
        problem = backup_rows(b, c.table, add_to_sum, &c);
        if (!problem && (c.rows != c.table->rows || !streq(row_sum_text(b->m.mem, &c.sum), c.table->sum)))
            problem = arena_printf(b->m.mem, "table %s is not what it was: the server has stored its rows differently",
                                   c.table->name);
    }
    return problem;
}

const char *backup_restore(struct backup *b, struct archive_in *in, bool force)
{
    const char *problem = migrate_connect(&b->m);
    if (!problem)
        problem = migrate_lock(&b->m, b->waiting);
    if (!problem)
        problem = prepare(b, force);
    if (!problem)
        problem = fill(b, in);
    if (!problem)
        problem = compare(b);
    return problem ? problem : script(b, "DROP TABLE `" RESTORE_MARK "`");
}
