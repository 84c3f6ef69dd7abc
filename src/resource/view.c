#include "resource/view.h"

#include "base/log.h"
#include "base/lookup.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "resource/stored.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct list {
    void **items;
    size_t count, room;
};

struct set {
    const struct resource *res;
    struct list rows; /* loaded, in order */
    size_t seen;      /* rows whose references have been followed */
    struct list wants;
    struct list parents;      /* rows that these hang on, which have not been fetched for them yet */
    unsigned attached_detail; /* of what is fetched for them */
};

struct view {
    struct ctx *c;
    struct arena *mem;
    struct set sets[MAX_RANK];
    struct lookup *rows; /* by id: the first of that id */
    uint64_t left_out;   /* ranks that are not loaded */
    const char *extra;   /* see view_extra() */
    bool loading;        /* in view_load(): what is added is nested */
    bool no_envelopes;   /* see view_no_envelopes() */
    unsigned depth;      /* of the envelope that is being written */
};

static void list_add(struct arena *mem, struct list *l, const void *item)
{
    l->items = arena_grow(mem, l->items, l->count, &l->room, sizeof *l->items);
    l->items[l->count++] = (void *)(uintptr_t)item;
}

struct ctx *view_ctx(const struct view *v)
{
    return v->c;
}

/* Rows ----------------------------------------------------------------------------------------------------------- */

struct row *view_find(const struct view *v, const struct resource *r, const char *id)
{
    struct row *row = id ? lookup_get(v->rows, id) : NULL;
    while (row && row->res != r)
        row = row->same_id;
    return row;
}

struct row *view_add(struct view *v, const struct resource *r, const char *id, unsigned detail, struct db_value *values)
{
    struct row *row = view_find(v, r, id);
    if (row) {
        if ((detail & ~row->detail) != 0) {
            row->values = values;
            row->detail |= detail;
        }
        row->nested = row->nested || v->loading;
        return row;
    }
    row = arena_alloc(v->mem, sizeof *row);
    *row = (struct row){.res = r, .id = id, .detail = detail, .values = values, .nested = v->loading};
    if (!lookup_add(v->rows, id, row)) {
        struct row *first = lookup_get(v->rows, id);
        row->same_id = first->same_id;
        first->same_id = row;
    }
    struct set *s = &v->sets[r->rank];
    s->res = r;
    list_add(v->mem, &s->rows, row);
    return row;
}

struct view *view_new(struct ctx *c)
{
    struct view *v = arena_alloc(c->mem, sizeof *v);
    v->c = c;
    v->mem = c->mem;
    v->rows = lookup_new(c->mem);
    return v;
}

/* Names are asked for row after row, from the same places of the program: those are remembered, by the address of the
 * text, which is a constant there. The name is compared all the same: another text may lie at that address. */
static size_t column_index(const struct resource *r, const char *name)
{
    enum { PLACES = 256 };
    static struct {
        const struct resource *of;
        size_t index;
    } known[PLACES];
    size_t at = (((uintptr_t)name >> 2) ^ ((uintptr_t)r >> 6)) % PLACES;
    if (known[at].of == r && strcmp(r->columns[known[at].index].name, name) == 0)
        return known[at].index;
    for (size_t i = 0; i < r->column_count; i++)
        if (strcmp(r->columns[i].name, name) == 0) {
            known[at].of = r;
            known[at].index = i;
            return i;
        }
    log_error("resource %s has no column %s", r->name, name);
    abort();
}

struct db_value row_value(const struct row *row, const char *name)
{
    return row->values[column_index(row->res, name)];
}

const char *row_str(const struct row *row, const char *name)
{
    return row_value(row, name).s;
}

bool row_bool(const struct row *row, const char *name)
{
    const char *s = row_str(row, name);
    return s && *s != '0';
}

void row_set(struct row *row, const char *name, const char *value)
{
    row->values[column_index(row->res, name)] = (struct db_value){value, value ? strlen(value) : 0};
}

struct span row_span(const struct row *row, const char *name)
{
    struct db_value v = row_value(row, name);
    return value_span(&v);
}

/* Selecting ------------------------------------------------------------------------------------------------------ */

static bool shown(const struct column *col, unsigned detail)
{
    return col->section == S_BODY || (col->section == S_META && detail & D_META) ||
           (col->section == S_RES && detail & D_RES);
}

static bool selected(const struct column *col, unsigned detail)
{
    if (!col->sql && !column_is_stored(col))
        return false;
    return detail & D_ALL || col->flags & C_LOAD || (col->flags & C_LOAD_META && detail & D_META) ||
           col->section == S_TOP || shown(col, detail);
}

const char *column_sql(struct arena *a, const struct column *col)
{
    return col->sql ? col->sql : arena_printf(a, "t.`%s`", column_stored_name(col));
}

/* The column whose row is read along, by a join; NULL when there is none at this detail. */
static const struct column *joined_column(const struct resource *r, unsigned detail)
{
    for (size_t i = 0; i < r->column_count; i++)
        if (r->columns[i].flags & C_JOINED && shown(&r->columns[i], detail))
            return &r->columns[i];
    return NULL;
}

static void select_columns(struct query *q, const struct resource *r, unsigned detail, const char *alias)
{
    for (size_t i = 0; i < r->column_count; i++) {
        const struct column *col = &r->columns[i];
        if (!selected(col, detail))
            continue;
        buf_adds(&q->text, q->text.len ? ", " : "SELECT ");
        if (col->sql)
            buf_adds(&q->text, col->sql);
        else
            query_add(q, "%s.`%s`", alias, column_stored_name(col));
    }
}

struct query *view_query(struct view *v, const struct resource *r, unsigned detail)
{
    struct query *q = query_new(v->mem);
    const struct column *joined = joined_column(r, detail);
    select_columns(q, r, detail, "t");
    if (joined)
        select_columns(q, joined->ref, D_BODY, "joined");
    return q;
}

void query_joins(struct query *q, const struct resource *r, unsigned detail)
{
    const struct column *joined = joined_column(r, detail);
    if (r->joins)
        query_add(q, " %s", r->joins);
    if (joined)
        query_add(q, " LEFT JOIN `%s` joined ON joined.id = t.`%s`", joined->ref->table, joined->col);
}

void query_from(struct query *q, const struct resource *r, unsigned detail)
{
    query_add(q, " FROM `%s` t", r->table);
    query_joins(q, r, detail);
}

/* Spreads the values of a result over the places of the columns in the description; what stands behind them in *rest.
 */
static struct db_value *scatter(struct arena *a, const struct resource *r, unsigned detail, const struct db_value *from,
                                const struct db_value **rest)
{
    struct db_value *to = arena_array(a, r->column_count, sizeof *to);
    for (size_t i = 0; i < r->column_count; i++)
        if (selected(&r->columns[i], detail))
            to[i] = *from++;
    *rest = from;
    return to;
}

struct db_value *view_scatter_columns(struct arena *a, const struct resource *r, unsigned detail,
                                      const struct db_value *from)
{
    return scatter(a, r, detail, from, &from);
}

/* Adds a row of a result of view_query(), and the one that was joined to it. */
static struct row *add_result(struct view *v, const struct resource *r, unsigned detail, const struct db_value *values)
{
    const struct column *joined = joined_column(r, detail);
    const struct db_value *rest;
    struct row *row = view_add(v, r, values[0].s, detail, scatter(v->mem, r, detail, values, &rest));
    if (joined && rest[0].s && !view_find(v, joined->ref, rest[0].s))
        view_add(v, joined->ref, rest[0].s, D_BODY, view_scatter_columns(v->mem, joined->ref, D_BODY, rest));
    return row;
}

int view_select(struct view *v, const struct resource *r, unsigned detail, struct query *q, struct row ***rows,
                size_t *count)
{
    struct db_rows found;
    TRY(query_run(v->c, q, &found));
    *rows = arena_array(v->mem, found.count, sizeof **rows);
    *count = found.count;
    for (size_t i = 0; i < found.count; i++)
        (*rows)[i] = add_result(v, r, detail, db_row(&found, i));
    v->extra = found.count ? db_row(&found, 0)[found.columns - 1].s : NULL;
    return OK;
}

static int select_row(struct view *v, const struct resource *r, unsigned detail, const char *id, const char *lock,
                      struct row **out)
{
    struct query *q = view_query(v, r, detail);
    struct row **rows;
    size_t count;
    query_from(q, r, detail);
    query_add(q, " WHERE %s AND t.id = ?%s", r->where ? r->where : "1 = 1", lock);
    query_param(q, p_text(id));
    TRY(view_select(v, r, detail, q, &rows, &count));
    if (count == 0)
        return no_such_row(v->c, EX_KEY, r, id);
    *out = rows[0];
    return OK;
}

int view_row(struct view *v, const struct resource *r, unsigned detail, const char *id, struct row **out)
{
    return select_row(v, r, detail, id, "", out);
}

int view_lock_row(struct view *v, const struct resource *r, const char *id, struct row **out)
{
    return select_row(v, r, D_ALL, id, " FOR UPDATE", out);
}

const char *view_extra(const struct view *v)
{
    return v->extra;
}

void view_exclude(struct view *v, const struct resource *r)
{
    v->left_out |= (uint64_t)1 << r->rank;
}

void view_no_envelopes(struct view *v)
{
    v->no_envelopes = true;
}

static bool is_left_out(const struct view *v, const struct resource *r)
{
    return v->left_out >> r->rank & 1;
}

void view_request(struct view *v, const struct resource *r, const char *id)
{
    if (!id || is_left_out(v, r))
        return;
    struct set *s = &v->sets[r->rank];
    s->res = r;
    struct row *row = view_find(v, r, id);
    if (row)
        row->nested = true;
    else
        list_add(v->mem, &s->wants, id);
}

/* Sorts and removes doubles. */
static size_t distinct(const char **ids, size_t count)
{
    size_t n = 0;
    qsort(ids, count, sizeof *ids, text_order);
    for (size_t i = 0; i < count; i++)
        if (n == 0 || strcmp(ids[n - 1], ids[i]) != 0)
            ids[n++] = ids[i];
    return n;
}

int view_fetch(struct view *v, const struct resource *r, unsigned detail, const char *const *ids, size_t count)
{
    struct query *q = view_query(v, r, detail);
    struct db_rows found;
    query_from(q, r, detail);
    query_add(q, " WHERE t.id IN %%s");
    TRY(sql_in(v->c, &found, q->text.data, ids, count, NULL, 0));
    for (size_t i = 0; i < found.count; i++)
        add_result(v, r, detail, db_row(&found, i));
    return OK;
}

static int fetch_wanted(struct view *v, struct set *s)
{
    const char **ids = (const char **)s->wants.items;
    size_t count = distinct(ids, s->wants.count);
    s->wants = (struct list){0};
    return view_fetch(v, s->res, D_BODY, ids, count);
}

struct link *view_add_link(struct view *v, struct row *parent, int slot, const char *id, const char *key,
                           struct db_value *values)
{
    struct link *link = arena_alloc(v->mem, sizeof *link);
    *link = (struct link){.id = id, .key = key, .values = values};
    if (!parent->link_ends[slot])
        parent->link_ends[slot] = &parent->links[slot];
    *parent->link_ends[slot] = link;
    parent->link_ends[slot] = &link->next;
    return link;
}

static const char **ids_of(struct view *v, struct row **rows, size_t count)
{
    const char **ids = arena_array(v->mem, count + 1, sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = rows[i]->id;
    return ids;
}

int view_links(struct view *v, struct row **parents, size_t count, int slot, const struct resource *child,
               const char *text)
{
    struct db_rows found;
    TRY(sql_in(v->c, &found, text, ids_of(v, parents, count), count, NULL, 0));
    for (size_t i = 0; i < found.count; i++) {
        struct db_value *values = db_row(&found, i);
        struct row *parent = view_find(v, parents[0]->res, values[0].s);
        if (!parent)
            continue;
        view_add_link(v, parent, slot, values[1].s, found.columns > 2 ? values[2].s : NULL, values);
        if (child)
            view_request(v, child, values[1].s);
    }
    return OK;
}

/* Fetches rows of `child` together with the parent that each hangs on, and links them. */
static int fetch_hanging(struct view *v, const char **ids, size_t count, int slot, const struct resource *child,
                         unsigned detail, const char *from, const char *parent_column, const char *order)
{
    struct query *q = view_query(v, child, detail);
    struct db_rows found;
    query_add(q, ", %s FROM %s", parent_column, from ? from : arena_printf(v->mem, "`%s` t", child->table));
    query_joins(q, child, detail);
    query_add(q, " WHERE %s IN %%s ORDER BY %s", parent_column, order);
    TRY(sql_in(v->c, &found, q->text.data, ids, count, NULL, 0));
    for (size_t i = 0; i < found.count; i++) {
        const struct db_value *values = db_row(&found, i);
        struct row *row = add_result(v, child, detail, values);
        struct row *parent = lookup_get(v->rows, values[found.columns - 1].s);
        if (parent)
            view_add_link(v, parent, slot, row->id, NULL, NULL);
    }
    return OK;
}

int view_children(struct view *v, struct row **parents, size_t count, int slot, const struct resource *child,
                  const char *from, const char *parent_column, const char *order)
{
    return is_left_out(v, child) || !count
               ? OK
               : fetch_hanging(v, ids_of(v, parents, count), count, slot, child, D_BODY, from, parent_column, order);
}

struct row **view_rows_with(struct view *v, struct row **rows, size_t count, unsigned detail, size_t *n)
{
    struct row **found = arena_array(v->mem, count + 1, sizeof *found);
    *n = 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i]->detail & detail)
            found[(*n)++] = rows[i];
    return found;
}

/* One row for each parent: its id, the number of its children, the ids of the first ones. All of that is in an index
 * that begins with the column, so what is not shown costs little. */
static const char *page_statement(struct view *v, const struct resource *parent, const struct resource *child,
                                  const char *column)
{
    struct arena *mem = v->mem;
    const char *of = arena_printf(mem, "FROM `%s` x WHERE x.`%s` = p.id", child->table, column);
    const char *text = arena_printf(mem, "SELECT p.id, (SELECT COUNT(*) %s)", of);
    for (int i = 0; i < EMBEDDED_PAGE; i++)
        text =
            arena_printf(mem, "%s, (SELECT x.id %s ORDER BY x.created, x.kanso_order LIMIT 1 OFFSET %d)", text, of, i);
    return arena_printf(mem, "%s FROM `%s` p WHERE p.id IN %%s", text, parent->table);
}

int view_pages(struct view *v, struct row **parents, size_t count, int slot, const struct resource *child,
               unsigned mask, const char *parent_column)
{
    const char **ids = arena_array(v->mem, size_mul(count, EMBEDDED_PAGE) + 1, sizeof *ids);
    size_t n, found = 0;
    unsigned detail = D_BODY;
    struct row **shown = view_rows_with(v, parents, count, D_RES, &n);
    if (!n)
        return OK;
    TRY(view_links(v, shown, n, slot, NULL, page_statement(v, shown[0]->res, child, parent_column)));
    for (size_t i = 0; i < n; i++) {
        detail |= shown[i]->detail & mask;
        for (size_t at = 0; shown[i]->links[slot] && at < EMBEDDED_PAGE; at++)
            if (shown[i]->links[slot]->values[2 + at].s)
                ids[found++] = shown[i]->links[slot]->values[2 + at].s;
    }
    return view_fetch(v, child, detail, ids, found);
}

/* Following references ------------------------------------------------------------------------------------------- */

static void request_attached(struct view *v, struct row *row, const struct column *col)
{
    struct set *s = &v->sets[col->many->rank];
    if (is_left_out(v, col->many))
        return;
    s->res = col->many;
    s->attached_detail |= col->flags & C_MANY_META ? D_META : D_BODY;
    list_add(v->mem, &s->parents, row);
}

static void follow_columns(struct view *v, struct row *row)
{
    const struct resource *r = row->res;
    for (size_t i = 0; i < r->column_count; i++) {
        const struct column *col = &r->columns[i];
        if (!shown(col, row->detail))
            continue;
        if (col->ref)
            view_request(v, col->ref, row->values[i].s);
        else if (col->many)
            request_attached(v, row, col);
    }
}

static int follow(struct view *v, struct set *s)
{
    size_t from = s->seen, count = s->rows.count - from;
    if (count == 0)
        return OK;
    s->seen = s->rows.count;
    struct row **rows = (struct row **)s->rows.items + from;
    for (size_t i = 0; i < count; i++)
        follow_columns(v, rows[i]);
    return s->res->load ? s->res->load(v, rows, count) : OK;
}

/* Rows that hang on rows of several kinds: one statement for all of them. */
static int fetch_attached(struct view *v, struct set *s)
{
    const char **ids = ids_of(v, (struct row **)s->parents.items, s->parents.count);
    size_t count = distinct(ids, s->parents.count);
    s->parents = (struct list){0};
    return fetch_hanging(v, ids, count, s->res->attached.slot, s->res, s->attached_detail, s->res->attached.from,
                         s->res->attached.parent, "t.created, t.kanso_order");
}

static int load_rank(struct view *v, struct set *s)
{
    if (s->parents.count)
        TRY(fetch_attached(v, s));
    if (s->wants.count)
        TRY(fetch_wanted(v, s));
    return s->res ? follow(v, s) : OK;
}

static bool pending(const struct view *v)
{
    for (size_t i = 0; i < MAX_RANK; i++)
        if (v->sets[i].wants.count || v->sets[i].parents.count || v->sets[i].seen < v->sets[i].rows.count)
            return true;
    return false;
}

/*
 * Loads everything that is asked for, and what that asks for in turn.
 *
 * Rows of a kind only refer to kinds of a later rank. So when a rank's turn comes, all that refers to it has been seen,
 * and one statement fetches all of it: the number of statements is that of the kinds, at most. In another order the
 * same kind would be fetched again for each kind that refers to it later, and loading step by step along the references
 * would take one statement per level and kind. tables_check() holds descriptors to the order; should a hook ask for an
 * earlier rank all the same, a second round fetches it: slower, but complete.
 *
 * Tags and run metadata hang on rows of many kinds, so their ranks lie behind all of those, and one statement each
 * fetches the links of all kinds at once.
 */
static int load_all(struct view *v)
{
    for (size_t i = 0; i < MAX_RANK; i++) /* the rows of the answer itself come first */
        if (v->sets[i].res)
            TRY(follow(v, &v->sets[i]));
    for (int round = 0; pending(v); round++) {
        if (round == 1)
            log_debug("view: a reference leads back to an earlier rank");
        for (int rank = 0; rank < MAX_RANK; rank++)
            TRY(load_rank(v, &v->sets[rank]));
    }
    return OK;
}

/* Who asks is confirmed first: the question went along with the statement that selected the view's rows, so the answer
 * is here, and from it comes the caller's own row, which most answers show. What is loaded from here on is nested. */
int view_load(struct view *v)
{
    const struct auth *caller = v->c->auth;
    TRY(sql_authenticate(v->c));
    if (caller && caller->row)
        view_add(v, caller->row->res, caller->row->id, D_BODY, caller->row->values);
    v->loading = true;
    TRY(load_all(v));
    v->loading = false;
    return v->c->authorize_rows && !v->no_envelopes ? v->c->authorize_rows(v) : OK;
}

struct row **view_nested(const struct view *v, size_t *count)
{
    struct list nested = {0};
    for (size_t i = 0; i < MAX_RANK; i++)
        for (size_t k = 0; k < v->sets[i].rows.count; k++)
            if (((struct row *)v->sets[i].rows.items[k])->nested)
                list_add(v->mem, &nested, v->sets[i].rows.items[k]);
    *count = nested.count;
    return (struct row **)nested.items;
}

const struct row *view_first(const struct view *v, const struct resource *r)
{
    const struct list *rows = &v->sets[r->rank].rows;
    return rows->count ? rows->items[0] : NULL;
}

/* Rendering ------------------------------------------------------------------------------------------------------ */

static void write_null(struct jw *w, const struct column *col)
{
    const char *text = col->null_as ? col->null_as : "null";
    jw_raw(w, text, strlen(text));
}

static void write_json(struct view *v, struct jw *w, const struct row *row, const struct column *col,
                       struct db_value value)
{
    struct span text = value_span(&value);
    struct origin of = row_origin(row, col->name);
    text = col->enc == E_B64 ? stored_base64(v->mem, text, of) : stored_json(v->mem, text, of);
    if (!text.s)
        write_null(w, col);
    else if (col->doc && json_kind(text) == '{')
        model_write_stored(w, col->doc, text);
    else if (col->type)
        type_write_stored(w, col->type, text);
    else
        jw_span(w, text);
}

static void write_encoded(struct view *v, struct jw *w, const struct row *row, const struct column *col,
                          struct db_value value)
{
    switch (col->enc) {
    case E_TEXT:
        jw_strn(w, value.s, value.len);
        break;
    case E_UUID:
        jw_uuid(w, value.s);
        break;
    case E_STAMP:
        jw_stamp(w, value.s, value.len);
        break;
    case E_BOOL:
        jw_bool(w, *value.s != '0');
        break;
    case E_INT:
    case E_FLOAT:
        jw_raw(w, value.s, value.len);
        break;
    case E_DURATION:
        jw_str(w, duration_format(v->mem, strtod(value.s, NULL)));
        break;
    case E_JSON:
    case E_B64:
        write_json(v, w, row, col, value);
        break;
    }
}

static void write_attached(struct view *v, struct jw *w, const struct row *row, const struct resource *r)
{
    jw_open(w, '[');
    for (const struct link *link = row->links[r->attached.slot]; link; link = link->next)
        view_write_ref(v, w, r, link->id);
    jw_close(w, ']');
}

void view_write_column(struct view *v, struct jw *w, const struct row *row, const struct column *col)
{
    struct db_value value = row->values[col - row->res->columns];
    if (col->show)
        col->show(&(struct cell){v, row, col}, w);
    else if (col->many)
        write_attached(v, w, row, col->many);
    else if (!value.s || (col->flags & C_EMPTY_NULL && value.len == 0))
        write_null(w, col);
    else if (col->ref)
        view_write_ref(v, w, col->ref, value.s);
    else
        write_encoded(v, w, row, col, value);
}

/* The same user or artifact stands in many rows of a list: it is rendered once, and copied from the answer afterwards.
 * Only within the answer's own buffer, where the place stays: hooks that write elsewhere render anew. */
void view_write_ref(struct view *v, struct jw *w, const struct resource *r, const char *id)
{
    struct row *row = view_find(v, r, id);
    if (!row) {
        jw_null(w);
    } else if (row->text.len && w->out == &v->c->res.body) {
        jw_repeat(w, row->text.from, row->text.len);
    } else {
        size_t before = w->out->len;
        view_write(v, w, row, D_BODY);
        before += w->out->data[before] == ','; /* the separator is not part of it */
        if (w->out == &v->c->res.body)
            row->text.from = before, row->text.len = w->out->len - before;
    }
}

static bool has_section(const struct resource *r, enum section section)
{
    for (size_t i = 0; i < r->column_count; i++)
        if (r->columns[i].section == section)
            return true;
    return false;
}

/* Whether a member is left out of the answer altogether: see C_IF_HYDRATED. */
static bool is_omitted(const struct row *row, const struct column *col, unsigned detail)
{
    return col->flags & C_IF_HYDRATED && !(detail & D_META && row->values[col - row->res->columns].s);
}

/* The first column is the id, which stands behind the parts already. */
static void write_columns(struct view *v, struct jw *w, const struct row *row, enum section section, unsigned detail)
{
    for (size_t i = section == S_TOP; i < row->res->column_count; i++) {
        const struct column *col = &row->res->columns[i];
        if (col->section != section || is_omitted(row, col, detail))
            continue;
        jw_name(w, col->name);
        view_write_column(v, w, row, col);
    }
}

/* Whether the caller may not see the content. What somebody judges, but not this row, is a mistake on the way here, and
 * not shown. */
static bool is_denied(const struct view *v, const struct row *row)
{
    if (!v->c->authorize_rows || v->depth == 0)
        return false;
    if (row->visibility == UNDECIDED)
        log_error("view: nobody decided on %s %s", row->res->name, row->id);
    return row->visibility != SHOWN;
}

void view_write(struct view *v, struct jw *w, const struct row *row, unsigned detail)
{
    const struct resource *r = row->res;
    bool denied = is_denied(v, row);
    if (v->depth++ == 0 && !v->c->shown)
        v->c->shown = row;
    const struct {
        const char *name;
        enum section section;
        bool there;
    } parts[] = {
        {"body", S_BODY, true},
        {"metadata", S_META, detail & D_META && !(r->flags & X_META_NULL)},
        {"resources", S_RES, detail & D_RES && has_section(r, S_RES)},
    };
    jw_open(w, '{');
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        jw_name(w, parts[i].name);
        if (denied || !parts[i].there) {
            jw_null(w);
            continue;
        }
        jw_open(w, '{');
        write_columns(v, w, row, parts[i].section, detail);
        jw_close(w, '}');
    }
    if (!(r->flags & X_NO_ENVELOPE_ID)) {
        jw_name(w, "id");
        jw_uuid(w, row->id);
        jw_name(w, "permission_denied");
        jw_bool(w, denied);
    }
    write_columns(v, w, row, S_TOP, detail);
    jw_close(w, '}');
    v->depth--;
}

void view_open_page(struct jw *w, int64_t index, int64_t size, int64_t total)
{
    const char *keys[] = {"index", "max_size", "total_pages", "total"};
    int64_t numbers[] = {index, size, total == 0 ? 1 : (total - 1) / size + 1, total};
    jw_open(w, '{');
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        jw_name(w, keys[i]);
        jw_int(w, numbers[i]);
    }
    jw_key_open(w, "items", '[');
}

void view_write_page(struct view *v, struct jw *w, const struct row *parent, int slot, const struct resource *child,
                     unsigned mask)
{
    const struct link *page = parent->links[slot];
    view_open_page(w, 1, EMBEDDED_PAGE, page && page->values[1].s ? strtoll(page->values[1].s, NULL, 10) : 0);
    for (size_t i = 0; page && i < EMBEDDED_PAGE; i++) {
        const struct row *row = view_find(v, child, page->values[2 + i].s);
        if (row)
            view_write(v, w, row, parent->detail & mask);
    }
    jw_close(w, ']');
    jw_close(w, '}');
}
