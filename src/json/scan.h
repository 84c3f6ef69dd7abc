/*
 * JSON as text: a syntax check, the mending of stored texts, and finding one's way in a text without building a tree.
 * json-c alone is too lenient for strangers' input and too slow for stored documents that are only passed on.
 */
#ifndef KANSO_JSON_SCAN_H
#define KANSO_JSON_SCAN_H

#include "base/arena.h"

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

enum { JSON_MAX_DEPTH = 200, JSON_STORED_DEPTH = 1000 };

/* About what json-c takes for an object, an array, another value and a member of an object, besides their texts; and
 * how much a whole tree may take. */
enum {
    JSON_OBJECT_BYTES = 800,
    JSON_ARRAY_BYTES = 200,
    JSON_VALUE_BYTES = 100,
    JSON_MEMBER_BYTES = 130,
    JSON_MAX_TREE = 256 * 1024 * 1024
};

/* What clients may send: one JSON value (RFC 8259) in UTF-8, nested at most JSON_MAX_DEPTH deep; also NaN, Infinity and
 * -Infinity, which Python writes. No integer below -2^63 or from 2^64 on, no NUL in a text or key (C code would take
 * the text to end there), no half of a surrogate pair; not so many values
 * and keys that a tree of them would take more than JSON_MAX_TREE. Needs no memory. */
bool json_check(const char *s, size_t len, struct json_error *error);

/* The same without Python's three words, and with NUL, which those that walk the text can stand. */
bool json_check_strict(const char *s, size_t len, struct json_error *error);

/* Makes stored text fit to stand in an answer: what Python has written becomes strict JSON, without blanks around it.
 * NaN and infinities become null, halves of surrogate pairs U+FFFD. Sound text, that is nearly all, is not copied;
 * other text is mended in a copy in the arena. False when there is no JSON value to be had, or it is nested deeper than
 * JSON_STORED_DEPTH. */
bool json_mend(struct arena *a, struct span *text, struct json_error *error);

/* How many bytes from here on can stand in a JSON string as they are. */
size_t json_plain(const char *s, size_t len);

/* The following trust their text: it has passed json_check() or json_mend(); on damaged text they stop at its end and
 * never read beyond it. */

/* The value that begins at or after `at`; *next is set behind it. */
struct span json_value_at(struct span text, size_t at, size_t *next);

/* Walks the members of an object: start with *at = 0; false at the end. `key` is the raw text between the quotes. */
bool json_next_member(struct span object, size_t *at, struct span *key, struct span *value);

/* Walks the items of an array likewise. */
bool json_next_item(struct span array, size_t *at, struct span *value);

/* The value of a member, the last of that name; .s is NULL when there is none. Keys with escapes are compared in their
 * decoded form. */
struct span json_member(struct span object, const char *key);

/* Number of members of an object, or of items of an array. */
size_t json_count(struct span container);

/* What kind of value a span holds, by its first character: one of { [ " t f n 0, or NUL when empty. */
char json_kind(struct span value);

/* Decodes the text between the quotes of a JSON string; `out` has room for len bytes; returns the length. */
size_t json_unescape(const char *s, size_t len, char *out);

#endif
