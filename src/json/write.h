/*
 * A streaming JSON writer. It holds no state but the buffer: a comma is due unless the last byte opened something.
 * Two styles: compact with raw UTF-8 (answers, some columns), and the one of most stored columns: ", " and ": " with
 * \uXXXX for everything beyond ASCII (docs/contract/schema.md#encodings).
 */
#ifndef KANSO_JSON_WRITE_H
#define KANSO_JSON_WRITE_H

#include "base/buf.h"
#include "json/scan.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct jw {
    struct buf *out;
    bool spaced; /* the stored style, in which NaN and infinities are written as Python does; null stands for them in
                    the other */
};

void jw_open(struct jw *w, char bracket);  /* '{' or '[' */
void jw_close(struct jw *w, char bracket); /* '}' or ']' */
void jw_key(struct jw *w, const char *key);
void jw_keyn(struct jw *w, const char *key, size_t len);
void jw_name(struct jw *w, const char *name); /* a key that needs no escapes: names in this program's tables */

/* A member whose value is a text or an id (NULL: null), or that begins with '{' or '['. */
void jw_key_str(struct jw *w, const char *key, const char *text);
void jw_key_open(struct jw *w, const char *key, char bracket);
void jw_key_uuid(struct jw *w, const char *key, const char *hex);
void jw_str(struct jw *w, const char *s); /* NULL writes null */
void jw_strn(struct jw *w, const char *s, size_t len);
void jw_int(struct jw *w, int64_t v);
void jw_double(struct jw *w, double v); /* shortest form that reads back equal, with a point or exponent */
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
void jw_raw(struct jw *w, const char *json, size_t len); /* a value that is JSON already */
void jw_span(struct jw *w, struct span json);            /* likewise; an absent one writes null */
void jw_repeat(struct jw *w, size_t from, size_t len);   /* a value that stands in the buffer already */
void jw_value(struct jw *w, struct json_object *v);      /* a json-c tree */

/* UUIDs from their 32 hex digits, timestamps from SQL form. */
void jw_uuid(struct jw *w, const char *hex);
void jw_stamp(struct jw *w, const char *sql, size_t len);

/* A tree as text in memory of the arena. */
struct arena;
char *json_text(struct arena *a, struct json_object *v, bool spaced);

/* Parses text that json_check() accepts, which otherwise says what is wrong; the tree is freed with the arena, and NULL
 * for `null`. */
bool json_parse(struct arena *a, const char *s, size_t len, struct json_object **out, struct json_error *error);

/* The tree of text that json_check() has accepted; NULL for `null`. */
struct json_object *json_build(struct arena *a, const char *s, size_t len);

/* Parses stored text, or an answer of another server, where it does not matter what is wrong: text that json_mend()
 * takes; NULL for any other as well. */
struct json_object *json_tree(struct arena *a, const char *s, size_t len);

/* Ties a tree made by hand to the arena. */
struct json_object *json_keep(struct arena *a, struct json_object *v);

#endif
