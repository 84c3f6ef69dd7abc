/* The generic handlers: list, get, create, update, delete. */
#include "base/log.h"
#include "base/lookup.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "resource/filter.h"
#include "resource/total.h"
#include "resource/view.h"

#include <stdlib.h>
#include <string.h>

const struct resource *resource_named(const char *name)
{
    for (const struct resource *const *r = all_resources; *r; r++)
        if (streq((*r)->name, name))
            return *r;
    return NULL;
}

const struct column *resource_column(const struct resource *r, const char *name)
{
    for (size_t i = 0; i < r->column_count; i++)
        if (streq(r->columns[i].name, name))
            return &r->columns[i];
    return NULL;
}

bool column_is_stored(const struct column *col)
{
    return !col->sql && !col->many && !(col->show && !col->col);
}

const char *column_stored_name(const struct column *col)
{
    return col->col ? col->col : col->name;
}

/* Looking up ----------------------------------------------------------------------------------------------------- */

/* Goes on behind the SELECT part with what finds a row by name or id. */
static void add_lookup(struct query *q, const struct resource *r, const char *name_or_id)
{
    const char *id = uuid_hex(q->mem, name_or_id);
    query_add(q, " FROM `%s` t WHERE %s AND t.%s = ? ORDER BY t.created, t.kanso_order LIMIT 1", r->table,
              r->where ? r->where : "1 = 1", id ? "id" : "name");
    query_param(q, p_text(id ? id : name_or_id));
}

int no_such_row(struct ctx *c, enum exception error, const struct resource *r, const char *name_or_id)
{
    const char *id = uuid_hex(c->mem, name_or_id);
    return fail(c, error, "There is no %s with the %s %s", r->label, id ? "id" : "name",
                id ? uuid_dashed(c->mem, id) : name_or_id);
}

int resource_find(struct ctx *c, const struct resource *r, const char *name_or_id, char hex[33])
{
    struct db_rows found;
    struct query *q = query_new(c->mem);
    query_add(q, "SELECT t.id");
    add_lookup(q, r, name_or_id);
    TRY(query_run(c, q, &found));
    if (found.count == 0)
        return no_such_row(c, EX_KEY, r, name_or_id);
    memcpy(hex, db_row(&found, 0)[0].s, UUID_HEX + 1);
    return OK;
}

int path_within(struct ctx *c, char hex[33])
{
    return resource_find(c, c->route->within, c->param[0], hex);
}

static const char *within_column(struct ctx *c)
{
    return arena_printf(c->mem, "%s_id", c->route->within->name);
}

/* Narrows a list to what stands in the row that the path is within, and reads that row: what stands there shows it. */
static int narrow_within(struct view *v)
{
    struct ctx *c = view_ctx(v);
    const struct resource *r = c->route->within;
    struct query *q = view_query(v, r, D_BODY);
    struct row **rows;
    size_t count;
    add_lookup(q, r, c->param[0]);
    TRY(view_select(v, r, D_BODY, q, &rows, &count));
    if (count == 0)
        return no_such_row(c, EX_KEY, r, c->param[0]);
    const char *column = within_column(c);
    const char *condition = r->flags & X_COMMON ? arena_printf(c->mem, "(t.%s = ? OR t.%s IS NULL)", column, column)
                                                : arena_printf(c->mem, "t.%s = ?", column);
    filter_scope_fixed(c->filter, condition, SQL_PARAMS(p_text(rows[0]->id)));
    return OK;
}

int path_row(struct ctx *c, const struct resource *r, const char **id)
{
    char hex[UUID_HEX + 1];
    *id = c->param[0];
    if (c->route->params[0] == PARAM_ID)
        return OK;
    TRY(resource_find(c, r, c->param[0], hex));
    *id = arena_strdup(c->mem, hex);
    return OK;
}

/* Answering ------------------------------------------------------------------------------------------------------ */

int respond_row_with(struct ctx *c, const struct resource *r, const char *id, unsigned detail, void *data)
{
    struct view *v = view_new(c);
    struct row *row;
    TRY(view_row(v, r, detail, id, &row));
    row->data = data;
    TRY(view_load(v));
    struct jw w = respond_json(c);
    view_write(v, &w, row, detail);
    return OK;
}

int respond_row(struct ctx *c, const struct resource *r, const char *id, unsigned detail)
{
    return respond_row_with(c, r, id, detail, NULL);
}

int resource_member(struct ctx *c)
{
    const struct column *col = resource_column(c->route->resource, c->route->member);
    struct view *v = view_new(c);
    struct row *row;
    TRY(view_row(v, c->route->resource, col->section == S_META ? D_META : D_BODY, c->param[0], &row));
    struct jw w = respond_json(c);
    view_write_column(v, &w, row, col);
    return OK;
}

static bool wants_hydrate(const struct ctx *c)
{
    return !c->query || !member_given(c->query, "hydrate") || member_bool(c->query, "hydrate");
}

int resource_get(struct ctx *c)
{
    const struct resource *r = c->route->resource;
    const char *id;
    TRY(path_row(c, r, &id));
    return respond_row(c, r, id, (wants_hydrate(c) ? D_META : 0) | D_RES);
}

static int count_rows(struct ctx *c, const struct resource *r, int64_t *total)
{
    struct query *q = query_new(c->mem);
    struct db_rows found;
    query_add(q, "SELECT COUNT(*) FROM `%s` t", r->table);
    filter_where(c->filter, r, q);
    TRY(query_run(c, q, &found));
    *total = strtoll(db_row(&found, 0)[0].s, NULL, 10);
    return OK;
}

static int64_t offset_of(const struct filter_query *f)
{
    int64_t offset;
    return __builtin_mul_overflow(f->page - 1, f->size, &offset) ? INT64_MAX : offset;
}

/* Whether whole rows cost little to sort: few of them, plain columns, no documents, no joins. */
static bool sorts_cheaply(const struct resource *r)
{
    for (size_t i = 0; i < r->column_count; i++)
        if (r->columns[i].sql || r->columns[i].enc == E_JSON)
            return false;
    return !r->joins && !(r->flags & X_GROWS);
}

/* Whether the order of creation is asked for, with nothing to be skipped on the way. */
static bool index_has_page_order(const struct resource *r, const struct filter_query *f)
{
    return f->group_count == 0 && (f->ungrouped->text.len == 0 || r->flags & X_SMALL) && streq(f->order, "t.`created`");
}

/* Whether few whole rows are skipped before the page. */
static bool is_near(const struct filter_query *f)
{
    enum { NEAR = 200 };
    return f->page <= NEAR / f->size;
}

/* " ORDER BY key, creation", which the indexes in kanso.sql have in this order, from the columns of `from`. */
static void add_order(struct query *q, const struct filter_query *f, const char *key, const char *from)
{
    const char *direction = f->descending ? "DESC" : "ASC";
    query_add(q, " ORDER BY %s %s", key, direction);
    if (streq(f->order, "t.`id`"))
        return;
    if (!streq(f->order, "t.`created`"))
        query_add(q, ", %s.created %s", from, direction);
    query_add(q, ", %s.kanso_order %s", from, direction);
}

/* Whose index of creation somebody has dropped, as far as this process has noticed: by rank. */
static bool index_is_missing[MAX_RANK];

/* " FROM table t"; `walk`: read along the index of creation. */
static void add_table(struct query *q, const struct resource *r, bool walk)
{
    query_add(q, " FROM `%s` t", r->table);
    if (walk)
        query_add(q, " FORCE INDEX FOR ORDER BY (kanso_%s_created)", r->table);
}

/* The values of a column by which a page can be found in parts: none when they are not known or not few. */
static int find_parts(struct ctx *c, const struct filter_query *f, struct db_rows *parts)
{
    enum { FEW = 8, FAR = 2000 };
    struct query *q = query_new(c->mem);
    *parts = (struct db_rows){0};
    if (!f->part || !streq(f->order, "t.`created`") || f->page > FAR / f->size)
        return OK;
    query_add(q, "SELECT x.id FROM %s WHERE ", f->part->parts);
    query_with(q, f->compared->text.data, f->compared->params, f->compared->count);
    query_with(q, " LIMIT ?", SQL_PARAMS(p_int(FEW + 1)));
    TRY(query_run(c, q, parts));
    parts->count = parts->count > FEW ? 0 : parts->count;
    return OK;
}

static void add_limit(struct query *q, int64_t size, int64_t offset)
{
    query_with(q, " LIMIT ? OFFSET ?", SQL_PARAMS(p_int(size), p_int(offset)));
}

/* The ids of the page, with what they are sorted by: of all rows, or of the first ones of each part. */
static void add_ids(struct query *q, const struct resource *r, const struct filter_query *f, bool walk,
                    const struct db_rows *parts)
{
    const char *direction = f->descending ? "DESC" : "ASC";
    bool many = parts->count > 1;
    for (size_t i = 0; i == 0 || i < parts->count; i++) {
        buf_adds(&q->text, i ? " UNION ALL " : many ? "(" : "");
        query_add(q, "(SELECT t.id, t.created, t.kanso_order, %s AS sort_key", f->order);
        add_table(q, r, walk);
        filter_where(f, r, q);
        if (parts->count)
            query_with(q, arena_printf(q->mem, " AND %s = ?", f->part->part), SQL_PARAMS(p_text(db_row(parts, i)->s)));
        add_order(q, f, f->order, "t");
        add_limit(q, many ? offset_of(f) + f->size : f->size, many ? 0 : offset_of(f));
        buf_addc(&q->text, ')');
    }
    if (many) {
        query_add(q, " ORDER BY sort_key %s, kanso_order %s", direction, direction);
        add_limit(q, f->size, offset_of(f));
        buf_addc(&q->text, ')');
    }
}

/*
 * The rows of the page, and with them the number of all rows: one statement, unless the page is beyond the last.
 *
 * It has one of two forms, by what makes it cheap:
 *
 *  - Whole rows at once: when nothing is filtered and the page is near the beginning in order of creation, read along
 *    the index; or when rows are few and narrow, sorted as they are.
 *  - Otherwise ids and sort key of the page are found first, which takes no more than an index where kanso.sql has one,
 *    and only those rows are joined and read whole. Sorted whole, documents of megabytes each would be carried through
 *    the sort, on disk, for a page of twenty. The outer query sorts again, since a join keeps no order.
 *
 * Where a filter leaves few values of a column that an index begins with (find_parts()), and the order is that of
 * creation, the ids come from the beginning of that index for each value: no more than the page and what is before it.
 *
 * Where the index of creation has the order, the database has to be told so: for a table of a few hundred rows it would
 * read and sort all of it, and go on doing so as the table grows until its statistics are renewed. Should somebody have
 * dropped the index, the hint is an error, once.
 *
 * A page is found by its offset, as clients ask for it; ties are broken by creation, or rows of one second would change
 * their places between two pages, and be seen twice or never.
 */
static int select_page(struct view *v, const struct resource *r, unsigned detail, struct row ***rows, size_t *count,
                       int64_t *total)
{
    struct ctx *c = view_ctx(v);
    const struct filter_query *f = c->filter;
    struct query *q = view_query(v, r, detail);
    struct total counted;
    struct db_rows parts;
    TRY(find_parts(c, f, &parts));
    query_add(q, ", ");
    total_ask(c, r, f, q, &counted);
    bool walk = index_has_page_order(r, f) && !index_is_missing[r->rank];
    if ((walk && is_near(f) && !r->joins) || sorts_cheaply(r)) {
        add_table(q, r, walk && is_near(f));
        query_joins(q, r, detail);
        filter_where(f, r, q);
        add_order(q, f, f->order, "t");
        add_limit(q, f->size, offset_of(f));
    } else { /* the ids of the page first: only they are joined and read whole */
        query_add(q, " FROM ");
        add_ids(q, r, f, walk, &parts);
        query_add(q, " k STRAIGHT_JOIN `%s` t ON t.id = k.id", r->table);
        query_joins(q, r, detail);
        add_order(q, f, "k.sort_key", "k");
    }
    int rc = view_select(v, r, detail, q, rows, count);
    if (rc == FAILED && walk && db_errno(c->db) == DB_NO_SUCH_INDEX) {
        log_warn("the index kanso_%s_created is missing: pages of %s are slower; kansoctl migrate makes it", r->table,
                 r->table);
        index_is_missing[r->rank] = true;
        return RETRY;
    }
    TRY(rc);
    if (*count)
        return total_read(c, &counted, view_extra(v), total);
    if (f->page > 1)
        return count_rows(c, r, total);
    return OK;
}

static void write_page(struct view *v, unsigned detail, struct row **rows, size_t count, int64_t total)
{
    struct ctx *c = view_ctx(v);
    struct jw w = respond_json(c);
    view_open_page(&w, c->filter->page, c->filter->size, total);
    for (size_t i = 0; i < count; i++)
        view_write(v, &w, rows[i], detail);
    jw_close(&w, ']');
    jw_close(&w, '}');
}

int resource_list(struct ctx *c)
{
    const struct resource *r = c->route->resource;
    struct filter_query *f = c->filter;
    int64_t total = 0;
    struct view *v = view_new(c);
    if (c->route->within)
        TRY(narrow_within(v));
    if (r->scope)
        TRY(r->scope(c, f));
    unsigned detail = (f->hydrate ? D_META : 0) | D_RES;
    struct row **rows;
    size_t count;
    TRY(select_page(v, r, detail, &rows, &count, &total));
    int64_t pages = total == 0 ? 1 : (total + f->size - 1) / f->size;
    if (f->page > pages)
        return fail(c, EX_VALUE, "There is no page %lld: with %lld entries per page, the %lld entries fill %lld pages",
                    (long long)f->page, (long long)f->size, (long long)total, (long long)pages);
    TRY(view_load(v));
    write_page(v, detail, rows, count, total);
    return OK;
}

/* Encoding ------------------------------------------------------------------------------------------------------- */

static bool is_empty(struct json_object *v)
{
    return (json_object_is_type(v, json_type_object) && json_object_object_length(v) == 0) ||
           (json_object_is_type(v, json_type_array) && json_object_array_length(v) == 0) ||
           (json_object_is_type(v, json_type_string) && json_object_get_string_len(v) == 0);
}

static struct db_param encode_text(struct arena *a, struct json_object *v)
{
    size_t len = (size_t)json_object_get_string_len(v);
    return p_textn(arena_strndup(a, json_object_get_string(v), len), len);
}

struct db_param encode_value(struct arena *a, const struct column *col, struct json_object *v)
{
    if (!v && col->flags & C_NULL_EMPTY)
        return p_text("");
    if ((!v && !(col->flags & C_JSON_NULL)) || (v && col->flags & C_EMPTY_NULL && is_empty(v)))
        return p_null();
    switch (col->enc) {
    case E_UUID:
        return p_text(uuid_hex(a, json_object_get_string(v)));
    case E_BOOL:
        return p_int(json_object_get_boolean(v));
    case E_INT:
        return p_int(json_object_get_int64(v));
    case E_TEXT:
    case E_STAMP:
    case E_FLOAT:
    case E_DURATION:
        return json_object_is_type(v, json_type_string) ? encode_text(a, v) : p_text(json_text(a, v, false));
    case E_JSON:
    case E_B64: {
        const char *text = json_text(a, v, !(col->flags & C_COMPACT));
        return p_text(col->enc == E_B64 ? base64_encode(a, text, strlen(text)) : text);
    }
    }
    return p_null();
}

/* Writing -------------------------------------------------------------------------------------------------------- */

/* The place of the column's assignment; set_count: there is none. */
static size_t place_of(const struct write *w, const char *col)
{
    size_t i = 0;
    while (i < w->set_count && !streq(w->set[i].col, col))
        i++;
    return i;
}

static bool assigned(const struct write *w, const char *col)
{
    return place_of(w, col) < w->set_count;
}

void write_set(struct write *w, const char *col, struct db_param value)
{
    size_t i = place_of(w, col);
    if (i == ARRAY_LEN(w->set))
        abort();
    w->set[i] = (struct assignment){col, value};
    w->set_count += i == w->set_count;
}

const char *write_get(const struct write *w, const char *col)
{
    size_t i = place_of(w, col);
    return i < w->set_count && w->set[i].value.type == P_TEXT ? w->set[i].value.s : NULL;
}

/* Assignments for the members of the body that have a column. */
static void assign_members(struct write *w, bool update)
{
    const struct resource *r = w->res;
    for (size_t i = 0; i < r->column_count; i++) {
        const struct column *col = &r->columns[i];
        const char *name = col->request_name ? col->request_name : col->name, *sql_name = column_stored_name(col);
        if (!column_is_stored(col) || col->flags & C_READONLY || (update && col->flags & C_NO_UPDATE))
            continue;
        if (!r->body || !model_field(r->body, name))
            continue;
        struct json_object *v = member(w->body, name);
        bool given = member_given(w->body, name);
        if (update && !(given && (v || r->flags & X_UPDATE_NULLS)) && !(col->flags & C_ALWAYS))
            continue;
        if (!assigned(w, sql_name))
            write_set(w, sql_name, encode_value(w->c->mem, col, v));
    }
}

/* References ----------------------------------------------------------------------------------------------------- */

/* One statement that selects each row's id in a column of its own: NULL where there is none. The shared lock keeps the
 * row until the commit; a look without it could be outdated before the INSERT, and then a row that refers to nothing
 * would stay, as foreign keys may be missing. */
int references_lock(struct ctx *c, const struct reference *refs, size_t count)
{
    struct query *q = query_new(c->mem);
    struct db_rows found;
    for (size_t i = 0; i < count; i++) {
        if (!refs[i].id)
            continue;
        query_add(q, "%s(SELECT id FROM `%s` WHERE id = ? LOCK IN SHARE MODE)", q->count ? ", " : "SELECT ",
                  refs[i].to->table);
        query_param(q, p_text(refs[i].id));
    }
    if (!q->count)
        return OK;
    TRY(query_run(c, q, &found));
    for (size_t i = 0, at = 0; i < count; i++)
        if (refs[i].id && !db_row(&found, 0)[at++].s)
            return no_such_row(c, refs[i].error, refs[i].to, refs[i].id);
    return OK;
}

int references_found(struct ctx *c, const struct resource *to, const char *const *ids, size_t count,
                     const struct db_rows *found)
{
    const struct lookup *there = sql_by_first_column(c->mem, found);
    for (size_t i = 0; i < count; i++)
        if (!lookup_get(there, ids[i]))
            return no_such_row(c, EX_KEY, to, ids[i]);
    return OK;
}

int references_lock_all(struct ctx *c, const struct resource *to, const char *const *ids, size_t count)
{
    struct db_rows rows;
    const char *text = arena_printf(c->mem, "SELECT id FROM `%s` WHERE id IN %%s LOCK IN SHARE MODE", to->table);
    TRY(sql_in(c, &rows, text, ids, count, NULL, 0));
    return references_found(c, to, ids, count, &rows);
}

/* What an SQL column refers to; NULL: nothing. */
static const struct resource *target_of(const struct resource *r, const char *sql_name)
{
    for (size_t i = 0; i < r->column_count; i++) {
        const struct column *col = &r->columns[i];
        if ((col->ref || col->target) && !col->sql && streq(column_stored_name(col), sql_name))
            return col->ref ? col->ref : col->target;
    }
    return NULL;
}

/* Databases may lack foreign keys, or not enforce all of them. */
static int lock_references(struct write *w)
{
    struct reference refs[ARRAY_LEN(w->set)];
    size_t count = 0;
    for (size_t i = 0; i < w->set_count; i++) {
        const struct resource *to = target_of(w->res, w->set[i].col);
        if (to && w->set[i].value.type == P_TEXT)
            refs[count++] = (struct reference){to, w->set[i].value.s, EX_VALUE};
    }
    return references_lock(w->c, refs, count);
}

int row_lock(struct ctx *c, const struct resource *r, const char *id)
{
    const char *found;
    TRY(sql_value(c, &found, arena_printf(c->mem, "SELECT id FROM `%s` WHERE id = ? FOR UPDATE", r->table),
                  p_text(id)));
    return found ? OK : no_such_row(c, EX_KEY, r, id);
}

/* An INSERT or UPDATE with the assignments. */
static struct query *assigning(const struct write *w, const char *verb)
{
    struct query *q = query_new(w->c->mem);
    query_add(q, "%s `%s` SET ", verb, w->res->table);
    for (size_t i = 0; i < w->set_count; i++) {
        struct db_param value = w->set[i].value;
        value.column = w->set[i].col;
        query_add(q, "%s`%s` = ?", i ? ", " : "", value.column);
        query_param(q, value);
    }
    return q;
}

/* By the name that the row had before it was changed, or is to have. */
static void record(const struct write *w, enum change change)
{
    if (!w->c->recorder)
        return;
    const struct column *col = resource_column(w->res, "name");
    const char *name = w->old && col ? w->old->values[col - w->res->columns].s : write_get(w, "name");
    w->c->recorder->changed(w->c, w->res, w->id, name, change);
}

int write_insert(struct write *w)
{
    TRY(lock_references(w));
    const char *now = stamp_made(w->c->mem);
    write_set(w, "id", p_text(w->id));
    write_set(w, "created", p_text(now));
    write_set(w, "updated", p_text(now));
    int rc = query_run(w->c, assigning(w, "INSERT INTO"), NULL);
    if (rc == FAILED && w->c->res.status == 409)
        w->result = WRITE_TAKEN;
    if (rc == OK)
        record(w, CREATED);
    return rc;
}

int write_flush_update(struct write *w)
{
    TRY(lock_references(w));
    write_set(w, "updated", p_text(stamp_made(w->c->mem)));
    struct query *q = assigning(w, "UPDATE");
    query_with(q, " WHERE id = ?", SQL_PARAMS(p_text(w->id)));
    TRY(query_run(w->c, q, NULL));
    record(w, UPDATED);
    return OK;
}

int write_lock(struct write *w, const char *hex)
{
    TRY(view_lock_row(view_new(w->c), w->res, hex, &w->old));
    memcpy(w->id, hex, UUID_HEX + 1);
    return OK;
}

/* The value that a column will have after this write. */
static struct db_param future_value(const struct write *w, const char *col)
{
    if (assigned(w, col))
        return w->set[place_of(w, col)].value;
    for (size_t i = 0; w->old && i < w->res->column_count; i++) {
        const struct column *k = &w->res->columns[i];
        if (!k->sql && streq(column_stored_name(k), col))
            return p_textn(w->old->values[i].s, w->old->values[i].len);
    }
    return p_null();
}

int name_guard(struct ctx *c, const char *resource, const char *scope, const char *name)
{
    return sql(
        c, NULL,
        "INSERT INTO kanso_name_guard (resource, scope, name) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE name = name",
        p_text(resource), p_text(scope), p_text(name ? name : ""));
}

int name_guard_release(struct ctx *c, const char *resource, const char *scope, const char *name)
{
    return sql(c, NULL, "DELETE FROM kanso_name_guard WHERE resource = ? AND scope = ? AND name = ?", p_text(resource),
               p_text(scope), p_text(name ? name : ""));
}

int write_taken(struct write *w, const struct unique *u)
{
    struct db_param name = future_value(w, u->columns[0]);
    w->result = WRITE_TAKEN;
    return fail(w->c, u->error, "There is a %s named '%s' already", w->res->label, name.type == P_TEXT ? name.s : "");
}

/* What the name is unique within: the values of the key's other columns. */
static const char *scope_of(const struct write *w, const struct unique *u)
{
    const char *scope = "";
    for (size_t i = 1; u->columns[i]; i++) {
        struct db_param p = future_value(w, u->columns[i]);
        scope = arena_printf(w->c->mem, "%s%s%s", scope, *scope ? "/" : "", p.type == P_TEXT ? p.s : "-");
    }
    return scope;
}

/*
 * Takes the guard of a key, then looks for a row that has it.
 *
 * The reference's tables have hardly any unique keys, and rows of old databases may break one, so none can be added.
 * Without the guard two requests would look, both find nothing, and both insert. The order matters: whoever looks first
 * and waits for the guard afterwards has looked before the other's commit. The row of the guard is deleted again in the
 * same transaction (write_release_key()), so the table stays empty; its lock lasts until the commit all the same.
 *
 * NULL is a value of a key here (<=>). The scope in the guard tells keys apart by everything but the name, in the
 * database's own collation, which decides what is the same name.
 */
int write_unique_key(struct write *w, const struct unique *u)
{
    struct ctx *c = w->c;
    struct db_rows found;
    if (!u->columns[0])
        return OK;
    struct query *q = query_new(c->mem);
    query_add(q, "SELECT id FROM `%s` t WHERE %s", w->res->table, w->res->where ? w->res->where : "1 = 1");
    for (size_t i = 0; u->columns[i]; i++) {
        query_add(q, " AND `%s` <=> ?", u->columns[i]);
        query_param(q, future_value(w, u->columns[i]));
    }
    query_with(q, " AND id <> ? LIMIT 1", SQL_PARAMS(p_text(w->id)));
    TRY(name_guard(c, w->res->name, scope_of(w, u), future_value(w, u->columns[0]).s));
    TRY(query_run(c, q, &found));
    return found.count ? write_taken(w, u) : OK;
}

int write_unique(struct write *w)
{
    return write_unique_key(w, &w->res->unique);
}

int write_release_key(struct write *w, const struct unique *u)
{
    return u->columns[0] ? name_guard_release(w->c, w->res->name, scope_of(w, u), future_value(w, u->columns[0]).s)
                         : OK;
}

/* What the path is within is where the row goes; a body that names another one is refused. */
int write_within(struct write *w)
{
    struct ctx *c = w->c;
    const struct resource *r = c->route->within;
    char hex[UUID_HEX + 1];
    if (!r || assigned(w, within_column(c)))
        return OK;
    TRY(path_within(c, hex));
    const char *given = member_str(w->body, r->name);
    if (given && !streq(hex, uuid_hex(c->mem, given)))
        return fail(c, EX_ILLEGAL_OPERATION, "The %s %s of the body is not the one of the path", r->label, given);
    write_set(w, within_column(c), p_text(arena_strdup(c->mem, hex)));
    return OK;
}

int write_add(struct write *w)
{
    uuid_new(w->id);
    TRY(write_unique(w));
    TRY(write_insert(w));
    return write_release_key(w, &w->res->unique);
}

static int check_owner(struct write *w)
{
    const char *given = member_str(w->body, "user");
    if (w->res->flags & X_OWNER && given && !streq(uuid_hex(w->c->mem, given), w->c->auth->user_id))
        return fail(w->c, EX_ILLEGAL_OPERATION, "A %s can only be created for oneself, not for the user %s",
                    w->res->label, given);
    return OK;
}

static int check_name(struct write *w)
{
    struct json_object *v = member(w->body, "name");
    const char *name = v ? json_object_get_string(v) : NULL;
    if (w->res->flags & X_NAME_RULE && name && (!*name || strpbrk(name, "\t\n\r\v\f")))
        return fail(w->c, EX_VALUE, "The name '%s' of a %s must not be empty or hold tabs or line breaks", name,
                    w->res->label);
    return OK;
}

/* Hooks that a resource does not have are NULL. */
static int run_hook(struct write *w, int (*hook)(struct write *))
{
    return hook ? hook(w) : OK;
}

/* Brings along what hangs on the row. */
static int follow(struct write *w, enum change change)
{
    for (size_t i = 0; i < w->res->column_count; i++) {
        const struct resource *many = w->res->columns[i].many;
        if (many && many->attached.follow)
            TRY(many->attached.follow(w, change));
    }
    return OK;
}

int write_create_within(struct write *w)
{
    const struct resource *r = w->res;
    if (!*w->id)
        uuid_new(w->id);
    assign_members(w, false);
    TRY(write_unique(w));
    TRY(run_hook(w, r->before_create));
    if (w->result == WRITE_FOUND)
        return OK;
    TRY(write_insert(w));
    TRY(run_hook(w, r->after_create));
    TRY(follow(w, CREATED));
    return write_release_key(w, &r->unique);
}

int write_create(struct write *w)
{
    uuid_new(w->id);
    TRY(write_within(w));
    TRY(run_hook(w, w->res->check_create));
    TRY(check_owner(w));
    TRY(check_name(w));
    TRY(sql_begin(w->c));
    TRY(write_create_within(w));
    if (w->result != WRITE_FOUND)
        return sql_commit(w->c);
    db_rollback(w->c->db);
    return OK;
}

int resource_create(struct ctx *c)
{
    struct write w = {.c = c, .res = c->route->resource, .body = c->body};
    unsigned shown = c->route->flags & R_BARE ? D_META : D_META | D_RES;
    TRY(write_create(&w));
    return respond_row(c, w.res, w.id, w.result == WRITE_FOUND ? D_BODY : shown);
}

/* The row is locked before anything is checked against it: what before_update sees is what is changed. Locks that must
 * come before the row's own, by the order that all requests take them in, are before_lock's; taken behind it, two
 * requests could wait for each other. */
int write_update(struct write *w, const char *hex)
{
    const struct resource *r = w->res;
    TRY(sql_begin(w->c));
    TRY(run_hook(w, r->before_lock));
    TRY(write_lock(w, hex));
    TRY(run_hook(w, r->before_update));
    assign_members(w, true);
    bool renamed = r->unique.on_update && assigned(w, r->unique.columns[0]);
    TRY(renamed ? write_unique(w) : OK);
    TRY(write_flush_update(w));
    TRY(run_hook(w, r->after_update));
    TRY(follow(w, UPDATED));
    TRY(renamed ? write_release_key(w, &r->unique) : OK);
    return sql_commit(w->c);
}

int resource_update(struct ctx *c)
{
    struct write w = {.c = c, .res = c->route->resource, .body = c->body};
    const char *id;
    TRY(path_row(c, w.res, &id));
    TRY(write_update(&w, id));
    return respond_row(c, w.res, w.id, D_META | D_RES);
}

static int delete_row(struct write *w)
{
    TRY(sql(w->c, NULL, arena_printf(w->c->mem, "DELETE FROM `%s` WHERE id = ?", w->res->table), p_text(w->id)));
    TRY(total_deleted(w->c));
    record(w, DELETED);
    return OK;
}

int write_delete_within(struct write *w)
{
    TRY(run_hook(w, w->res->before_delete));
    TRY(follow(w, DELETED));
    return delete_row(w);
}

int resource_delete_row(struct ctx *c, const char *id)
{
    struct write w = {.c = c, .res = c->route->resource};
    TRY(sql_begin(c));
    TRY(write_lock(&w, id));
    TRY(write_delete_within(&w));
    TRY(sql_commit(c));
    return respond_null(c);
}

int resource_delete(struct ctx *c)
{
    const char *id;
    TRY(path_row(c, c->route->resource, &id));
    return resource_delete_row(c, id);
}
