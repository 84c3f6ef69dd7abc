/* The field tables of the security models; for this room only. */
#ifndef KANSO_SECURITY_FIELDS_H
#define KANSO_SECURITY_FIELDS_H

#include "security/security.h"

enum sec_kind { SEC_TEXT, SEC_ENUM, SEC_MESSAGE, SEC_LIST };

enum {
    SEC_NULLABLE = 1, /* from the wire, "" and a message of zero bytes become null */
    SEC_NEEDED = 2,   /* null is refused, so JSON shows "" */
};

/* A field's number on the wire is its place in the table, counted from 1: there are no gaps. */
struct sec_field {
    const char *name; /* in the proto file */
    const char *json;
    enum sec_kind kind;
    unsigned flags;
    size_t offset;                 /* of a struct span, int32_t, pointer or struct sec_list */
    const struct sec_model *model; /* of a message or of a list's items */
    const char *const *words;      /* an enum's, from 0, NULL at the end */
};

struct sec_model {
    const char *name;
    size_t size;
    const struct sec_field *fields;
    size_t count;
    bool idl; /* a bare message: null and "" are the same, and no rule applies */
    /* The rules of the constructor; NULL when the object keeps them, else what is wrong. */
    const char *(*check)(struct arena *a, const void *object);
};

/* Where a field is. */
static inline void *sec_at(const struct sec_field *f, const void *object)
{
    return (char *)object + f->offset;
}

static inline struct span *sec_text(const struct sec_field *f, const void *object)
{
    return sec_at(f, object);
}

static inline int32_t *sec_enum(const struct sec_field *f, const void *object)
{
    return sec_at(f, object);
}

static inline void **sec_message(const struct sec_field *f, const void *object)
{
    return sec_at(f, object);
}

static inline struct sec_list *sec_list(const struct sec_field *f, const void *object)
{
    return sec_at(f, object);
}

/* Whether the field is on the wire: not null, "", 0 or without items. */
bool sec_is_set(const struct sec_field *f, const void *object);

/* No message at all: a SecurityContext whose fields are all null. */
bool sec_is_null(const struct sec_model *model, const void *object);

/* The word of an enum's number; NULL when it has none. */
const char *sec_word(const struct sec_field *f, int32_t number);

/* Adds an item to a list; rooms double, so that n items cost n. */
void sec_append(struct arena *a, struct sec_list *list, void *item);

#endif
