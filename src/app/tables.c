#include "app/tables.h"

#include "access/access.h"
#include "access/rbac.h"
#include "app/answers.h"
#include "app/app.h"
#include "app/openapi.h"
#include "base/text.h"
#include "db/embedded.h"
#include "model/model.h"
#include "resource/filter.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A check of one row, and where complaints about it go. */
struct row_check {
    struct buf *out;
    size_t count;
    const char *file;
    char row[256];
};

static void complain(struct row_check *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct row_check *k, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_addf(k->out, "%s: %s: %s\n", k->file, k->row, text);
    k->count++;
}

static struct row_check row_check(struct buf *out, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static struct row_check row_check(struct buf *out, const char *file, const char *fmt, ...)
{
    struct row_check k = {.out = out, .file = file};
    va_list args;
    va_start(args, fmt);
    vsnprintf(k.row, sizeof k.row, fmt, args);
    va_end(args);
    return k;
}

/* The schema ------------------------------------------------------------------------------------------------------ */

/* What stands between CREATE TABLE `name` and the semicolon behind it, in ZenML's tables or Kanso's; NULL if nowhere.
 */
static const char *table_text(const char *table, size_t *len)
{
    const char *const files[] = {sql_schema, sql_kanso};
    char head[128];
    snprintf(head, sizeof head, "CREATE TABLE IF NOT EXISTS `%s` (", table);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        const char *found = strstr(files[i], head);
        if (found) {
            *len = (size_t)(strstr(found, ";\n") - found);
            return found;
        }
    }
    return NULL;
}

/* A column of CREATE TABLE, or of an ALTER TABLE of Kanso's. */
static bool column_exists(const char *table, const char *column)
{
    char line[128], added[256];
    size_t len;
    const char *text = table_text(table, &len);
    snprintf(line, sizeof line, "\n  `%s` ", column);
    snprintf(added, sizeof added, "\nALTER TABLE `%s` ADD COLUMN `%s` ", table, column);
    return text && (memmem(text, len, line, strlen(line)) || strstr(sql_kanso, added));
}

/* Whether a column holds TEXT of any length, of which an index holds the beginning: it finds rows, but gives no order.
 */
static bool is_long_text(const char *table, const char *column)
{
    size_t len;
    const char *found = table_text(table, &len);
    for (const char *p = found; p && p < found + len; p = strchr(p + 1, '\n')) {
        char line[256], name[128], type[64];
        snprintf(line, sizeof line, "%s", p);
        if (sscanf(line, " `%127[^`]` %63[a-z]", name, type) == 2 && streq(name, column))
            return streq(type, "text") || streq(type, "mediumtext");
    }
    return false;
}

/* Whether pages in the order of a column, or of rows with one of its values, are a part of an index, which may go on;
 * of a TEXT, whether rows with one of its values are. */
static bool is_paged_by_index(const char *table, const char *column)
{
    char tail[256];
    snprintf(tail, sizeof tail, "\n  ON `%s` (`%s`%s", table, column,
             is_long_text(table, column) ? "(" : ", `created`, `kanso_order`");
    return streq(column, "id") || streq(column, "created") || strstr(sql_kanso, tail);
}

/* Indexes of ZenML's tables are made one by one, those of Kanso's own with their table. */
static bool index_exists(const char *table, const char *suffix)
{
    char head[256], key[256];
    size_t len;
    const char *text = table_text(table, &len);
    snprintf(head, sizeof head, "INDEX `kanso_%s_%s`\n", table, suffix);
    snprintf(key, sizeof key, "\n  KEY `kanso_%s_%s` ", table, suffix);
    return strstr(sql_kanso, head) || (text && memmem(text, len, key, strlen(key)));
}

/* Columns --------------------------------------------------------------------------------------------------------- */

static bool is_foreign_key(const char *table, const char *column)
{
    char words[128];
    size_t len;
    const char *text = table_text(table, &len);
    snprintf(words, sizeof words, "FOREIGN KEY (`%s`) REFERENCES", column);
    return text && memmem(text, len, words, strlen(words));
}

static bool has_target(const struct resource *r, const char *column)
{
    for (size_t i = 0; i < r->column_count; i++) {
        const struct column *col = &r->columns[i];
        if ((col->ref || col->target) && column_is_stored(col) && streq(column_stored_name(col), column))
            return true;
    }
    return false;
}

/* Whether a filter of that class can compare what the column holds. */
static bool can_compare(const struct column *col)
{
    switch (col->filter) {
    case F_UUID:
    case F_ID:
    case F_STRICT_UUID:
        return col->enc == E_UUID;
    case F_STAMP:
        return col->enc == E_STAMP;
    case F_INT:
    case F_STRICT_INT:
        return col->enc == E_INT || col->enc == E_FLOAT;
    case F_STRICT_FLOAT:
        return col->enc == E_FLOAT || col->enc == E_DURATION;
    case F_BOOL:
    case F_STRICT_BOOL:
        return col->enc == E_BOOL;
    case F_STRICT_ENUM:
        return col->type && col->type->kind == K_ENUM;
    default:
        return true;
    }
}

static void check_flags_of_column(struct row_check *k, const struct column *col)
{
    bool json = col->enc == E_JSON || col->enc == E_B64;
    if (col->flags & (C_COMPACT | C_JSON_NULL) && !json)
        complain(k, "C_COMPACT and C_JSON_NULL are for columns that hold JSON");
    if (col->flags & C_NULL_EMPTY && col->enc != E_TEXT)
        complain(k, "C_NULL_EMPTY is for columns that hold text");
    if (col->flags & C_READONLY && col->flags & (C_ALWAYS | C_NO_UPDATE | C_NULL_EMPTY | C_JSON_NULL))
        complain(k, "a flag about writing on a column that is never written (C_READONLY)");
    if (col->flags & C_READONLY && !column_is_stored(col))
        complain(k, "C_READONLY is superfluous: there is no column that could be written");
    if (col->flags & C_ALWAYS && col->flags & C_NO_UPDATE)
        complain(k, "C_ALWAYS and C_NO_UPDATE contradict each other");
    if (col->flags & C_JOINED && (!col->ref || !col->col || col->section != S_META))
        complain(k, "C_JOINED is for a row that is shown among the metadata: .ref and .col");
    if (col->flags & C_LOAD && col->flags & C_LOAD_META)
        complain(k, "C_LOAD makes C_LOAD_META superfluous");
    if (col->flags & C_SORT && col->filter != F_NONE && col->filter != F_IGNORED && col->filter != F_REFUSED)
        complain(k, "C_SORT on a column that its filter makes a sort key already");
    if (col->doc && !json)
        complain(k, "a document in a column that holds no JSON");
}

/* Lists of a table that grows are filtered and sorted along indexes. A column of one bit tells nothing apart. */
static void check_paging(struct row_check *k, const struct resource *r, const struct column *col)
{
    bool compared = col->filter != F_NONE && col->filter != F_IGNORED && col->filter != F_REFUSED;
    if (!(r->flags & X_GROWS) || !(compared || col->flags & C_SORT) || !column_is_stored(col) || col->enc == E_BOOL)
        return;
    if (!is_paged_by_index(r->table, column_stored_name(col)))
        complain(k,
                 "lists of a table that grows are filtered and sorted by `%s`: sql/kanso.sql needs an index "
                 "(`%s`, `created`, `kanso_order`), or of the beginning of a TEXT",
                 column_stored_name(col), column_stored_name(col));
}

static void check_column(struct buf *out, const struct resource *r, size_t i, size_t *count)
{
    const struct column *col = &r->columns[i];
    struct row_check k =
        row_check(out, r->file, "%s, column '%s'", r->name, col->name ? col->name : "(without a name)");
    const char *unknown = col->schema ? openapi_unknown(col->schema) : NULL;
    for (size_t j = 0; col->name && j < i; j++)
        if (streq(r->columns[j].name, col->name))
            complain(&k, "stands there twice");
    if (!col->name)
        complain(&k, "has no name");
    else if (column_is_stored(col) && r->table && !column_exists(r->table, column_stored_name(col)))
        complain(&k, "sql/schema.sql has no column `%s` in `%s`", column_stored_name(col), r->table);
    if (col->sql && col->col)
        complain(&k, "has both an SQL column and an expression");
    if (col->request_name && (!r->body || !model_field(r->body, col->request_name)))
        complain(&k, "is written from the member '%s', which the body does not have", col->request_name);
    if (!can_compare(col))
        complain(&k, "its filter cannot compare what it holds");
    if ((col->ref || col->target) && col->enc != E_UUID)
        complain(&k, "refers to a resource but holds no id");
    if (col->ref && col->target)
        complain(&k, "`ref` says what it refers to: `target` is superfluous");
    if (r->table && column_is_stored(col) && is_foreign_key(r->table, column_stored_name(col)) &&
        !has_target(r, column_stored_name(col)))
        complain(&k, "`%s` is a foreign key in sql/schema.sql, but no row says what it refers to (ref or target)",
                 column_stored_name(col));
    if (col->ref && col->section != S_NONE && col->ref->rank <= r->rank)
        complain(&k, "shows a %s, whose rank is not behind that of %s: it would never be loaded", col->ref->name,
                 r->name);
    if (col->many && (!col->many->attached.parent || col->many->rank <= r->rank))
        complain(&k, "shows what hangs on it: %s does not say how (attached), or its rank is not behind that of %s",
                 col->many->name, r->name);
    if (col->many == &resource_tag && !r->tag_type)
        complain(&k, "shows tags, but its resource has no tag_type");
    if (unknown)
        complain(&k, "'%s' in .schema is no component of the OpenAPI document", unknown);
    check_flags_of_column(&k, col);
    check_paging(&k, r, col);
    *count += k.count;
}

/* Filters, body, keys -----------------------------------------------------------------------------------------------
 */

static size_t marks(const char *sql)
{
    size_t n = 0;
    for (const char *s = sql; s && (s = strstr(s, "%s")); s += 2)
        n++;
    return n;
}

static void check_filter(struct buf *out, const struct resource *r, size_t i, size_t *count)
{
    const struct filter *f = &r->filters[i];
    struct row_check k = row_check(out, r->file, "%s, filter '%s'", r->name, f->name);
    const struct column *col = resource_column(r, f->name);
    if (col && col->filter != F_NONE)
        complain(&k, "there is a column with a filter of that name");
    for (size_t j = 0; j < i; j++)
        if (streq(r->filters[j].name, f->name))
            complain(&k, "stands there twice");
    bool compares = f->cls != F_IGNORED && f->cls != F_REFUSED && f->cls != F_NONE;
    if (f->cls == F_NONE)
        complain(&k, "has no class");
    if (f->cls == F_STRICT_ENUM)
        complain(&k, "filters of their own know no words to check");
    if (compares && !f->column &&
        (f->cls < F_STRICT_BOOL || f->cls > F_STRICT_ENUM)) /* strict ones are checked all the same */
        complain(&k, "compares nothing");
    if (compares && f->column && f->sql && marks(f->sql) != 1)
        complain(&k, "its SQL needs one %%s, where the comparison goes");
    if (f->joined && (f->ungrouped || f->cls == F_STRICT_BOOL))
        complain(&k, "what is joined is for filters among the conditions that logical_operator joins");
    if (!f->column && (marks(f->sql) || marks(f->sql_false)))
        complain(&k, "its SQL has a %%s, but nothing is compared");
    if (f->sql_false && f->cls != F_STRICT_BOOL)
        complain(&k, "sql_false is for booleans (F_STRICT_BOOL)");
    *count += k.count;
}

/* The column that a member of the body is written to, or NULL. */
static const struct column *column_for(const struct resource *r, const char *member)
{
    for (size_t i = 0; i < r->column_count; i++) {
        const struct column *col = &r->columns[i];
        if (column_is_stored(col) && !(col->flags & C_READONLY) &&
            streq(col->request_name ? col->request_name : col->name, member))
            return col;
    }
    return NULL;
}

static void check_default(struct row_check *k, const struct field *f)
{
    struct arena a = {0};
    struct loc here = {.name = f->name};
    struct check *check = check_new(&a);
    check->at = &here;
    struct json_object *v;
    struct json_error error;
    bool ok = true;
    if (!json_parse(&a, f->def, strlen(f->def), &v, &error))
        complain(k, "its default is no JSON: %s", f->def);
    else if (v)
        json_keep(&a, type_check(check, f->type, f, v, &ok));
    if (!ok)
        complain(k, "its default does not fit its type: %s", f->def);
    arena_free(&a);
}

static void check_field(struct buf *out, const struct resource *r, size_t i, size_t *count)
{
    const struct field *f = &r->body->fields[i];
    struct row_check k = row_check(out, r->file, "%s, member '%s' of the body", r->name, f->name);
    const struct column *col = column_for(r, f->name);
    for (size_t j = 0; j < i; j++)
        if (streq(r->body->fields[j].name, f->name) && (r->body->fields[j].flags & UPD_ONLY) == (f->flags & UPD_ONLY))
            complain(&k, "stands there twice");
    if (!col && !(f->flags & HOOK))
        complain(&k, "reaches no column, nor does it say that a hook takes it (HOOK)");
    if (col && f->flags & HOOK)
        complain(&k, "says that a hook takes it (HOOK), but it is written to the column '%s'", column_stored_name(col));
    if (col && col->flags & C_FIXED && !(col->flags & C_NO_UPDATE) && f->flags & UPD)
        complain(&k, "updates write the column '%s', which is said never to change (C_FIXED)", column_stored_name(col));
    if (!f->type)
        complain(&k, "has no type");
    if (f->flags & REQ && f->def)
        complain(&k, "must be there and yet has a default");
    if (f->type && f->def)
        check_default(&k, f);
    *count += k.count;
}

static void check_unique(struct row_check *k, const struct resource *r)
{
    for (size_t i = 0; i < ARRAY_LEN(r->unique.columns) && r->unique.columns[i]; i++)
        if (!column_exists(r->table, r->unique.columns[i]))
            complain(k, "its unique key names `%s`, which `%s` does not have", r->unique.columns[i], r->table);
}

static bool has_list(const struct resource *r)
{
    for (const struct group *const *g = all_groups; *g; g++)
        for (size_t i = 0; i < (*g)->count; i++)
            if ((*g)->routes[i].resource == r && (*g)->routes[i].op == OP_LIST)
                return true;
    return false;
}

static bool has_filter(const struct resource *r, const char *name)
{
    for (size_t i = 0; i < r->filter_count; i++)
        if (streq(r->filters[i].name, name))
            return true;
    return false;
}

static void check_resource_itself(struct row_check *k, const struct resource *r)
{
    size_t len;
    if (!r->label || !r->title)
        complain(k, "has no label or no title");
    if (r->rank < 0 || r->rank >= RANK_END)
        complain(k, "its rank is none of model/model.h");
    if (!r->table || !table_text(r->table, &len)) {
        complain(k, "sql/schema.sql has no table `%s`", r->table ? r->table : "");
        return;
    }
    check_unique(k, r);
    const struct column *created = resource_column(r, "created");
    if (has_list(r) && !r->joins && created && !index_exists(r->table, "created"))
        complain(k, "has a list, but sql/kanso.sql no index kanso_%s_created for its order", r->table);
    if (r->flags & X_OWNER && !column_exists(r->table, "user_id"))
        complain(k, "X_OWNER, but `%s` has no user_id", r->table);
    if (r->flags & X_WORKSPACE && !column_exists(r->table, "workspace_id"))
        complain(k, "X_WORKSPACE, but `%s` has no workspace_id", r->table);
    if (r->flags & X_NAME_RULE && !column_exists(r->table, "name"))
        complain(k, "X_NAME_RULE, but `%s` has no name", r->table);
    if (r->tag_type && !has_filter(r, "tag"))
        complain(k, "has a tag_type, but no filter by tags (TAG_FILTER)");
}

size_t tables_check_resource(struct buf *out, const struct resource *r)
{
    struct row_check k = row_check(out, r->file ? r->file : "(no file)", "%s", r->name ? r->name : "(no name)");
    check_resource_itself(&k, r);
    for (size_t i = 0; i < r->column_count; i++)
        check_column(out, r, i, &k.count);
    for (size_t i = 0; i < r->filter_count; i++)
        check_filter(out, r, i, &k.count);
    for (size_t i = 0; r->body && i < r->body->count; i++)
        check_field(out, r, i, &k.count);
    return k.count;
}

/* Routes ----------------------------------------------------------------------------------------------------------- */

static size_t path_parameters(const char *path)
{
    size_t n = 0, len;
    while (route_param_name(path, n, &len))
        n++;
    return n;
}

static void check_need(struct row_check *k, const struct route *r, const struct need *n)
{
    bool listed = n->of == NEED_LISTED, shown = n->of == NEED_SHOWN;
    if (!n->action || !rbac_is_action(n->action))
        complain(k, "needs '%s', which is no action", n->action ? n->action : "");
    if (!access_governs(n->type) && !(n->type->flags & X_UNGOVERNED))
        complain(k, "needs a permission for %s, which the control plane does not know, nor is it X_UNGOVERNED",
                 n->type->name);
    if (access_governs(n->type) && n->type->flags & X_UNGOVERNED)
        complain(k, "%s is X_UNGOVERNED, but the control plane knows it", n->type->name);
    if (n->of < NEED_TYPE || n->of > NEED_PATH_2)
        complain(k, "does not say whom its need of %s concerns", n->type->name);
    if (listed && r->op != OP_LIST)
        complain(k, "NEED_LISTED without a list");
    if (shown && r->op != OP_GET)
        complain(k, "NEED_SHOWN, but it is no OP_GET");
    if (path_parameters(r->path) < (n->of == NEED_PATH_2 ? 2U : n->of == NEED_PATH ? 1U : 0U))
        complain(k, "needs a permission for what the path does not name");
}

static void check_access(struct row_check *k, const struct route *r)
{
    if (!r->needs == !r->open)
        complain(k, "says %s: .needs what the caller must be allowed, or .open with the reason why nothing",
                 r->needs ? "both" : "neither");
    if (r->needs && r->flags & R_PUBLIC)
        complain(k, "is R_PUBLIC and yet needs a permission");
    if (r->needs && !r->needs->type)
        complain(k, "its .needs is empty");
    for (const struct need *n = r->needs; n && n->type; n++)
        check_need(k, r, n);
}

static void check_path(struct row_check *k, const struct route *r)
{
    size_t n = path_parameters(r->path);
    if (n > MAX_PATH_PARAMS)
        complain(k, "has more path parameters than a request has room for");
    for (size_t i = n; i < MAX_PATH_PARAMS; i++)
        if (r->params[i])
            complain(k, ".params speaks of more parameters than the path has");
    char column[64];
    snprintf(column, sizeof column, "%s_id", r->within ? r->within->name : "");
    if (r->within && (n == 0 || (r->resource && !column_exists(r->resource->table, column))))
        complain(k, "is .within a %s, but its path has no parameter, or its resource no column `%s`", r->within->name,
                 column);
    if (!r->within && r->resource != &resource_workspace && starts_with(r->path, "/api/v1/workspaces/{") && r->resource)
        complain(k, "stands in a workspace, and does not say so (WITHIN_WORKSPACE)");
}

static void check_operation(struct row_check *k, const struct route *r)
{
    static const char *const METHODS[] = {
        [OP_LIST] = "GET", [OP_GET] = "GET", [OP_CREATE] = "POST", [OP_UPDATE] = "PUT", [OP_DELETE] = "DELETE"};
    const char *unknown = r->response ? openapi_unknown(r->response) : NULL;
    if (r->op != OP_OTHER && !r->resource)
        complain(k, "an operation of a resource, which is not named");
    if (r->op != OP_OTHER && !streq(r->method, METHODS[r->op]))
        complain(k, "its method does not fit its operation");
    if ((r->op == OP_CREATE || r->op == OP_UPDATE) && r->resource && !r->resource->body)
        complain(k, "%s has no body to create or update from", r->resource->name);
    if (r->path_filter && r->resource && !column_exists(r->resource->table, r->path_filter))
        complain(k, "filters by the column `%s`, which `%s` does not have", r->path_filter, r->resource->table);
    if (r->member && (!r->resource || !resource_column(r->resource, r->member)))
        complain(k, "answers the member '%s', which its resource does not have", r->member);
    if (unknown)
        complain(k, "'%s' in .response is no component of the OpenAPI document", unknown);
    if (!(r->flags & R_INTERNAL) && !r->about && (r->op == OP_OTHER || !r->resource))
        complain(k, "does not say what it does (.about)");
    if (r->about && (strlen(r->about) < 2 || r->about[strlen(r->about) - 1] != '.'))
        complain(k, "its .about is not a sentence");
    if (r->flags & R_HYDRATE && r->flags & R_NO_HYDRATE)
        complain(k, "R_HYDRATE and R_NO_HYDRATE contradict each other");
    if (r->flags & R_DEFER_AUTH && (r->op == OP_LIST || r->op == OP_GET || r->flags & R_PUBLIC))
        complain(k, "R_DEFER_AUTH says nothing here");
}

static const char *route_file(char *out, size_t size, const char *group)
{
    snprintf(out, size, "cgi-bin/%s.c", group);
    return out;
}

size_t tables_check_route(struct buf *out, const char *group, const struct route *r)
{
    char file[128];
    struct row_check k = row_check(out, route_file(file, sizeof file, group), "%s %s",
                                   r->method ? r->method : "(no method)", r->path ? r->path : "(no path)");
    if (!r->method || !r->path || !r->handler) {
        complain(&k, "has no method, no path or no handler");
        return k.count;
    }
    check_access(&k, r);
    check_operation(&k, r);
    check_path(&k, r);
    return k.count;
}

/* All of it -------------------------------------------------------------------------------------------------------- */

/* Other rows of the same method and path, counted once for each pair. */
static size_t check_routes_differ(struct buf *out, const struct group *own, size_t row)
{
    const struct route *r = &own->routes[row];
    char file[128];
    struct row_check k = row_check(out, route_file(file, sizeof file, own->name), "%s %s", r->method, r->path);
    for (const struct group *const *g = all_groups; *g; g++)
        for (size_t i = 0; i < (*g)->count; i++) {
            const struct route *other = &(*g)->routes[i];
            if (other == r)
                return k.count;
            if (streq(other->path, r->path) && streq(other->method, r->method))
                complain(&k, "stands in cgi-bin/%s.c as well", (*g)->name);
        }
    return k.count;
}

static size_t check_resources_differ(struct buf *out, size_t row)
{
    const struct resource *r = all_resources[row];
    struct row_check k = row_check(out, r->file, "%s", r->name);
    for (size_t i = 0; i < row; i++) {
        if (streq(all_resources[i]->name, r->name))
            complain(&k, "there is another resource of that name in %s", all_resources[i]->file);
        if (all_resources[i]->rank == r->rank)
            complain(&k, "has the rank of %s", all_resources[i]->name);
    }
    return k.count;
}

/* One statement, which ends at `end`. */
static size_t check_added_column(struct buf *out, const char *sql, const char *end)
{
    size_t len = (size_t)(end - sql);
    char head[160];
    snprintf(head, sizeof head, "%.*s", (int)(strcspn(sql, "\n;") < len ? strcspn(sql, "\n;") : len), sql);
    struct row_check k = row_check(out, "sql/kanso.sql", "%s", head);
    const char *must = memmem(sql, len, "NOT NULL", strlen("NOT NULL"));
    if (must && !memmem(sql, len, "DEFAULT", strlen("DEFAULT")))
        complain(&k, "is NOT NULL without a DEFAULT, but ZenML does not name it when it writes");
    const char *first = memmem(sql, len, "ADD COLUMN", strlen("ADD COLUMN"));
    const char *after = first ? first + 1 : sql;
    if (!first || memmem(after, (size_t)(end - after), "ADD COLUMN", strlen("ADD COLUMN")))
        complain(&k, "an ALTER TABLE adds one column: kansoctl looks whether that one is there");
    return k.count;
}

size_t tables_check_added_columns(struct buf *out, const char *sql)
{
    size_t count = 0;
    for (const char *at = sql; at; at = strstr(at, "\nALTER TABLE ")) {
        at += *at == '\n';
        const char *end = strstr(at, ";\n");
        if (starts_with(at, "ALTER TABLE ") && end)
            count += check_added_column(out, at, end);
    }
    return count;
}

size_t tables_check(struct buf *out)
{
    size_t count = tables_check_added_columns(out, sql_kanso);
    for (size_t i = 0; all_resources[i]; i++)
        count += tables_check_resource(out, all_resources[i]) + check_resources_differ(out, i);
    for (size_t g = 0; all_groups[g]; g++) {
        const struct group *own = all_groups[g];
        for (size_t i = 0; i < own->count; i++)
            count += tables_check_route(out, own->name, &own->routes[i]) + check_routes_differ(out, own, i);
    }
    return count;
}
