#include "json/scan.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

struct checker {
    const char *s;
    size_t len, i;
    int depth;
    const char *message;
    size_t at;
};

static bool stop(struct checker *c, size_t at, const char *message)
{
    c->at = at;
    c->message = message;
    return false;
}

static void skip_blank(struct checker *c)
{
    while (c->i < c->len && strchr(" \t\n\r", c->s[c->i]) && c->s[c->i])
        c->i++;
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
    if (v < 0xd800 || v > 0xdfff)
        return true;
    bool pair = v < 0xdc00 && c->len - c->i >= 6 && c->s[c->i] == '\\' && c->s[c->i + 1] == 'u';
    for (size_t k = 2; k < 6 && pair; k++)
        pair = isxdigit((unsigned char)c->s[c->i + k]);
    if (!pair || hex4(c->s + c->i + 2) < 0xdc00 || hex4(c->s + c->i + 2) > 0xdfff)
        return stop(c, at, "Half of a surrogate pair");
    c->i += 6;
    return true;
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

static bool check_string(struct checker *c)
{
    size_t start = c->i++;
    while (c->i < c->len) {
        unsigned char ch = (unsigned char)c->s[c->i];
        if (ch < 0x20)
            return stop(c, c->i, "Invalid control character at");
        c->i++;
        if (ch == '"')
            return true;
        if (ch == '\\' && !check_escape(c))
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

static bool check_number(struct checker *c)
{
    size_t start = c->i;
    if (c->s[c->i] == '-')
        c->i++;
    size_t first = c->i, n = digit_run(c);
    if (n == 0)
        return stop(c, start, "Expecting value");
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
    if (whole && n >= 19) {
        const char *limit = c->s[start] == '-' ? "9223372036854775808" : "9223372036854775807";
        if (n > 19 || memcmp(c->s + first, limit, 19) > 0)
            return stop(c, start, "Integer beyond 64 bits");
    }
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
        if (!check_string(c))
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

static bool check_value(struct checker *c)
{
    static const char *const words[] = {"true", "false", "null"};
    skip_blank(c);
    if (c->i >= c->len)
        return stop(c, c->i, "Expecting value");
    char ch = c->s[c->i];
    if (ch == '"')
        return check_string(c);
    if (ch == '-' || isdigit((unsigned char)ch))
        return check_number(c);
    if (ch == '{' || ch == '[') {
        if (++c->depth > JSON_MAX_DEPTH)
            return stop(c, c->i, "Nested too deeply");
        bool ok = ch == '{' ? check_object(c) : check_array(c);
        c->depth--;
        return ok;
    }
    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
        size_t n = strlen(words[w]);
        if (c->len - c->i >= n && memcmp(c->s + c->i, words[w], n) == 0) {
            c->i += n;
            return true;
        }
    }
    return stop(c, c->i, "Expecting value");
}

bool json_check(const char *s, size_t len, struct json_error *error)
{
    struct checker c = {.s = s, .len = len};
    bool ok = utf8_valid(s, len) ? check_value(&c) : stop(&c, 0, "Body is not UTF-8");
    if (ok) {
        skip_blank(&c);
        if (c.i < len)
            ok = stop(&c, c.i, "Extra data");
    }
    if (!ok) {
        error->at = utf8_length(s, c.at < len ? c.at : len);
        error->message = c.message;
    }
    return ok;
}

static size_t blank_end(struct span t, size_t i)
{
    while (i < t.len && (t.s[i] == ' ' || t.s[i] == '\n' || t.s[i] == '\t' || t.s[i] == '\r'))
        i++;
    return i;
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

static bool key_is(struct span raw, const char *key, size_t len)
{
    if (!memchr(raw.s, '\\', raw.len))
        return raw.len == len && memcmp(raw.s, key, len) == 0;
    char decoded[1024];
    if (raw.len > sizeof decoded)
        return false;
    size_t n = json_unescape(raw.s, raw.len, decoded);
    return n == len && memcmp(decoded, key, len) == 0;
}

struct span json_member(struct span object, const char *key)
{
    struct span k, v;
    size_t at = 0, len = strlen(key);
    while (json_kind(object) == '{' && json_next_member(object, &at, &k, &v))
        if (key_is(k, key, len))
            return v;
    return (struct span){0};
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

size_t json_unescape(const char *s, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] != '\\' || i + 1 >= len) {
            out[n++] = s[i];
            continue;
        }
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        const char *e = strchr(from, s[++i]);
        if (s[i] != 'u' || i + 4 >= len) {
            out[n++] = e && *e ? to[e - from] : s[i];
            continue;
        }
        unsigned v = hex4(s + i + 1);
        i += 4;
        if (v >= 0xd800 && v < 0xdc00 && i + 6 < len && s[i + 1] == '\\' && s[i + 2] == 'u') {
            unsigned low = hex4(s + i + 3);
            if (low >= 0xdc00 && low < 0xe000) {
                v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
                i += 6;
            }
        }
        if (v >= 0xd800 && v < 0xe000)
            v = 0xfffd;
        n += put_utf8(v, out + n);
    }
    return n;
}
