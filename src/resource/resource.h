/*
 * The resource engine's vocabulary: a resource is described by tables of data, and list, get, create, update, delete,
 * filters, paging and rendering come from them. Behaviour of its own is a named hook beside the description.
 *
 * Fields are those of tests/contract/openapi.json, rules those of docs/contract/resources.md.
 */
#ifndef KANSO_RESOURCE_RESOURCE_H
#define KANSO_RESOURCE_RESOURCE_H

#include "db/db.h"
#include "http/context.h"
#include "http/route.h"

/* How a column holds its value (docs/contract/schema.md#encodings). */
enum encoding {
    E_TEXT,
    E_UUID,  /* char(32) */
    E_STAMP, /* datetime */
    E_BOOL,  /* tinyint(1) */
    E_INT,
    E_FLOAT,
    E_DURATION, /* seconds as a float; ISO 8601 on the wire */
    E_JSON,     /* JSON text */
    E_B64,      /* base64 of JSON text */
};

/* Where a member stands in the answer. S_NONE: not shown. */
enum section { S_NONE, S_TOP, S_BODY, S_META, S_RES };

/* What a filter parameter compares, and which operators it knows (docs/contract/resources.md#filters). */
enum filter_class {
    F_NONE,
    F_STRING,
    F_UUID,
    F_STAMP,
    F_INT,
    F_BOOL,        /* with the reference's generous reading */
    F_STRICT_BOOL, /* checked like a body: no operators */
    F_STRICT_INT,
    F_STRICT_FLOAT,
    F_STRICT_UUID,
    F_STRICT_ENUM, /* the column's type */
    F_EQUAL,       /* text equality, no operators; empty text is no filter */
    F_ID,          /* a UUID, no operators */
    F_IGNORED,     /* accepted, no effect */
    F_REFUSED,     /* the resource has the parameter, but nothing that it could compare */
};

struct cell;
struct view;
struct row;

enum column_flags {
    C_LOAD = 1,           /* selected in every case: a hook needs it */
    C_LOAD_META = 2,      /* selected when metadata is shown */
    C_ALWAYS = 4,         /* an update writes it even when absent (as NULL) */
    C_JSON_NULL = 8,      /* null is stored as JSON null, not as SQL NULL */
    C_COMPACT = 16,       /* JSON is stored without blanks, raw UTF-8 */
    C_NO_UPDATE = 32,     /* an update accepts the member but leaves the column alone */
    C_MANY_META = 64,     /* the rows of `many` are shown with their metadata */
    C_IF_HYDRATED = 4096, /* of the resources: there only when metadata is shown and it is not null */
    C_EMPTY_NULL = 128,   /* an empty object, list or text is stored as SQL NULL; an empty text is shown as null */
    C_SORT = 256,         /* sort key without a filter */
    C_READONLY = 512,     /* never written from a body */
    C_NULL_EMPTY = 1024,  /* null is stored as an empty text */
    C_FIXED = 8192,       /* never changes while the row is there; that what it names goes may clear it */
    C_JOINED = 2048       /* where the row of `ref` is shown, it is read along, by a join: that saves a statement */
};

struct column {
    const char *name;         /* member of the answer and filter parameter */
    const char *col;          /* SQL column, when it is not `name` */
    const char *sql;          /* an expression instead (t is the resource's table); never written */
    const char *request_name; /* member of the request body, when it is not `name` */
    enum encoding enc;
    enum section section;
    enum filter_class filter;
    unsigned flags;
    const struct type *type;    /* for F_STRICT_ENUM; of E_JSON: stored lists and maps of documents are completed */
    const struct resource *ref; /* the column holds an id: show that resource, body only */
    /* The column holds an id, which is not shown as more than that: of a row of that resource. As with `ref`, the row
     * has to be there when the id is written, whatever the database would take. */
    const struct resource *target;
    const struct resource *many; /* no column: the list of that resource's rows that hang on this one (`attached`) */
    const struct model *doc;     /* stored documents are completed with this model's defaults */
    const char *null_as;         /* JSON text shown for NULL, instead of null */
    void (*show)(const struct cell *at, struct jw *w); /* writes the value, instead of all above */
    int arg;                                           /* for `show`, where several columns share it */
    const char *schema; /* what the answer holds, where the above does not say it: notation of app/openapi.h */
};

/* A filter that is more than a column: `sql` has one %s where the comparison goes ("x.name" becomes "x.name LIKE ?").
 * With F_STRICT_BOOL, `sql` is for true and `sql_false` for false (NULL: no condition). */
struct filter {
    const char *name;
    enum filter_class cls;
    const char *column; /* what is compared */
    const char *sql;    /* around the comparison; NULL: just the comparison */
    const char *sql_false;
    bool fixed;                /* rows never come to meet it, or cease to, while they are there */
    bool ungrouped;            /* holds in any case: not among the conditions that logical_operator joins */
    const char *joined;        /* with `or`, holds besides: ZenML joins what is compared, so rows without it are out */
    const char *overridden_by; /* no effect when this other parameter is given and not empty */
    const char *parts, *part;  /* column `part` has the id of a row of `parts`, of which the comparison is */
};

struct unique {
    const char *columns[5]; /* the first is the name; NULL-terminated */
    enum exception error;
    bool on_update;
};

/* What has come of a write besides OK or FAILED. */
enum write_result {
    WRITE_DONE,
    WRITE_FOUND, /* a hook of a create has found the row that is asked for, `id`: nothing is written */
    WRITE_TAKEN, /* refused, because a row has the same key */
};

/* A create, update or delete in progress. */
struct write {
    struct ctx *c;
    const struct resource *res;
    struct json_object *body; /* checked */
    char id[33];
    struct row *old; /* updates and deletes: the row as it was, all columns */
    struct assignment {
        const char *col;
        struct db_param value;
    } set[48];
    size_t set_count;
    void *data; /* of the handler that began it, for its hooks */
    enum write_result result;
};

enum change { CREATED, UPDATED, DELETED };

/* Who is told what a request's transactions do: c->recorder, set by room audit. */
struct recorder {
    /* The engine has written a row within the open transaction. The id is hex; `name` may be NULL. */
    void (*changed)(struct ctx *c, const struct resource *r, const char *id, const char *name, enum change change);
    void (*begun)(struct ctx *c);
    int (*before_commit)(struct ctx *c); /* what it returns but OK, it has composed the answer for: no COMMIT then */
    void (*committed)(struct ctx *c);
};

enum resource_flags {
    X_WORKSPACE = 1,       /* has workspace_id */
    X_OWNER = 2,           /* has user_id, which must be the caller on create */
    X_NAME_RULE = 4,       /* name: no control blanks, not empty (on create) */
    X_UPDATE_NULLS = 8,    /* an update writes explicit nulls; otherwise they are ignored */
    X_META_NULL = 16,      /* metadata is null even when hydrated */
    X_COMMON = 32,         /* what refers to none of its rows is common to all of them: see struct route, within */
    X_NO_ENVELOPE_ID = 64, /* no id and permission_denied members */
    X_SMALL = 256,         /* so few rows that it is cheap to walk along all of them */
    X_GROWS = 1024,        /* the table grows with each run: nothing may read all of it, nor sort it */
    X_UNGOVERNED = 512     /* no permission of the control plane governs it: needs of routes are met */
};

struct resource {
    const char *name;  /* of the entity in messages, route tables and RBAC: "pipeline_run" */
    const char *label; /* in messages: "pipeline run" */
    const char *title; /* in the OpenAPI document: "PipelineRun" of PipelineRunRequest, PipelineRunResponse, ... */
    const char *file;  /* where it is described; COLUMNS() says it */
    const char *table;
    const char *joins; /* behind "table t", for column expressions that need them */
    const struct column *columns;
    size_t column_count;
    const struct model *body; /* create and update */
    const struct filter *filters;
    size_t filter_count;
    const char *where; /* condition on every list and look-up */
    unsigned flags;
    int rank; /* order of loading: before everything it refers to; see model/model.h */
    struct unique unique;
    struct {                /* rows that hang on rows of several kinds; each is shown by columns with `many` */
        int slot;           /* of the links of what they hang on */
        const char *from;   /* as that of view_children(): NULL when `parent` is the row's own column */
        const char *parent; /* the SQL column with the id of what it hangs on; NULL: they hang on nothing */
        /* what is to be done with it when such a row is created or updated, before the commit, or about to be deleted;
         * NULL: nothing */
        int (*follow)(struct write *w, enum change change);
    } attached;
    const char *tag_type;      /* tags of this resource: tag_resource.resource_type */
    const char *metadata_type; /* run metadata of this resource: run_metadata.resource_type */

    /* Hooks. Each returns OK, FAILED or RETRY. NULL: nothing to do. */
    int (*load)(struct view *v, struct row **rows, size_t count); /* fetches links of freshly loaded rows */
    int (*scope)(struct ctx *c, struct filter_query *q); /* adds conditions that depend on the caller or the path */
    int (*check_create)(struct write *w);                /* before ownership, name and uniqueness are looked at */
    int (*before_create)(struct write *w); /* in the transaction, before the INSERT; may add assignments */
    int (*after_create)(struct write *w);
    int (*before_lock)(
        struct write *w); /* updates: in the transaction, before the row is locked; for locks that come first */
    int (*before_update)(struct write *w);
    int (*after_update)(struct write *w);
    int (*before_delete)(struct write *w);
    int (*may_delete)(struct ctx *c, const char *id); /* before anything of it is, where that is done in steps */
};

#define COLUMNS(rows) .file = __FILE__, .columns = (rows), .column_count = sizeof(rows) / sizeof *(rows)
#define FILTERS(rows) .filters = (rows), .filter_count = sizeof(rows) / sizeof *(rows)

/* Columns that nearly every resource has. */
#define COL_ID                                                                                                         \
    {                                                                                                                  \
        .name = "id", .enc = E_UUID, .section = S_TOP, .filter = F_UUID, .flags = C_READONLY | C_FIXED                 \
    }
#define COL_NAME_AS(more)                                                                                              \
    {                                                                                                                  \
        .name = "name", .section = S_TOP, .filter = F_STRING, .flags = (more)                                          \
    }
#define COL_NAME COL_NAME_AS(0)
#define COL_TIMES                                                                                                      \
    {.name = "created", .enc = E_STAMP, .section = S_BODY, .filter = F_STAMP, .flags = C_READONLY | C_FIXED},          \
    {                                                                                                                  \
        .name = "updated", .enc = E_STAMP, .section = S_BODY, .filter = F_STAMP, .flags = C_READONLY                   \
    }
/* The owner, with the class of the filter by his id. */
#define COL_USER_AS(filter_class)                                                                                      \
    COL_SHOWN(user, resource_user, S_BODY, .schema = "?"),                                                             \
    {                                                                                                                  \
        .name = "user_id", .request_name = "user", .enc = E_UUID, .filter = (filter_class),                            \
        .flags = C_NO_UPDATE | C_FIXED                                                                                 \
    }
#define COL_USER COL_USER_AS(F_UUID)
#define COL_WORKSPACE_AS(filter_class)                                                                                 \
    {.name = "workspace",                                                                                              \
     .col = "workspace_id",                                                                                            \
     .ref = &resource_workspace,                                                                                       \
     .section = S_META,                                                                                                \
     .enc = E_UUID,                                                                                                    \
     .flags = C_READONLY | C_JOINED},                                                                                  \
    {                                                                                                                  \
        .name = "workspace_id", .request_name = "workspace", .enc = E_UUID, .filter = (filter_class),                  \
        .flags = C_NO_UPDATE | C_FIXED                                                                                 \
    }
#define COL_WORKSPACE COL_WORKSPACE_AS(F_UUID)
/* A link to one row of `res`: column <member>_id, shown as <member>, filtered as <member>_id, given as <member>. */
#define COL_LINK(member, res, where)                                                                                   \
    {.name = #member,                                                                                                  \
     .col = #member "_id",                                                                                             \
     .ref = &(res),                                                                                                    \
     .section = (where),                                                                                               \
     .enc = E_UUID,                                                                                                    \
     .flags = C_NO_UPDATE,                                                                                             \
     .schema = "?"},                                                                                                   \
    {                                                                                                                  \
        .name = #member "_id", .enc = E_UUID, .filter = F_UUID, .flags = C_READONLY | C_FIXED                          \
    }

/* The row whose id column <member>_id holds, shown as <member>; the column is written by another row of the table. */
#define COL_SHOWN(member, res, where, ...)                                                                             \
    {                                                                                                                  \
        .name = #member, .col = #member "_id", .ref = &(res), .section = (where), .enc = E_UUID, .flags = C_READONLY,  \
        __VA_ARGS__                                                                                                    \
    }
/* The same where the id comes from an expression. */
#define COL_SHOWN_OF(member, res, where, expression)                                                                   \
    {                                                                                                                  \
        .name = #member, .sql = (expression), .ref = &(res), .section = (where), .enc = E_UUID, .schema = "?"          \
    }

/* The id column <member>_id of a row of `res`, which is not shown as more than that. */
#define COL_TARGET(member, res, ...)                                                                                   \
    {                                                                                                                  \
        .name = #member "_id", .target = &(res), .enc = E_UUID, __VA_ARGS__                                            \
    }

/* Body members that nearly every resource has: whose it is, and with IN_OWNED also where. */
#define IN_OWNER                                                                                                       \
    {                                                                                                                  \
        "user", &T_UUID, NULL, 0, REQ                                                                                  \
    }
#define IN_OWNED                                                                                                       \
    IN_OWNER,                                                                                                          \
    {                                                                                                                  \
        "workspace", &T_UUID, NULL, 0, REQ                                                                             \
    }

extern const struct resource resource_user, resource_workspace;

/* Generic handlers for route tables. */
int resource_list(struct ctx *c);
int resource_get(struct ctx *c);
int resource_create(struct ctx *c);
int resource_update(struct ctx *c);
int resource_delete(struct ctx *c);
int resource_member(struct ctx *c); /* one member of the row that the path names by its id: see struct route, member */

#define LIST(p, res, ...)                                                                                              \
    {                                                                                                                  \
        .method = "GET", .path = (p), .handler = resource_list, .resource = &(res), .op = OP_LIST,                     \
        .needs = NEEDS({&(res), "read", NEED_LISTED, NULL}), __VA_ARGS__                                               \
    }
#define GET(p, res, ...)                                                                                               \
    {                                                                                                                  \
        .method = "GET", .path = (p), .handler = resource_get, .resource = &(res), .op = OP_GET,                       \
        .needs = NEEDS({&(res), "read", NEED_SHOWN, NULL}), .flags = R_HYDRATE, __VA_ARGS__                            \
    }
#define CREATE(p, res, ...)                                                                                            \
    {                                                                                                                  \
        .method = "POST", .path = (p), .handler = resource_create, .resource = &(res), .op = OP_CREATE,                \
        .needs = NEEDS({&(res), "create", NEED_TYPE, NULL}), __VA_ARGS__                                               \
    }
#define UPDATE(p, res, ...)                                                                                            \
    {                                                                                                                  \
        .method = "PUT", .path = (p), .handler = resource_update, .resource = &(res), .op = OP_UPDATE,                 \
        .needs = NEEDS({&(res), "update", NEED_PATH, NULL}), __VA_ARGS__                                               \
    }
#define DELETE(p, res, ...)                                                                                            \
    {                                                                                                                  \
        .method = "DELETE", .path = (p), .handler = resource_delete, .resource = &(res), .op = OP_DELETE,              \
        .needs = NEEDS({&(res), "delete", NEED_PATH, NULL}), __VA_ARGS__                                               \
    }

/* Every resource that an answer can show, NULL-terminated; room app lists them. */
extern const struct resource *const all_resources[];

/* The resource of that name, or NULL. */
const struct resource *resource_named(const char *name);

/* The column of that member name, or NULL. */
const struct column *resource_column(const struct resource *r, const char *name);

/* Whether the table has it, rather than an expression or a function of its own; and what the table calls it. */
bool column_is_stored(const struct column *col);
const char *column_stored_name(const struct column *col);

/* Steps of the generic handlers, for handlers of their own. ------------------------------------------------------ */

/* The row that the path is within (struct route, within); 404 when there is none. Writes hex. */
int path_within(struct ctx *c, char hex[33]);

/* The id behind a name or id (docs/contract/resources.md#look-up): 404 KeyError when there is none. */
int resource_find(struct ctx *c, const struct resource *r, const char *name_or_id, char hex[33]);

/* The id (hex) that the first part of the path says, which may be a name (struct route, params). */
int path_row(struct ctx *c, const struct resource *r, const char **id);

/* Deletes the row of the route's resource with that id (hex), in one transaction, and answers. */
int resource_delete_row(struct ctx *c, const char *id);

/* Runs the whole generic create for a checked body; w->id then names the new row, or with WRITE_FOUND one that was
 * there. Commits. */
int write_create(struct write *w);

/* Runs the whole generic update of a row (hex id) for a checked body. Commits. */
int write_update(struct write *w, const char *hex);

/* The part of write_create() that is in the transaction, for rows that come along with others: the caller has begun the
 * transaction, made the checks that it wants, and commits. */
int write_create_within(struct write *w);

/* The part of a delete that is in the transaction: deletes the row that write_lock() has locked, and what goes with it.
 */
int write_delete_within(struct write *w);

/* Refuses because there is no row of that id (hex or dashed) or name. */
int no_such_row(struct ctx *c, enum exception error, const struct resource *r, const char *name_or_id);

/* Answers the row; 404 when there is none. respond_row_with(): `data` is there for the hooks that show it, as
 * row->data. */
int respond_row(struct ctx *c, const struct resource *r, const char *id, unsigned detail);
int respond_row_with(struct ctx *c, const struct resource *r, const char *id, unsigned detail, void *data);

/* Locks the row of that id (hex) until the end of the transaction; 404 when there is none. */
int row_lock(struct ctx *c, const struct resource *r, const char *id);

/* Adds an assignment to the INSERT or UPDATE; a later one for the same column wins. */
void write_set(struct write *w, const char *col, struct db_param value);

/* The value of an assignment as text; NULL when not assigned or SQL NULL. */
const char *write_get(const struct write *w, const char *col);

/* Encodes a checked value for a column. */
struct db_param encode_value(struct arena *a, const struct column *col, struct json_object *value);

/* Loads a row with all columns and a lock on it, for changing it; 404 KeyError when there is none. */
int write_lock(struct write *w, const char *hex);

/* UPDATE with the assignments; `updated` is set in any case. Rows that it refers to must be there, as with
 * write_insert().
 */
int write_flush_update(struct write *w);

/* Puts the new row where the path is (struct route, within); a body that names another place is refused. A part of
 * write_create(), for handlers that want to know first. */
int write_within(struct write *w);

/* Inserts a row, whose id this makes, unless there is one of the same name. */
int write_add(struct write *w);

/* Inserts a row of the resource's table with the assignments, id, created and updated. The rows that it refers to
 * (`ref` and `target` of the columns) are looked for first, and stay until the end of the transaction; 400 ValueError
 * when one is missing. */
int write_insert(struct write *w);

/* One row that has to be there: id (hex; NULL: nothing is asked for) and the exception when it is not. */
struct reference {
    const struct resource *to;
    const char *id;
    enum exception error;
};

/* Looks for rows and keeps them from being deleted until the end of the transaction. One statement. */
int references_lock(struct ctx *c, const struct reference *refs, size_t count);

/* The same for many rows of one resource; 404 KeyError. */
int references_lock_all(struct ctx *c, const struct resource *to, const char *const *ids, size_t count);

/* Refuses with 404 KeyError when one of the ids is not in the first column of what was found. */
int references_found(struct ctx *c, const struct resource *to, const char *const *ids, size_t count,
                     const struct db_rows *found);

/* Takes the name guard and looks for a row with the same key; fails with the resource's exception. */
int write_unique(struct write *w);

/* The refusal of a write whose key is taken. */
int write_taken(struct write *w, const struct unique *u);

/* Takes or gives back a row of the name guard by hand. */
int name_guard(struct ctx *c, const char *resource, const char *scope, const char *name);
int name_guard_release(struct ctx *c, const char *resource, const char *scope, const char *name);

/* The same for a key that depends on the row: take the guard and look, and give the guard back behind the INSERT or
 * UPDATE (its lock lasts until the commit all the same). */
int write_unique_key(struct write *w, const struct unique *u);
int write_release_key(struct write *w, const struct unique *u);

#endif
