/*
 * Loading and rendering of envelopes within envelopes.
 *
 * A view holds the rows that an answer is made of. Loading goes through the resources in the order of their rank: rows
 * of a kind are fetched once, with IN, after everything that may refer to them has been seen. So the number of
 * statements depends on the kinds involved, never on the number of rows. Nothing is fetched while rendering.
 */
#ifndef KANSO_RESOURCE_VIEW_H
#define KANSO_RESOURCE_VIEW_H

#include "resource/resource.h"
#include "resource/sql.h"

/* How much of a row is loaded and shown besides its body. */
enum detail {
    D_BODY = 0,
    D_META = 1,
    D_RES = 2, /* the `resources` object, for resources that have one */
    D_ALL = 4, /* every real column, for hooks of writes */
};

/* A row's links are kept by slot: the first ones are for what hangs on rows of several kinds (struct
 * resource.attached), from SLOT_FIRST on each resource has its own. */
enum { LINK_SLOTS = 6, SLOT_FIRST = 2, MAX_RANK = 64 };

/* A to-many link of a row. */
struct link {
    struct link *next;
    const char *id;          /* of the linked row, or NULL */
    const char *key;         /* third column of the link statement, or NULL */
    struct db_value *values; /* all columns of the link statement */
};

/* Whether a nested row may be shown (c->authorize_rows). What nobody has decided on is not. */
enum visibility { UNDECIDED, SHOWN, DENIED };

struct row {
    const struct resource *res;
    const char *id; /* hex */
    unsigned detail;
    struct db_value *values; /* by position of the column in the description; .s NULL where not selected */
    struct link *links[LINK_SLOTS], **link_ends[LINK_SLOTS];
    void *data;  /* a hook's own */
    bool nested; /* something else of the answer refers to it */
    enum visibility visibility;
    struct {
        size_t from, len;
    } text;              /* where the answer holds its body-only envelope already */
    struct row *same_id; /* of another resource: a user and a service account are the same row */
};

struct view;

/* Where a column's own function writes its value. */
struct cell {
    struct view *view;
    const struct row *row;
    const struct column *col;
};

struct view *view_new(struct ctx *c);
struct ctx *view_ctx(const struct view *v);

/* Runs a query that began with view_query() and adds its rows. The new rows
 * are returned in order (existing ones with enough detail are reused). */
int view_select(struct view *v, const struct resource *r, unsigned detail, struct query *q, struct row ***rows,
                size_t *count);

/* What the last view_select() found behind the columns of the description in its first row; NULL without rows. */
const char *view_extra(const struct view *v);

/* Spreads the values that view_query() selects over the places of the columns in the description. */
struct db_value *view_scatter_columns(struct arena *a, const struct resource *r, unsigned detail,
                                      const struct db_value *from);

/* Starts a query with the SELECT part; query_from() goes on, then the caller with conditions. */
struct query *view_query(struct view *v, const struct resource *r, unsigned detail);

/* Appends " FROM table t" with the joins that the columns of that detail need; query_joins(): only the joins, on `t`.
 */
void query_from(struct query *q, const struct resource *r, unsigned detail);
void query_joins(struct query *q, const struct resource *r, unsigned detail);

/* Reads the row of that id (hex); 404 KeyError when there is none. */
int view_row(struct view *v, const struct resource *r, unsigned detail, const char *id, struct row **out);

/* The same with all columns and a lock on the row until the end of the transaction. */
int view_lock_row(struct view *v, const struct resource *r, const char *id, struct row **out);

/* Says that the answer shows no rows of this kind, so that they are not loaded. Before any row is. */
void view_exclude(struct view *v, const struct resource *r);

/* Says that no envelopes are written from this view, so that nobody decides on its rows. */
void view_no_envelopes(struct view *v);

/* Fetches rows by their ids, as many as there are; which of them are still there view_find() tells. */
int view_fetch(struct view *v, const struct resource *r, unsigned detail, const char *const *ids, size_t count);

/* Asks for a row, body only. `id` is hex, NULL is ignored, and must live as long as the view. */
void view_request(struct view *v, const struct resource *r, const char *id);

/* Loads all that was asked for, and what that asks for; then whoever has a say decides what of it may be shown. Proves
 * the caller first, whose own row it knows from that. */
int view_load(struct view *v);

/* The rows that others refer to; their number in *count. */
struct row **view_nested(const struct view *v, size_t *count);

/* The first row of that kind that was loaded, or NULL. */
const struct row *view_first(const struct view *v, const struct resource *r);

/* Fetches links: `text` selects (parent id, child id or NULL, key or NULL, ...) and has %s where the list of parent ids
 * goes (each %s gets the same list). Links hang on the parents' slot; children are asked for when `child` is given. */
int view_links(struct view *v, struct row **parents, size_t count, int slot, const struct resource *child,
               const char *text);

/* Fetches rows of `child`, body only, that hang on parents, and links them: one statement for both. `from` is what
 * stands behind FROM, with the child as t: NULL when its own table has `parent_column`, else the linking table first
 * and STRAIGHT_JOIN. Left to choose, the database reads the children first while there seem to be few of them, and then
 * all links that each of them has: to everything, not just to these parents. */
int view_children(struct view *v, struct row **parents, size_t count, int slot, const struct resource *child,
                  const char *from, const char *parent_column, const char *order);

/* Pages within objects: the first EMBEDDED_PAGE rows of `child` that hang on each parent by the column, in the order in
 * which they were made, and how many there are. For parents that show resources; the rows get what of `mask` their
 * parent shows. One statement finds them, one fetches them. The slot belongs to the page. */
enum { EMBEDDED_PAGE = 5 };
int view_pages(struct view *v, struct row **parents, size_t count, int slot, const struct resource *child,
               unsigned mask, const char *parent_column);

/* Writes the page of a parent. */
void view_write_page(struct view *v, struct jw *w, const struct row *parent, int slot, const struct resource *child,
                     unsigned mask);

/* {"index":...,"items":[ of a page; the caller goes on with the items and closes the list and the object. */
void view_open_page(struct jw *w, int64_t index, int64_t size, int64_t total);

/* Those of the rows that are shown with that detail; their number in *n. */
struct row **view_rows_with(struct view *v, struct row **rows, size_t count, unsigned detail, size_t *n);

/* Adds a link by hand. */
struct link *view_add_link(struct view *v, struct row *parent, int slot, const char *id, const char *key,
                           struct db_value *values);

/* A row that is loaded, or NULL. */
struct row *view_find(const struct view *v, const struct resource *r, const char *id);

/* Adds a row from elsewhere (the caller's own user row, for example). */
struct row *view_add(struct view *v, const struct resource *r, const char *id, unsigned detail,
                     struct db_value *values);

/* Writes an envelope; that of a nested row which the caller may not see is without its content. */
void view_write(struct view *v, struct jw *w, const struct row *row, unsigned detail);

/* Writes the body-only envelope of a loaded row, or null. */
void view_write_ref(struct view *v, struct jw *w, const struct resource *r, const char *id);

/* Writes the value of one column. */
void view_write_column(struct view *v, struct jw *w, const struct row *row, const struct column *col);

/* Column values of a row by member name; NULL for SQL NULL. A name that does not exist ends the process. */
struct db_value row_value(const struct row *row, const char *name);
const char *row_str(const struct row *row, const char *name);
bool row_bool(const struct row *row, const char *name);
struct span row_span(const struct row *row, const char *name);

/* Gives a column that no SQL stands behind its value, in a load hook; NULL for none. */
void row_set(struct row *row, const char *name, const char *value);

/* The SQL expression of a column. */
const char *column_sql(struct arena *a, const struct column *col);

#endif
