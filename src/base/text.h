/* Small text helpers: UTF-8, base64, hex, percent-encoding, Python's repr. */
#ifndef KANSO_BASE_TEXT_H
#define KANSO_BASE_TEXT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

/* Equal texts; NULL equals only NULL. */
bool streq(const char *a, const char *b);
bool starts_with(const char *s, const char *prefix);

/* A number that tells texts apart well, for tables of a fixed size. */
unsigned text_hash(const char *s);

/* For qsort(): the order of two texts, by pointers to them. */
int text_order(const void *a, const void *b);

/* Whether `len` bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool utf8_valid(const char *s, size_t len);

/* Whether bytes are a text such as requests may hold: UTF-8 without NUL, at which C code would take it to end. */
bool text_valid(const char *s, size_t len);

/* Number of code points in well-formed UTF-8. */
size_t utf8_length(const char *s, size_t len);

/* Standard alphabet, padded (RFC 4648 section 4). */
char *base64_encode(struct arena *a, const void *data, size_t len);

/* Decodes standard base64; NULL when it is malformed. *out_len may not be NULL. The answer is NUL-terminated. */
char *base64_decode(struct arena *a, const char *s, size_t len, size_t *out_len);

/* base64url without padding (RFC 4648 section 5). */
char *base64url_encode(struct arena *a, const void *data, size_t len);
char *base64url_decode(struct arena *a, const char *s, size_t len, size_t *out_len);

char *hex_encode(struct arena *a, const void *data, size_t len);

/* `len` random bytes of the kernel's generator; ends the process when there are none. */
void random_bytes(void *out, size_t len);

/* `n` random lower-case letters and a NUL. */
void random_letters(char *out, size_t n);

/* A random number in [0, below); below > 0. */
uint32_t random_below(uint32_t below);

/* All but letters, digits and -._~ as %XX (RFC 3986 section 2.3): a part of a path, or a value of a query or form. */
char *percent_encode(struct arena *a, const char *s);

/* Decodes %XX, and + as space when `plus`; malformed escapes stay as they are. The answer may hold NUL bytes. */
char *percent_decode(struct arena *a, const char *s, size_t len, bool plus, size_t *out_len);

/* What Python's repr() makes of a str: docs/contract/validation.md#quoted-messages. */
char *python_repr(struct arena *a, const char *s);

/* Compares without telling by its duration where two byte strings differ. */
bool equal_constant_time(const void *a, size_t a_len, const void *b, size_t b_len);

/* Boolean words as the reference's settings take them: 1 true t yes y on and their opposites, any letter case.
 * Returns 1, 0, or -1 when it is neither. */
int parse_bool_word(const char *s, size_t len);

/* A whole signed number that fills the whole text. */
bool parse_int64(const char *s, int64_t *out);

#endif
