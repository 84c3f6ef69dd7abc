#include "db/steps.h"

#include "base/text.h"
#include "db/embedded.h"

#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HERE "table_schema = DATABASE() "

/* What several nodes of a cluster may do to each other's changes. Every time, the other's change is there: twice as
 * many rounds as there are indexes is more than enough. */
enum { ROUNDS = 200 };

bool has_text(const struct db_rows *r, const char *text)
{
    for (size_t i = 0; i < r->count; i++)
        if (streq(db_row(r, i)->s, text))
            return true;
    return false;
}

/* Whether the last failure says that what was to be made is there, or what was to be dropped is gone. */
static bool is_done_already(const struct migration *m)
{
    switch (db_errno(m->db)) {
    case ER_TABLE_EXISTS_ERROR:
    case ER_DUP_FIELDNAME:
    case ER_DUP_KEYNAME:
    case ER_CANT_DROP_FIELD_OR_KEY:
        return true;
    default:
        return false;
    }
}

const char *steps_change(struct migration *m, const char *sql, bool *overtaken)
{
    if (db_script(m->db, sql) == DB_OK)
        return NULL;
    if (!is_done_already(m))
        return migrate_trouble(m);
    if (overtaken)
        *overtaken = true;
    return NULL;
}

void steps_progress(struct migration *m, const char *what, const char *table, size_t at, size_t of)
{
    if (m->progress && !m->fresh)
        m->progress(arena_printf(m->mem, "%s of %s (%zu of %zu)", what, table, at, of));
}

/* Statements of sql/ --------------------------------------------------------------------------------------------- */

const char *next_statement(struct arena *a, const char **at)
{
    const char *s = *at;
    while (*s == '\n' || starts_with(s, "--"))
        s += strcspn(s, "\n") + (s[strcspn(s, "\n")] == '\n');
    const char *end = strstr(s, ";\n");
    if (!*s || !end)
        return NULL;
    *at = end + 2;
    return arena_strndup(a, s, (size_t)(end - s));
}

/* The n-th name in backquotes, from 0. */
static const char *quoted_name(struct arena *a, const char *sql, int n)
{
    const char *open = strchr(sql, '`') + 1;
    for (; n; n--)
        open = strchr(strchr(open, '`') + 1, '`') + 1;
    return arena_strndup(a, open, strcspn(open, "`"));
}

static bool makes_table(const char *sql)
{
    return starts_with(sql, "CREATE TABLE");
}

static bool makes_index(const char *sql)
{
    return starts_with(sql, "CREATE INDEX");
}

static bool makes_column(const char *sql)
{
    return starts_with(sql, "ALTER TABLE");
}

/* Own tables ----------------------------------------------------------------------------------------------------- */

static const char OWN_TABLES[] =
    "SELECT table_name FROM information_schema.tables WHERE " HERE "AND table_name LIKE 'kanso\\_%'";

static const char *add_tables(struct migration *m)
{
    struct db_rows have;
    const char *at = sql_kanso, *sql, *problem = NULL;
    if (db_run(m->db, m->mem, &have, OWN_TABLES, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    while (!problem && (sql = next_statement(m->mem, &at))) {
        if (!makes_table(sql) || has_text(&have, quoted_name(m->mem, sql, 0)))
            continue;
        problem = steps_change(m, steps_with_order(m->mem, sql), NULL);
        m->additions++;
    }
    return problem;
}

static const char *tables_missing(struct migration *m, size_t *count)
{
    struct db_rows have;
    const char *at = sql_kanso, *sql;
    if (db_run(m->db, m->mem, &have, OWN_TABLES, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    while ((sql = next_statement(m->mem, &at)))
        *count += makes_table(sql) && !has_text(&have, quoted_name(m->mem, sql, 0));
    return NULL;
}

/* Collations ----------------------------------------------------------------------------------------------------- */

/* How names of ZenML's tables are stored and compared (where tables differ: as most do, Unicode first), and the same of
 * the rows that guard them. */
static const char COLLATIONS[] =
    "SELECT character_set_name, collation_name, table_name = 'kanso_name_guard' AS own, COUNT(*) AS columns "
    "FROM information_schema.columns WHERE " HERE "AND column_name = 'name' AND collation_name IS NOT NULL "
    "AND (table_name = 'kanso_name_guard' OR table_name NOT LIKE 'kanso\\_%') GROUP BY 1, 2, 3 "
    "ORDER BY own, character_set_name = 'utf8mb4' DESC, columns DESC, collation_name";

enum { CHARSET, COLLATION, IS_OWN };

/* Two names that a column of ZenML takes for the same must be the same guard row too, and whatever a column can hold
 * must fit. What the guard holds between transactions is left-overs. */
static const char *convert_guard(struct migration *m, const struct db_value *to)
{
    m->additions++;
    for (int i = 0; i < ROUNDS; i++) {
        if (db_script(m->db, "DELETE FROM kanso_name_guard") != DB_OK)
            return migrate_trouble(m);
        if (db_script(m->db, arena_printf(m->mem, "ALTER TABLE kanso_name_guard CONVERT TO CHARACTER SET %s COLLATE %s",
                                          to[CHARSET].s, to[COLLATION].s)) == DB_OK)
            return NULL;
        if (db_errno(m->db) != ER_DUP_ENTRY) /* a worker that runs already has put a row there */
            break;
    }
    return migrate_trouble(m);
}

static const char *match_collations(struct migration *m)
{
    struct db_rows r;
    if (db_run(m->db, m->mem, &r, COLLATIONS, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    if (!r.count || streq(db_row(&r, 0)[IS_OWN].s, "1"))
        return NULL;
    const struct db_value *names = db_row(&r, 0), *guard = db_row(&r, r.count - 1);
    return streq(names[COLLATION].s, guard[COLLATION].s) ? NULL : convert_guard(m, names);
}

/* Columns -------------------------------------------------------------------------------------------------------- */

static const char COLUMNS_OF_TABLES[] =
    "SELECT CONCAT(table_name, ' ', column_name) FROM information_schema.columns WHERE " HERE;

/* The statements of kanso.sql that add a column which the database lacks, one call each. */
static const char *each_missing_column(struct migration *m,
                                       const char *(*call)(struct migration *, const char *, size_t *), size_t *count)
{
    struct db_rows have;
    const char *at = sql_kanso, *sql, *problem = NULL;
    if (db_run(m->db, m->mem, &have, COLUMNS_OF_TABLES, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    while (!problem && (sql = next_statement(m->mem, &at))) {
        if (!makes_column(sql))
            continue;
        const char *name = arena_printf(m->mem, "%s %s", quoted_name(m->mem, sql, 0), quoted_name(m->mem, sql, 1));
        if (!has_text(&have, name))
            problem = call(m, sql, count);
    }
    return problem;
}

static const char *add_column(struct migration *m, const char *sql, size_t *count)
{
    if (m->progress && !m->fresh)
        m->progress(arena_printf(m->mem, "column %s of %s", quoted_name(m->mem, sql, 1), quoted_name(m->mem, sql, 0)));
    m->additions++;
    ++*count;
    return steps_change(m, sql, NULL);
}

static const char *count_one(struct migration *m, const char *what, size_t *count)
{
    (void)m, (void)what;
    ++*count;
    return NULL;
}

static const char *add_columns(struct migration *m)
{
    size_t count = 0;
    return each_missing_column(m, add_column, &count);
}

static const char *columns_missing(struct migration *m, size_t *count)
{
    return each_missing_column(m, count_one, count);
}

/* Widths --------------------------------------------------------------------------------------------------------- */

static const char WIDTHS[] =
    "SELECT CONCAT(table_name, ' ', column_name), character_maximum_length FROM information_schema.columns WHERE " HERE
    "AND table_name LIKE 'kanso\\_%' AND data_type = 'varchar'";

/* Whether a line of CREATE TABLE makes a column wider than it is. */
static bool is_narrow(struct migration *m, const struct db_rows *have, const char *table, const char *line)
{
    const char *type = strstr(line, " varchar("), *end = strchr(line, '\n');
    if (*line != '`' || !type || type > end)
        return false;
    const char *name = arena_printf(m->mem, "%s %s", table, quoted_name(m->mem, line, 0));
    for (size_t i = 0; i < have->count; i++)
        if (streq(db_row(have, i)[0].s, name))
            return strtol(db_row(have, i)[1].s, NULL, 10) < strtol(strchr(type, '(') + 1, NULL, 10);
    return false;
}

/* The columns of own tables that were made narrower than kanso.sql has them, one call each with what widens it. */
static const char *each_narrow(struct migration *m, const char *(*call)(struct migration *, const char *, size_t *),
                               size_t *count)
{
    struct db_rows have;
    const char *at = sql_kanso, *sql, *problem = NULL;
    if (db_run(m->db, m->mem, &have, WIDTHS, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    while ((sql = next_statement(m->mem, &at))) {
        if (!makes_table(sql))
            continue;
        const char *table = quoted_name(m->mem, sql, 0), *line = sql;
        while (!problem && (line = strstr(line, "\n  "))) {
            line += strlen("\n  ");
            if (is_narrow(m, &have, table, line))
                problem = call(
                    m, arena_printf(m->mem, "ALTER TABLE `%s` MODIFY %.*s", table, (int)strcspn(line, ",\n"), line),
                    count);
        }
    }
    return problem;
}

static const char *widen(struct migration *m, const char *sql, size_t *count)
{
    m->additions++;
    ++*count;
    return steps_change(m, sql, NULL);
}

static const char *widen_columns(struct migration *m)
{
    size_t count = 0;
    return each_narrow(m, widen, &count);
}

static const char *columns_narrow(struct migration *m, size_t *count)
{
    return each_narrow(m, count_one, count);
}

/* Order of creation ---------------------------------------------------------------------------------------------- */

/* Times are whole seconds and ids are random: of two rows of one second, this number tells which came first. Nobody who
 * names his columns sees it, as ZenML does; `SELECT *` leaves it out. Rows that are there already get numbers in the
 * order of their ids. */
#define ORDER_COLUMN "`kanso_order` bigint unsigned NOT NULL AUTO_INCREMENT INVISIBLE"

static const char ORDERED[] =
    "SELECT table_name FROM information_schema.columns WHERE " HERE "AND column_name = 'kanso_order'";

static bool is_ordered(const char *sql)
{
    return strstr(sql, "\n  `id` ") && strstr(sql, "\n  `created` ");
}

const char *steps_with_order(struct arena *a, const char *sql)
{
    const char *key = strstr(sql, "  PRIMARY KEY");
    if (!is_ordered(sql) || !key)
        return sql;
    return arena_printf(a, "%.*s  " ORDER_COLUMN ",\n  KEY `kanso_%s_order` (`kanso_order`),\n%s", (int)(key - sql),
                        sql, quoted_name(a, sql, 0), key);
}

/* The names of tables that lack the column, one call each: ZenML's, and own ones that were made without it. */
static const char *each_unordered(struct migration *m, const char *(*call)(struct migration *, const char *, size_t *),
                                  size_t *count)
{
    const char *const files[] = {sql_schema, sql_kanso};
    struct db_rows have;
    const char *sql, *problem = NULL;
    if (db_run(m->db, m->mem, &have, ORDERED, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        for (const char *at = files[i]; !problem && (sql = next_statement(m->mem, &at));) {
            const char *table = quoted_name(m->mem, sql, 0);
            if (is_ordered(sql) && !has_text(&have, table))
                problem = call(m, table, count);
        }
    return problem;
}

static const char *add_order(struct migration *m, const char *table, size_t *count)
{
    if (m->progress && !m->fresh)
        m->progress(arena_printf(m->mem, "order of creation of %s", table));
    m->additions++;
    ++*count;
    return steps_change(
        m,
        arena_printf(m->mem, "ALTER TABLE `%s` ADD COLUMN " ORDER_COLUMN ", ADD KEY `kanso_%s_order` (`kanso_order`)",
                     table, table),
        NULL);
}

static const char *add_orders(struct migration *m)
{
    size_t count = 0;
    return each_unordered(m, add_order, &count);
}

static const char *orders_missing(struct migration *m, size_t *count)
{
    return each_unordered(m, count_one, count);
}

/* Indexes -------------------------------------------------------------------------------------------------------- */

/* Kanso's own indexes on ZenML's tables with their columns; those of the order of creation belong to its column. */
static const char OWN_INDEXES[] =
    "SELECT index_name, table_name, CONCAT('(', GROUP_CONCAT(CONCAT('`', column_name, '`', "
    "COALESCE(CONCAT('(', sub_part, ')'), '')) ORDER BY seq_in_index SEPARATOR ', '), ')') "
    "FROM information_schema.statistics WHERE " HERE
    "AND index_name LIKE 'kanso\\_%' AND index_name NOT LIKE 'kanso\\_%\\_order' AND table_name NOT LIKE 'kanso\\_%' "
    "GROUP BY index_name, table_name";

/* Indexes of foreign keys: one column, and the key's name. */
static const char KEY_INDEXES[] =
    "SELECT CONCAT(table_name, ' ', index_name), table_name, index_name, MIN(column_name) "
    "FROM information_schema.statistics WHERE " HERE "AND index_name LIKE 'fk\\_%' "
    "GROUP BY table_name, index_name HAVING COUNT(*) = 1";

/* In a database that ZenML made, the server itself made these indexes, and it drops such a one when a wider one begins
 * with the same column. They are put back, so that the reference's tables stay what they were. */
static const char *restore_indexes(struct migration *m, const struct db_rows *before)
{
    struct db_rows now;
    if (db_run(m->db, m->mem, &now, KEY_INDEXES, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    const char *problem = NULL;
    for (size_t i = 0; !problem && i < before->count; i++) {
        const struct db_value *v = db_row(before, i);
        if (!has_text(&now, v[0].s))
            problem =
                steps_change(m, arena_printf(m->mem, "CREATE INDEX `%s` ON `%s` (`%s`)", v[2].s, v[1].s, v[3].s), NULL);
    }
    return problem;
}

/* What changes in the indexes of one table: in one statement, so that a large table is read once. */
struct additions {
    const char *table, *clauses;
    unsigned count;
    struct additions *next;
};

static void add_clause(struct arena *a, struct additions **all, const char *table, const char *clause)
{
    struct additions **at = all;
    while (*at && !streq((*at)->table, table))
        at = &(*at)->next;
    if (!*at) {
        *at = arena_alloc(a, sizeof **at);
        **at = (struct additions){.table = table, .clauses = ""};
    }
    (*at)->clauses = arena_printf(a, "%s%s%s", (*at)->clauses, (*at)->count ? ", " : "", clause);
    (*at)->count++;
}

/* Takes up CREATE INDEX `name` ON `table` (columns), which is how kanso.sql has them all, unless the database has just
 * that. */
static void add_index(struct arena *a, struct additions **all, const struct db_rows *have, const char *sql)
{
    const char *name = quoted_name(a, sql, 0), *columns = strchr(sql, '('), *old = NULL;
    for (size_t i = 0; i < have->count && !old; i++)
        if (streq(db_row(have, i)[0].s, name))
            old = db_row(have, i)[2].s;
    if (streq(old, columns))
        return;
    add_clause(a, all, quoted_name(a, sql, 1),
               arena_printf(a, "%s%s%sADD INDEX `%s` %s", old ? "DROP INDEX `" : "", old ? name : "", old ? "`, " : "",
                            name, columns));
}

/* Whether kanso.sql makes an index of that name. */
static bool names_index(const char *name)
{
    char head[160];
    snprintf(head, sizeof head, "CREATE INDEX `%s`\n", name);
    return strstr(sql_kanso, head);
}

/* What the database lacks, and what earlier versions of kanso.sql had made, by table; their number. */
static const char *missing_indexes(struct migration *m, struct additions **out, size_t *tables)
{
    struct db_rows have;
    const char *at = sql_kanso, *sql;
    *out = NULL;
    *tables = 0;
    if (db_run(m->db, m->mem, &have, OWN_INDEXES, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    while ((sql = next_statement(m->mem, &at)))
        if (makes_index(sql))
            add_index(m->mem, out, &have, sql);
    for (size_t i = 0; i < have.count; i++)
        if (!names_index(db_row(&have, i)[0].s))
            add_clause(m->mem, out, db_row(&have, i)[1].s,
                       arena_printf(m->mem, "DROP INDEX `%s`", db_row(&have, i)[0].s));
    for (struct additions *i = *out; i; i = i->next)
        ++*tables;
    return NULL;
}

/* One round over the tables that lack indexes; *again when another node has made some of them meanwhile. */
static const char *add_missing(struct migration *m, bool *again)
{
    struct additions *i;
    size_t tables, at = 0;
    const char *problem = missing_indexes(m, &i, &tables);
    for (*again = false; !problem && !*again && i; i = i->next) {
        steps_progress(m, "indexes", i->table, ++at, tables);
        problem = steps_change(m, arena_printf(m->mem, "ALTER TABLE `%s` %s", i->table, i->clauses), again);
        if (!*again)
            m->additions += i->count;
    }
    return problem;
}

static const char *add_indexes(struct migration *m)
{
    struct db_rows before;
    unsigned additions = m->additions;
    const char *problem = NULL;
    bool again = true;
    if (db_run(m->db, m->mem, &before, KEY_INDEXES, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    for (int i = 0; again && i < ROUNDS && !problem; i++)
        problem = add_missing(m, &again);
    return problem || additions == m->additions ? problem : restore_indexes(m, &before);
}

static const char *indexes_missing(struct migration *m, size_t *count)
{
    struct additions *i;
    size_t tables;
    const char *problem = missing_indexes(m, &i, &tables);
    for (; !problem && i; i = i->next)
        *count += i->count;
    return problem;
}

/* The steps ------------------------------------------------------------------------------------------------------ */

static const struct step {
    const char *what;
    const char *(*run)(struct migration *m); /* NULL, or what is wrong */
    /* Counts what is missing, and changes nothing. NULL: there is nothing that could be seen to be missing. */
    const char *(*missing)(struct migration *m, size_t *count);
    const char *without; /* what becomes of a database without it; NULL: Kanso cannot work */
} STEPS[] = {
    {.what = "tables", .run = add_tables, .missing = tables_missing},
    {.what = "collations", .run = match_collations},
    {.what = "columns", .run = add_columns, .missing = columns_missing},
    {.what = "columns", .run = widen_columns, .missing = columns_narrow},
    {.what = "columns", .run = add_orders, .missing = orders_missing},
    {.what = "indexes", .run = add_indexes, .missing = indexes_missing, .without = "lists of many rows will be slow"},
};

static bool lacks_rights(const struct migration *m)
{
    switch (db_errno(m->db)) {
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_SPECIFIC_ACCESS_DENIED_ERROR:
        return true;
    default:
        return false;
    }
}

static const char *rights_sentence(const struct migration *m, const struct step *s)
{
    return arena_printf(
        m->mem,
        "user '%s' may not make Kanso's own %s in database '%s' (%s): let a user with the rights CREATE, "
        "ALTER and INDEX run `kansoctl migrate` once, and set DISABLE_DATABASE_MIGRATION=1 here",
        m->url->user, s->what, m->url->database, db_error(m->db));
}

static void warn(struct migration *m, const char *sentence)
{
    if (m->warn)
        m->warn(sentence);
}

const char *steps_run(struct migration *m)
{
    for (size_t i = 0; i < ARRAY_LEN(STEPS); i++) {
        const struct step *s = &STEPS[i];
        const char *problem = s->run(m);
        if (!problem)
            continue;
        if (!lacks_rights(m))
            return problem;
        problem = rights_sentence(m, s);
        if (!s->without)
            return problem;
        warn(m, arena_printf(m->mem, "%s; without them %s", problem, s->without));
    }
    return NULL;
}

const char *steps_look(struct migration *m)
{
    for (size_t i = 0; i < ARRAY_LEN(STEPS); i++) {
        const struct step *s = &STEPS[i];
        size_t count = 0;
        const char *problem = s->missing ? s->missing(m, &count) : NULL;
        if (problem)
            return problem;
        if (!count)
            continue;
        const char *sentence = arena_printf(m->mem,
                                            "%zu of Kanso's own %s are missing in database '%s', and "
                                            "DISABLE_DATABASE_MIGRATION forbids making them",
                                            count, s->what, m->url->database);
        if (!s->without)
            return sentence;
        warn(m, arena_printf(m->mem, "%s: %s", sentence, s->without));
    }
    return NULL;
}
