/*
 * Documents described as data: what a JSON object may hold, its defaults and limits.
 *
 * One kind of table serves request and update bodies, stored documents, form fields, query parameters and the OpenAPI
 * components. The shape and order of problems follow docs/contract/validation.md#problems.
 */
#ifndef KANSO_JSON_MODEL_H
#define KANSO_JSON_MODEL_H

#include "base/arena.h"
#include "json/write.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind {
    K_ANY,
    K_STRING,
    K_INT,
    K_FLOAT,
    K_BOOL,
    K_UUID,     /* checked trees hold the dashed lower-case form */
    K_STAMP,    /* checked trees hold SQL form */
    K_DURATION, /* checked trees hold seconds as a double */
    K_ENUM,
    K_MAP,
    K_LIST,
    K_MODEL,
    K_UNION, /* the first alternative of the value's own JSON type, else the first that accepts it */
};

struct model;

struct type {
    enum kind kind;
    const char *label;             /* what `loc` calls it as an alternative of a union */
    const struct type *item;       /* K_MAP, K_LIST */
    const struct type *key;        /* K_MAP with checked keys: a K_ENUM */
    bool item_null;                /* items may be null */
    const struct model *model;     /* K_MODEL */
    const char *const *words;      /* K_ENUM, NULL-terminated */
    const struct type *const *any; /* K_UNION, NULL-terminated */
};

/* How a member may appear. A create (or any plain document) wants REQ or takes the default; an update takes UPD ones.
 */
enum member_flags {
    REQ = 1,         /* must be there when creating */
    NUL = 2,         /* may be null when creating */
    UPD = 4,         /* accepted by the update, where it may be absent or null */
    UPD_ONLY = 8,    /* not part of the create body */
    UPD_REQ = 16,    /* must be there when updating, and not null */
    UPD_ANYLEN = 32, /* `max` does not hold for the update */
    HOOK = 128,      /* a hook of the resource takes it: no column has it */
    UPD_DEF = 64,    /* absent in an update: the default, and null is refused */
};

struct field {
    const char *name;
    const struct type *type;
    const char *def; /* JSON text of the default; NULL means null */
    unsigned max;    /* most characters of a string, 0 = no limit */
    unsigned flags;  /* enum member_flags */
    bool ranged;     /* ge and le hold */
    int64_t ge, le;
};

enum extra { EXTRA_IGNORE, EXTRA_FORBID, EXTRA_ALLOW };

struct check;

struct model {
    const char *name; /* of the component in the OpenAPI document */
    const struct field *fields;
    size_t count;
    enum extra extra;
    const char *const *dropped; /* members taken out silently before checking, NULL-terminated */
    /* Turns what is accepted as shorthand into an object (a source given as dotted path); returns `value` otherwise, or
     * reports with check_problem(). */
    struct json_object *(*before)(struct check *c, struct json_object *value);
    /* Rules over several members of the checked value; reports with check_problem(). */
    void (*after)(struct check *c, struct json_object *value);
    bool split; /* in the OpenAPI document, what is accepted and what is shown are components of their own */
};

#define MODEL(title, rows, ...)                                                                                        \
    {                                                                                                                  \
        .name = (title), .fields = (rows), .count = sizeof(rows) / sizeof *(rows), __VA_ARGS__                         \
    }

/* Types without parameters. */
extern const struct type T_ANY, T_STRING, T_INT, T_FLOAT, T_BOOL, T_UUID, T_STAMP, T_DURATION, T_MAP_ANY, T_LIST_ANY,
    T_STRINGS, T_UUIDS, T_MAP_STRING, T_MAP_UUID, T_PASSWORD; /* text that is not to be shown around */

enum check_mode { CHECK_CREATE, CHECK_UPDATE };

/* The place of a value, from the inside out. */
struct loc {
    const struct loc *outer;
    const char *name; /* NULL: an index */
    size_t index;
};

/* A check of one request: counts every problem, and lists the first CHECK_LISTED. */
struct check {
    struct arena *mem;
    enum check_mode mode;
    struct buf problems; /* the items of a JSON array */
    int count;
    bool quiet;           /* problems are counted only: somebody tries whether a value fits */
    const struct loc *at; /* where the value in hand is */
};

enum { CHECK_LISTED = 100 };

/* A check in the arena, without problems so far. */
struct check *check_new(struct arena *mem);

/* Adds a problem at c->at (or at a member of it, when `member` is given). `ctx` is JSON text or NULL. Of a long input
 * it shows the beginning. */
void check_problem(struct check *c, const char *member, const char *type, struct json_object *input, const char *ctx,
                   const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* Forgets what was added since the check had `count` problems and `len` bytes of them. */
void check_rewind(struct check *c, int count, size_t len);

/* The problems as the text of a JSON array, in the arena; the last item says how many more there are. */
char *check_text(struct check *c);

/* Checks an object against a model; returns a complete new tree (owned by the arena), or NULL after adding problems.
 * In CHECK_UPDATE the result holds just the members that were given. Nested documents are always complete. */
struct json_object *model_check(struct check *c, const struct model *m, struct json_object *value);

/* Checks one value. Returns a new reference that the caller attaches to a tree; *ok tells null from failure. */
struct json_object *type_check(struct check *c, const struct type *t, const struct field *f, struct json_object *value,
                               bool *ok);

/* A checked document as documents are stored: times and durations in wire form; without `nulls`, members that are null
 * are left out, those of maps and lists excepted. A new tree, owned by the arena. */
struct json_object *model_stored(struct arena *a, const struct model *m, struct json_object *v, bool nulls);

/* Writes a stored document, completed with the defaults of members it lacks, without building a tree. */
void model_write_stored(struct jw *w, const struct model *m, struct span text);

/* The same for a list or map of documents; a value of any other type is passed on. */
void type_write_stored(struct jw *w, const struct type *t, struct span text);

const struct field *model_field(const struct model *m, const char *name);

/* Members of a checked tree: NULL where absent or null. */
const char *member_str(struct json_object *o, const char *name);
struct json_object *member(struct json_object *o, const char *name);
bool member_given(struct json_object *o, const char *name); /* present, null included */
bool member_bool(struct json_object *o, const char *name);

/* The UUID that a member of an object holds, as 32 hex digits in the arena; NULL when it holds none. */
const char *member_hex(struct arena *a, struct json_object *o, const char *name);

#endif
