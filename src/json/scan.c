#include "json/scan.h"

#include "base/buf.h"
#include "base/text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

struct checker {
    const char *s;
    size_t len, i;
    int depth, max_depth;
    bool nul, words;       /* escaped NUL, and NaN and infinities, pass */
    size_t tree, max_tree; /* what the values so far would take as a tree, and how much that may be */
    const char *message;
    size_t at;
    struct buf *mended; /* of stored text: a copy up to `copied`, once something had to be replaced; NULL: no mending */
    size_t copied;
};

static bool stop(struct checker *c, size_t at, const char *message)
{
    c->at = at;
    c->message = message;
    return false;
}

/* Replaces what stands between `from` and c->i. Texts are most often good, so nothing is copied until the first time;
 * from then on the copy holds all up to c->copied. */
static bool mend(struct checker *c, size_t from, const char *with)
{
    buf_add(c->mended, c->s + c->copied, from - c->copied);
    buf_adds(c->mended, with);
    c->copied = c->i;
    return true;
}

static size_t blank_end(struct span t, size_t i)
{
    while (i < t.len && (t.s[i] == ' ' || t.s[i] == '\n' || t.s[i] == '\t' || t.s[i] == '\r'))
        i++;
    return i;
}

static bool count(struct checker *c, size_t bytes)
{
    c->tree += bytes;
    return c->tree <= c->max_tree || stop(c, c->i, "Too many values and keys");
}

static void skip_blank(struct checker *c)
{
    c->i = blank_end((struct span){c->s, c->len}, c->i);
}

static unsigned hex4(const char *s)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) {
        char c = (char)tolower((unsigned char)s[i]);
        v = v << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return v;
}

/* \uXXXX at c->i, which is behind the backslash. */
static bool check_unicode(struct checker *c, size_t at)
{
    for (size_t k = 1; k <= 4; k++)
        if (c->i + k >= c->len || !isxdigit((unsigned char)c->s[c->i + k]))
            return stop(c, at, "Invalid \\uXXXX escape");
    unsigned v = hex4(c->s + c->i + 1);
    c->i += 5;
    if (v == 0 && !c->nul)
        return stop(c, at, "The character NUL in a text");
    if (v < 0xd800 || v > 0xdfff)
        return true;
    bool pair = v < 0xdc00 && c->len - c->i >= 6 && c->s[c->i] == '\\' && c->s[c->i + 1] == 'u';
    for (size_t k = 2; k < 6 && pair; k++)
        pair = isxdigit((unsigned char)c->s[c->i + k]);
    if (pair && hex4(c->s + c->i + 2) >= 0xdc00 && hex4(c->s + c->i + 2) <= 0xdfff) {
        c->i += 6;
        return true;
    }
    return c->mended ? mend(c, at, "\\ufffd") : stop(c, at, "Half of a surrogate pair");
}

static bool check_escape(struct checker *c)
{
    size_t at = c->i - 1;
    if (c->i < c->len && c->s[c->i] == 'u')
        return check_unicode(c, at);
    if (c->i >= c->len || !c->s[c->i] || !strchr("\"\\/bfnrt", c->s[c->i]))
        return stop(c, at, "Invalid \\escape: ");
    c->i++;
    return true;
}

/* Whether none of eight bytes is a quote, a backslash or a control character: has a byte that is zero after the xor, or
 * that borrows in the subtraction. */
static bool all_plain(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
    uint64_t x;
    memcpy(&x, p, sizeof x);
    uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\';
    uint64_t odd = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((x - ones * 0x20) & ~x);
    return (odd & tops) == 0;
}

size_t json_plain(const char *s, size_t len)
{
    size_t n = 0;
    while (len - n >= 8 && all_plain(s + n))
        n += 8;
    while (n < len && (unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

static bool check_string(struct checker *c)
{
    size_t start = c->i++;
    while ((c->i += json_plain(c->s + c->i, c->len - c->i)) < c->len) {
        unsigned char ch = (unsigned char)c->s[c->i];
        if (ch < 0x20)
            return stop(c, c->i, "Invalid control character at");
        c->i++;
        if (ch == '"')
            return true;
        if (!check_escape(c))
            return false;
    }
    return stop(c, start, "Unterminated string starting at");
}

static size_t digit_run(struct checker *c)
{
    size_t start = c->i;
    while (c->i < c->len && isdigit((unsigned char)c->s[c->i]))
        c->i++;
    return c->i - start;
}

/* Whether `n` digits, the first of which is no zero unless it is the only one, are a number from -2^63 to 2^64-1. */
static bool fits_64_bits(const char *digits, size_t n, bool negative)
{
    const char *limit = negative ? "9223372036854775808" : "18446744073709551615";
    size_t most = strlen(limit);
    return n < most || (n == most && memcmp(digits, limit, most) <= 0);
}

/* A number as far as one goes: what follows it and belongs to none ("1.", "01", "1e") is told by whoever expects a
 * comma there, with the message and place that clients of the reference know. Integers beyond 64 bits are refused,
 * since json-c would make another number of them without a word. */
static bool check_number(struct checker *c)
{
    size_t start = c->i;
    if (c->s[c->i] == '-')
        c->i++;
    size_t first = c->i, n = digit_run(c);
    if (n > 1 && c->s[first] == '0') { /* a number ends behind a leading zero, what follows is superfluous */
        c->i = first + 1;
        return true;
    }
    bool whole = true;
    size_t mark = c->i;
    if (c->i < c->len && c->s[c->i] == '.') {
        c->i++;
        if (digit_run(c) == 0)
            c->i = mark;
        else
            whole = false;
    }
    mark = c->i;
    if (c->i < c->len && (c->s[c->i] == 'e' || c->s[c->i] == 'E')) {
        c->i++;
        if (c->i < c->len && (c->s[c->i] == '+' || c->s[c->i] == '-'))
            c->i++;
        if (digit_run(c) == 0)
            c->i = mark;
        else
            whole = false;
    }
    if (whole && !c->mended && !fits_64_bits(c->s + first, n, c->s[start] == '-'))
        return stop(c, start, "Integer beyond 64 bits");
    return true;
}

static bool check_value(struct checker *c);

static bool check_object(struct checker *c)
{
    c->i++;
    skip_blank(c);
    if (c->i < c->len && c->s[c->i] == '}') {
        c->i++;
        return true;
    }
    for (;;) {
        if (c->i >= c->len || c->s[c->i] != '"')
            return stop(c, c->i, "Expecting property name enclosed in double quotes");
        if (!count(c, JSON_MEMBER_BYTES) || !check_string(c))
            return false;
        skip_blank(c);
        if (c->i >= c->len || c->s[c->i] != ':')
            return stop(c, c->i, "Expecting ':' delimiter");
        c->i++;
        if (!check_value(c))
            return false;
        skip_blank(c);
        if (c->i < c->len && c->s[c->i] == '}') {
            c->i++;
            return true;
        }
        if (c->i >= c->len || c->s[c->i] != ',')
            return stop(c, c->i, "Expecting ',' delimiter");
        c->i++;
        skip_blank(c);
    }
}

static bool check_array(struct checker *c)
{
    c->i++;
    skip_blank(c);
    if (c->i < c->len && c->s[c->i] == ']') {
        c->i++;
        return true;
    }
    for (;;) {
        if (!check_value(c))
            return false;
        skip_blank(c);
        if (c->i < c->len && c->s[c->i] == ']') {
            c->i++;
            return true;
        }
        if (c->i >= c->len || c->s[c->i] != ',')
            return stop(c, c->i, "Expecting ',' delimiter");
        c->i++;
    }
}

static bool check_word(struct checker *c)
{
    enum { FIRST_NUMBER = 3 };
    static const char *const words[] = {"true", "false", "null", "NaN", "Infinity", "-Infinity"};
    size_t from = c->i;
    for (size_t w = 0; w < (c->words ? ARRAY_LEN(words) : FIRST_NUMBER); w++) {
        size_t n = strlen(words[w]);
        if (c->len - from < n || memcmp(c->s + from, words[w], n) != 0)
            continue;
        c->i += n;
        return w >= FIRST_NUMBER && c->mended ? mend(c, from, "null") : true;
    }
    return stop(c, from, "Expecting value");
}

static bool check_value(struct checker *c)
{
    skip_blank(c);
    if (c->i >= c->len)
        return stop(c, c->i, "Expecting value");
    char ch = c->s[c->i];
    if (!count(c, ch == '{' ? JSON_OBJECT_BYTES : ch == '[' ? JSON_ARRAY_BYTES : JSON_VALUE_BYTES))
        return false;
    if (ch == '"')
        return check_string(c);
    if (isdigit((unsigned char)ch) || (ch == '-' && c->len - c->i > 1 && isdigit((unsigned char)c->s[c->i + 1])))
        return check_number(c);
    if (ch == '{' || ch == '[') {
        if (++c->depth > c->max_depth)
            return stop(c, c->i, "Nested too deeply");
        bool ok = ch == '{' ? check_object(c) : check_array(c);
        c->depth--;
        return ok;
    }
    return check_word(c);
}

static bool check_text(struct checker *c, struct json_error *error)
{
    bool ok = utf8_valid(c->s, c->len) ? check_value(c) : stop(c, 0, "Body is not UTF-8");
    size_t end = c->i;
    if (ok) {
        skip_blank(c);
        if (c->i < c->len)
            ok = stop(c, c->i, "Extra data");
    }
    c->i = end;
    if (!ok) {
        error->at = utf8_length(c->s, c->at < c->len ? c->at : c->len);
        error->message = c->message;
    }
    return ok;
}

bool json_check(const char *s, size_t len, struct json_error *error)
{
    struct checker c = {.s = s, .len = len, .max_depth = JSON_MAX_DEPTH, .max_tree = JSON_MAX_TREE, .words = true};
    return check_text(&c, error);
}

bool json_check_strict(const char *s, size_t len, struct json_error *error)
{
    struct checker c = {.s = s, .len = len, .max_depth = JSON_MAX_DEPTH, .max_tree = JSON_MAX_TREE, .nul = true};
    return check_text(&c, error);
}

bool json_mend(struct arena *a, struct span *text, struct json_error *error)
{
    struct buf mended = {0};
    struct checker c = {.s = text->s,
                        .len = text->len,
                        .max_depth = JSON_STORED_DEPTH,
                        .max_tree = SIZE_MAX,
                        .nul = true,
                        .words = true,
                        .mended = &mended,
                        .copied = blank_end(*text, 0)};
    bool ok = check_text(&c, error);
    if (ok) {
        if (mended.len)
            buf_add(&mended, c.s + c.copied, c.i - c.copied);
        *text = mended.len ? (struct span){arena_strndup(a, mended.data, mended.len), mended.len}
                           : (struct span){c.s + c.copied, c.i - c.copied};
    }
    buf_free(&mended);
    return ok;
}

/* The place behind the string that opens at i. */
static size_t string_end(struct span t, size_t i)
{
    for (i++; i < t.len; i++) {
        const char *q = memchr(t.s + i, '"', t.len - i);
        if (!q)
            return t.len;
        size_t end = (size_t)(q - t.s), back = 0;
        while (t.s[end - 1 - back] == '\\')
            back++;
        if (back % 2 == 0)
            return end + 1;
        i = end;
    }
    return t.len;
}

static size_t value_end(struct span t, size_t i)
{
    size_t depth = 0;
    for (; i < t.len; i++) {
        char ch = t.s[i];
        if (ch == '"') {
            i = string_end(t, i);
            if (depth == 0)
                return i;
            i--;
        } else if (ch == '{' || ch == '[') {
            depth++;
        } else if (ch == '}' || ch == ']') {
            if (depth <= 1)
                return depth == 1 ? i + 1 : i;
            depth--;
        } else if (depth == 0 && (ch == ',' || ch == ':' || ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t')) {
            return i;
        }
    }
    return t.len;
}

struct span json_value_at(struct span text, size_t at, size_t *next)
{
    size_t start = blank_end(text, at), end = value_end(text, start);
    if (next)
        *next = end;
    return (struct span){start < end ? text.s + start : NULL, end - start};
}

/* Steps over the opening bracket or a comma; false at the closing bracket or the end. */
static bool enter(struct span t, size_t *at)
{
    size_t i = blank_end(t, *at);
    if (i >= t.len || (i != *at && *at == 0 && t.s[i] != '{' && t.s[i] != '['))
        return false;
    if (t.s[i] == ',' || *at == 0)
        i = blank_end(t, i + 1);
    *at = i;
    return i < t.len && t.s[i] != '}' && t.s[i] != ']';
}

bool json_next_member(struct span object, size_t *at, struct span *key, struct span *value)
{
    if (!object.s || !enter(object, at) || object.s[*at] != '"')
        return false;
    size_t end = string_end(object, *at);
    *key = (struct span){object.s + *at + 1, end - *at >= 2 ? end - *at - 2 : 0};
    size_t colon = blank_end(object, end);
    if (colon >= object.len || object.s[colon] != ':')
        return false;
    *value = json_value_at(object, colon + 1, at);
    return value->s != NULL;
}

bool json_next_item(struct span array, size_t *at, struct span *value)
{
    if (!array.s || !enter(array, at))
        return false;
    *value = json_value_at(array, *at, at);
    return value->s != NULL;
}

enum { MAX_UTF8 = 4 };

static size_t put_utf8(unsigned v, char *out)
{
    if (v < 0x80) {
        out[0] = (char)v;
        return 1;
    }
    size_t n = v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; v >>= 6)
        out[i] = (char)(0x80 | (v & 0x3f));
    out[0] = (char)(lead[n] | v);
    return n;
}

/* Decodes what stands at *i and steps behind it; the number of bytes in `out`. */
static size_t unescape_next(struct span t, size_t *i, char out[MAX_UTF8])
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *s = t.s;
    size_t at = (*i)++;
    if (s[at] != '\\' || at + 1 >= t.len) {
        out[0] = s[at];
        return 1;
    }
    ++*i;
    const char *e = strchr(from, s[++at]); /* behind the backslash */
    if (s[at] != 'u' || at + 4 >= t.len) {
        out[0] = e && *e ? to[e - from] : s[at];
        return 1;
    }
    unsigned v = hex4(s + at + 1);
    at += 4;
    if (v >= 0xd800 && v < 0xdc00 && at + 6 < t.len && s[at + 1] == '\\' && s[at + 2] == 'u') {
        unsigned low = hex4(s + at + 3);
        if (low >= 0xdc00 && low < 0xe000) {
            v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
            at += 6;
        }
    }
    *i = at + 1;
    return put_utf8(v >= 0xd800 && v < 0xe000 ? 0xfffd : v, out);
}

/* Compares decoded, character by character: keys are of any length. */
static bool key_is(struct span raw, const char *key, size_t len)
{
    if (!memchr(raw.s, '\\', raw.len))
        return raw.len == len && memcmp(raw.s, key, len) == 0;
    size_t at = 0;
    for (size_t i = 0; i < raw.len;) {
        char part[MAX_UTF8];
        size_t n = unescape_next(raw, &i, part);
        if (len - at < n || memcmp(key + at, part, n) != 0)
            return false;
        at += n;
    }
    return at == len;
}

struct span json_member(struct span object, const char *key)
{
    struct span k, v, last = {0};
    size_t at = 0, len = strlen(key);
    while (json_kind(object) == '{' && json_next_member(object, &at, &k, &v))
        if (key_is(k, key, len))
            last = v;
    return last;
}

size_t json_count(struct span container)
{
    struct span k, v;
    size_t at = 0, n = 0;
    bool object = json_kind(container) == '{';
    while (object ? json_next_member(container, &at, &k, &v) : json_next_item(container, &at, &v))
        n++;
    return n;
}

char json_kind(struct span value)
{
    if (!value.s || value.len == 0)
        return '\0';
    size_t i = blank_end(value, 0);
    if (i >= value.len)
        return '\0';
    return value.s[i] == '-' || isdigit((unsigned char)value.s[i]) ? '0' : value.s[i];
}

size_t json_unescape(const char *s, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        char part[MAX_UTF8];
        size_t bytes = unescape_next((struct span){s, len}, &i, part);
        memcpy(out + n, part, bytes);
        n += bytes;
    }
    return n;
}
