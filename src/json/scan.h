/*
 * JSON as text: a strict syntax check (RFC 8259) and finding one's way in a text without building a tree.
 * json-c alone is too lenient for strangers' input and too slow for stored documents that are only passed on.
 */
#ifndef KANSO_JSON_SCAN_H
#define KANSO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* A stretch of text; .s is NULL where there is none. */
struct span {
    const char *s;
    size_t len;
};

struct json_error {
    size_t at;           /* where decoding stopped, in code points */
    const char *message; /* what was expected there, in the words that clients of the reference see */
};

enum { JSON_MAX_DEPTH = 200 };

/* Whether the text is one JSON value: UTF-8, depth at most JSON_MAX_DEPTH, integers within 64 bits. */
bool json_check(const char *s, size_t len, struct json_error *error);

/* The following trust their text: it has passed json_check() or comes from the database; on damaged text they stop at
 * its end and never read beyond it. */

/* The value that begins at or after `at`; *next is set behind it. */
struct span json_value_at(struct span text, size_t at, size_t *next);

/* Walks the members of an object: start with *at = 0; false at the end. `key` is the raw text between the quotes. */
bool json_next_member(struct span object, size_t *at, struct span *key, struct span *value);

/* Walks the items of an array likewise. */
bool json_next_item(struct span array, size_t *at, struct span *value);

/* The value of a member; .s is NULL when there is none. Keys with escapes are compared in their decoded form. */
struct span json_member(struct span object, const char *key);

/* Number of members of an object, or of items of an array. */
size_t json_count(struct span container);

/* What kind of value a span holds, by its first character: one of { [ " t f n 0, or NUL when empty. */
char json_kind(struct span value);

/* Decodes the text between the quotes of a JSON string; `out` has room for len bytes; returns the length. */
size_t json_unescape(const char *s, size_t len, char *out);

#endif
