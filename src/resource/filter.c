#include "resource/filter.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "resource/view.h"

#include <string.h>

int64_t filter_default_size = 20, filter_max_size = 10000;

enum op { OP_EQ, OP_CONTAINS, OP_STARTS, OP_ENDS, OP_GTE, OP_GT, OP_LTE, OP_LT };

static const struct {
    const char *name, *sql;
} OPS[] = {
    [OP_EQ] = {"equals", "="},
    [OP_CONTAINS] = {"contains", "LIKE"},
    [OP_STARTS] = {"startswith", "LIKE"},
    [OP_ENDS] = {"endswith", "LIKE"},
    [OP_GTE] = {"gte", ">="},
    [OP_GT] = {"gt", ">"},
    [OP_LTE] = {"lte", "<="},
    [OP_LT] = {"lt", "<"},
};

/* A filter value taken apart: operator and operand. */
struct operand {
    enum op op;
    bool explicit_op;
    const char *s;
    size_t len;
};

static struct operand split_operator(const struct pair *p)
{
    struct operand o = {.op = OP_EQ, .s = p->value, .len = p->value_len};
    const char *colon = memchr(p->value, ':', p->value_len);
    for (size_t i = 0; colon && i < ARRAY_LEN(OPS); i++) {
        size_t n = strlen(OPS[i].name);
        if ((size_t)(colon - p->value) == n && memcmp(p->value, OPS[i].name, n) == 0)
            return (struct operand){(enum op)i, true, colon + 1, p->value_len - n - 1};
    }
    return o;
}

/* One parameter being read. */
struct reading {
    struct ctx *c;
    const struct pair *given;
    struct query *to;
};

static bool problem(struct reading *r, const char *type, const char *message)
{
    struct check *k = request_check(r->c);
    struct loc query = {.name = "query"};
    if (!r->given) /* a default that the resource does not have */
        abort();
    k->at = &query;
    check_problem(k, r->given->name, type,
                  json_keep(r->c->mem, json_object_new_string_len(r->given->value, (int)r->given->value_len)), NULL,
                  "%s", message);
    return false;
}

static void compare(struct reading *r, const char *column, enum op op, struct db_param value)
{
    query_add(r->to, "%s %s ?", column, OPS[op].sql);
    query_param(r->to, value);
}

static void compare_like(struct reading *r, const char *column, const struct operand *o)
{
    const char *before = o->op == OP_STARTS ? "" : "%", *after = o->op == OP_ENDS ? "" : "%";
    struct buf b = {0};
    buf_adds(&b, before);
    buf_add(&b, o->s, o->len);
    buf_adds(&b, after);
    compare(r, column, o->op, p_textn(arena_strndup(r->c->mem, b.data, b.len), b.len));
    buf_free(&b);
}

static bool read_string(struct reading *r, const char *column, const struct operand *o)
{
    if (o->op >= OP_GTE)
        return problem(r, "value_error",
                       "Value error, texts know the operators equals, contains, startswith and endswith");
    if (o->op == OP_EQ)
        compare(r, column, OP_EQ, p_textn(o->s, o->len));
    else
        compare_like(r, column, o);
    return true;
}

static bool read_uuid(struct reading *r, const char *column, const struct operand *o)
{
    char hex[UUID_HEX + 1];
    if (o->op >= OP_GTE)
        return problem(r, "value_error",
                       "Value error, ids know the operators equals, contains, startswith and endswith");
    if (o->op != OP_EQ) {
        compare_like(r, column, o);
        return true;
    }
    if (!uuid_read(o->s, o->len, hex))
        return problem(r, "uuid_parsing", "Input should be a valid UUID");
    compare(r, column, OP_EQ, p_text(arena_strdup(r->c->mem, hex)));
    return true;
}

static bool read_stamp(struct reading *r, const char *column, const struct operand *o)
{
    char stamp[STAMP_LEN + 1];
    bool ordered = o->op == OP_EQ || o->op >= OP_GTE;
    if (!ordered)
        return problem(r, "value_error", "Value error, times know the operators equals, gt, gte, lt and lte");
    if (o->explicit_op ? !stamp_parse_exact(o->s, o->len, stamp) : !stamp_parse(o->s, o->len, stamp))
        return problem(r, "datetime_parsing",
                       o->explicit_op ? "Behind an operator a time has the form YYYY-MM-DD HH:MM:SS"
                                      : "Input should be a valid datetime");
    compare(r, column, o->op, p_text(arena_strdup(r->c->mem, stamp)));
    return true;
}

static bool read_int(struct reading *r, const char *column, const struct operand *o)
{
    int64_t n;
    if (o->op != OP_EQ && o->op < OP_GTE)
        return problem(r, "value_error", "Value error, numbers know the operators equals, gt, gte, lt and lte");
    if (!parse_int64(o->s, &n))
        return problem(r, "int_parsing", "Input should be a valid integer, unable to parse string as an integer");
    compare(r, column, o->op, p_int(n));
    return true;
}

/* A plain boolean word counts as such; any other text that is not empty is true, `equals:false` included. */
static bool read_bool(struct reading *r, const char *column, const struct operand *o)
{
    int word = parse_bool_word(r->given->value, r->given->value_len);
    if (o->len == 0)
        return problem(r, "bool_parsing", "Input should be a valid boolean, unable to interpret input");
    if (o->explicit_op && o->op != OP_EQ)
        return problem(r, "value_error", "Value error, booleans know the operator equals");
    compare(r, column, OP_EQ, p_int(word < 0 ? 1 : word));
    return true;
}

/* Strict parameters are checked like members of a body. Returns the checked value, or NULL. */
static struct json_object *read_strict(struct reading *r, const struct type *t)
{
    struct check *k = request_check(r->c);
    struct loc query = {.name = "query"}, here = {.outer = &query, .name = r->given->name};
    bool ok;
    k->at = &here;
    struct json_object *v = json_keep(r->c->mem, json_object_new_string_len(r->given->value, (int)r->given->value_len));
    return json_keep(r->c->mem, type_check(k, t, NULL, v, &ok));
}

static bool read_strict_filter(struct reading *r, enum filter_class cls, const struct type *t, const char *column)
{
    const struct type *types[] = {
        [F_STRICT_BOOL] = &T_BOOL, [F_STRICT_INT] = &T_INT, [F_STRICT_FLOAT] = &T_FLOAT, [F_STRICT_UUID] = &T_UUID};
    struct json_object *v = read_strict(r, cls == F_STRICT_ENUM ? t : types[cls]);
    if (!v)
        return false;
    const struct column as = {.enc = cls == F_STRICT_UUID   ? E_UUID
                                     : cls == F_STRICT_BOOL ? E_BOOL
                                     : cls == F_STRICT_INT  ? E_INT
                                                            : E_TEXT};
    if (column)
        compare(r, column, OP_EQ, encode_value(r->c->mem, &as, v));
    return column != NULL;
}

static bool read_class(struct reading *r, enum filter_class cls, const struct type *t, const char *column)
{
    struct operand o = split_operator(r->given);
    switch (cls) {
    case F_STRING:
        return read_string(r, column, &o);
    case F_UUID:
        return read_uuid(r, column, &o);
    case F_ID:
        o = (struct operand){.s = r->given->value, .len = r->given->value_len};
        return read_uuid(r, column, &o);
    case F_STAMP:
        return read_stamp(r, column, &o);
    case F_INT:
        return read_int(r, column, &o);
    case F_BOOL:
        return read_bool(r, column, &o);
    case F_EQUAL:
        if (r->given->value_len == 0)
            return false;
        compare(r, column, OP_EQ, p_textn(r->given->value, r->given->value_len));
        return true;
    case F_STRICT_BOOL:
    case F_STRICT_INT:
    case F_STRICT_FLOAT:
    case F_STRICT_UUID:
    case F_STRICT_ENUM:
        return read_strict_filter(r, cls, t, column);
    case F_REFUSED:
        return problem(r, "value_error", "Value error, there is nothing that this parameter could be compared with");
    case F_NONE:
    case F_IGNORED:
        break;
    }
    return false;
}

void filter_scope_fixed(struct filter_query *f, const char *text, const struct db_param *params, size_t count)
{
    buf_adds(&f->ungrouped->text, " AND ");
    query_with(f->ungrouped, text, params, count);
}

void filter_scope(struct filter_query *f, const char *text, const struct db_param *params, size_t count)
{
    f->changes = true;
    filter_scope_fixed(f, text, params, count);
}

/* Puts what was read into the group or outside of it. */
static void accept(struct ctx *c, const struct query *read, const char *around, bool outside)
{
    struct filter_query *f = c->filter;
    const char *mark = around ? strstr(around, "%s") : NULL;
    const char *text = !around ? read->text.data
                       : !mark
                           ? around
                           : arena_printf(c->mem, "%.*s%s%s", (int)(mark - around), around, read->text.data, mark + 2);
    if (outside) {
        filter_scope_fixed(f, text, read->params, read->count);
        return;
    }
    buf_adds(&f->group->text, f->group_count++ == 0 ? "" : f->any ? " OR " : " AND ");
    query_with(f->group, text, read->params, read->count);
}

static void read_filter(struct ctx *c, const struct filter *f, const struct pair *given)
{
    struct reading r = {.c = c, .given = given, .to = query_new(c->mem)};
    c->filter->changes = c->filter->changes || !f->fixed;
    if (f->cls == F_STRICT_BOOL) {
        struct json_object *v = read_strict(&r, &T_BOOL);
        const char *around = v && json_object_get_boolean(v) ? f->sql : f->sql_false;
        if (v && f->column && f->sql) { /* a boolean column of a joined table */
            compare(&r, f->column, OP_EQ, p_int(json_object_get_boolean(v)));
            around = f->sql;
        }
        if (v && around)
            accept(c, r.to, around, f->ungrouped);
    } else if (read_class(&r, f->cls, NULL, f->column)) {
        accept(c, r.to, f->sql, f->ungrouped);
        if (f->parts && !c->filter->any) {
            c->filter->part = f;
            c->filter->compared = r.to;
        }
        if (f->joined && c->filter->any)
            filter_scope(c->filter, f->joined, NULL, 0);
    }
}

static bool has_text(const struct pair *given)
{
    return given && given->value_len;
}

static bool sortable(const struct column *col)
{
    if (col->flags & C_SORT)
        return true;
    return col->filter != F_NONE && col->filter != F_IGNORED && col->filter != F_REFUSED;
}

static void read_sort(struct ctx *c)
{
    const struct resource *res = c->route->resource;
    const struct pair *given = request_query(c, "sort_by");
    const char *name = given ? given->value : "created";
    const char *colon = strchr(name, ':');
    if (colon) {
        c->filter->descending = (size_t)(colon - name) == 4 && memcmp(name, "desc", 4) == 0;
        name = colon + 1;
    }
    for (size_t i = 0; i < res->column_count; i++)
        if (streq(res->columns[i].name, name) && sortable(&res->columns[i])) {
            c->filter->order = column_sql(c->mem, &res->columns[i]);
            return;
        }
    for (size_t i = 0; i < res->filter_count; i++) /* one that just compares a column sorts by it as well */
        if (streq(res->filters[i].name, name) && res->filters[i].cls == F_STRING && !res->filters[i].sql) {
            c->filter->order = res->filters[i].column;
            return;
        }
    struct reading r = {.c = c, .given = given};
    problem(&r, "value_error", arena_printf(c->mem, "Value error, %s cannot be sorted by '%s'", res->label, name));
}

static const char *const OPERATORS[] = {"or", "and", NULL};
static const struct type T_OPERATOR = {.kind = K_ENUM, .label = "str-enum[LogicalOperators]", .words = OPERATORS};

const struct model *filter_page_model(struct arena *mem)
{
    const struct field fields[] = {
        {"sort_by", &T_STRING, "\"created\"", 0, 0},
        {"logical_operator", &T_OPERATOR, "\"and\"", 0, 0},
        {"page", &T_INT, "1", 0, 0, true, 1, INT64_MAX},
        {"hydrate", &T_BOOL, "false", 0, 0},
        {"size", &T_INT, arena_printf(mem, "%lld", (long long)filter_default_size), 0, 0, true, 1, filter_max_size},
    };
    const struct model m = MODEL("page", fields);
    struct model *out = arena_memdup(mem, &m, sizeof m);
    out->fields = arena_memdup(mem, fields, sizeof fields);
    return out;
}

/* The query string as an object of texts, for the members of a model. */
static struct json_object *query_object(struct ctx *c)
{
    struct json_object *o = json_keep(c->mem, json_object_new_object());
    for (size_t i = 0; i < c->req.query_count; i++) {
        const struct pair *p = &c->req.query[i];
        json_object_object_add(o, p->name, json_object_new_string_len(p->value, (int)p->value_len));
    }
    return o;
}

static void read_page(struct ctx *c)
{
    struct check *k = request_check(c);
    struct loc query = {.name = "query"};
    k->at = &query;
    struct json_object *v = model_check(k, filter_page_model(c->mem), query_object(c));
    if (!v)
        return;
    c->filter->page = json_object_get_int64(member(v, "page"));
    c->filter->size = json_object_get_int64(member(v, "size"));
    c->filter->any = streq(member_str(v, "logical_operator"), "or");
    c->filter->hydrate = member_bool(v, "hydrate");
}

/* A parameter of the query, unless the path has the say. */
static const struct pair *given_filter(struct ctx *c, const char *name)
{
    return c->route->path_filter && streq(c->route->path_filter, name) ? NULL : request_query(c, name);
}

/* The path's condition is one of the group, as ZenML has it: with `or` it is one among others. */
static void read_path_filter(struct ctx *c)
{
    struct query *q = query_new(c->mem);
    query_add(q, "t.%s = ?", c->route->path_filter);
    query_param(q, p_text(c->param[0]));
    accept(c, q, NULL, false);
}

/*
 * Two sets of conditions come out of a query string. The group is what logical_operator joins, AND or OR; the others
 * (scopes of a path, of the caller and of permissions) hold in any case and stand outside its parentheses. A condition
 * that restricts what may be seen must never be put into the group: `logical_operator=or` would undo it.
 *
 * The order in which filters are read is that in which their problems are told.
 */
void filter_read(struct ctx *c)
{
    const struct resource *res = c->route->resource;
    struct filter_query *f = arena_alloc(c->mem, sizeof *f);
    *f = (struct filter_query){
        .group = query_new(c->mem), .ungrouped = query_new(c->mem), .page = 1, .size = filter_default_size};
    c->filter = f;
    read_page(c);
    if (c->route->path_filter)
        read_path_filter(c);
    for (size_t i = 0; i < res->column_count; i++) {
        const struct column *col = &res->columns[i];
        const struct pair *given = col->filter != F_NONE ? given_filter(c, col->name) : NULL;
        struct reading r = {.c = c, .given = given, .to = query_new(c->mem)};
        if (given && read_class(&r, col->filter, col->type, column_sql(c->mem, col)))
            accept(c, r.to, NULL, false);
        f->changes = f->changes || (given && !(col->flags & C_FIXED));
    }
    for (size_t i = 0; i < res->filter_count; i++) {
        const struct pair *given = request_query(c, res->filters[i].name);
        if (given && !(res->filters[i].overridden_by && has_text(request_query(c, res->filters[i].overridden_by))))
            read_filter(c, &res->filters[i], given);
    }
    if (res->flags & X_WORKSPACE && !(c->route->within && c->route->within->flags & X_COMMON)) {
        static const struct filter scope = {.name = "scope_workspace",
                                            .cls = F_STRICT_UUID,
                                            .column = "t.workspace_id",
                                            .sql = "(%s OR t.workspace_id IS NULL)",
                                            .ungrouped = true,
                                            .fixed = true};
        const struct pair *given = request_query(c, "scope_workspace");
        if (given)
            read_filter(c, &scope, given);
    }
    read_sort(c);
}

void filter_where(const struct filter_query *f, const struct resource *r, struct query *q)
{
    query_add(q, " WHERE %s", r->where ? r->where : "1 = 1");
    query_with(q, f->ungrouped->text.data, f->ungrouped->params, f->ungrouped->count);
    if (f->group_count) {
        buf_adds(&q->text, " AND (");
        query_with(q, f->group->text.data, f->group->params, f->group->count);
        buf_addc(&q->text, ')');
    } else if (f->any) {
        query_add(q, " AND 1 = 0"); /* any of no conditions holds for nothing */
    }
}
