#include "json/write.h"

#include "base/arena.h"
#include "base/uuid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void separate(struct jw *w)
{
    struct buf *b = w->out;
    char last = b->len ? b->data[b->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':' && !(last == ' ' && w->spaced))
        buf_add(b, ", ", w->spaced ? 2 : 1);
}

void jw_open(struct jw *w, char bracket)
{
    separate(w);
    buf_addc(w->out, bracket);
}

void jw_close(struct jw *w, char bracket)
{
    buf_addc(w->out, bracket);
}

static unsigned next_code_point(const unsigned char *s, size_t left, size_t *n)
{
    unsigned v = s[0];
    *n = v < 0x80 ? 1 : v >= 0xf0 ? 4 : v >= 0xe0 ? 3 : 2;
    if (*n == 1 || *n > left) {
        *n = 1;
        return v;
    }
    v &= 0xffu >> (*n + 1);
    for (size_t i = 1; i < *n; i++)
        v = v << 6 | (s[i] & 0x3f);
    return v;
}

static void write_special(struct buf *b, unsigned v)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *e = v < 0x80 && v ? strchr(from, (int)v) : NULL;
    if (e)
        buf_addf(b, "\\%c", to[e - from]);
    else if (v < 0x10000)
        buf_addf(b, "\\u%04x", v);
    else
        buf_addf(b, "\\u%04x\\u%04x", 0xd800 + ((v - 0x10000) >> 10), 0xdc00 + ((v - 0x10000) & 0x3ff));
}

/* How many bytes from here on can stay as they are when only ASCII may. */
static size_t ascii_length(const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

static void write_string(struct jw *w, const char *s, size_t len)
{
    struct buf *b = w->out;
    const unsigned char *p = (const unsigned char *)s;
    buf_addc(b, '"');
    for (size_t i = 0;;) {
        size_t plain = w->spaced ? ascii_length(s + i, len - i) : json_plain(s + i, len - i), n;
        buf_add(b, s + i, plain);
        i += plain;
        if (i == len)
            break;
        write_special(b, next_code_point(p + i, len - i, &n));
        i += n;
    }
    buf_addc(b, '"');
}

void jw_keyn(struct jw *w, const char *key, size_t len)
{
    separate(w);
    write_string(w, key, len);
    buf_add(w->out, ": ", w->spaced ? 2 : 1);
}

void jw_name(struct jw *w, const char *name)
{
    size_t len = strlen(name);
    separate(w);
    char *to = buf_room(w->out, len + 4);
    *to++ = '"';
    memcpy(to, name, len);
    to += len;
    *to++ = '"';
    *to++ = ':';
    if (w->spaced)
        *to++ = ' ';
    *to = '\0';
    w->out->len = (size_t)(to - w->out->data);
}

void jw_key(struct jw *w, const char *key)
{
    jw_keyn(w, key, strlen(key));
}

void jw_strn(struct jw *w, const char *s, size_t len)
{
    separate(w);
    if (s)
        write_string(w, s, len);
    else
        buf_add(w->out, "null", 4);
}

void jw_str(struct jw *w, const char *s)
{
    jw_strn(w, s, s ? strlen(s) : 0);
}

void jw_int(struct jw *w, int64_t v)
{
    separate(w);
    buf_addf(w->out, "%lld", (long long)v);
}

void jw_double(struct jw *w, double v)
{
    char text[40];
    if (!isfinite(v)) {
        const char *word = !w->spaced ? "null" : isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity";
        jw_raw(w, word, strlen(word));
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    if (!strpbrk(text, ".e"))
        memcpy(text + strlen(text), ".0", 3);
    jw_raw(w, text, strlen(text));
}

void jw_bool(struct jw *w, bool v)
{
    jw_raw(w, v ? "true" : "false", v ? 4 : 5);
}

void jw_null(struct jw *w)
{
    jw_raw(w, "null", 4);
}

void jw_raw(struct jw *w, const char *json, size_t len)
{
    separate(w);
    buf_add(w->out, json, len);
}

void jw_repeat(struct jw *w, size_t from, size_t len)
{
    separate(w);
    buf_repeat(w->out, from, len);
}

void jw_span(struct jw *w, struct span json)
{
    if (json.s && json.len)
        jw_raw(w, json.s, json.len);
    else
        jw_null(w);
}

static void write_integer(struct jw *w, struct json_object *v)
{
    int64_t n = json_object_get_int64(v); /* as large as can be for 2^63 and above */
    if (n < INT64_MAX) {
        jw_int(w, n);
        return;
    }
    separate(w);
    buf_addf(w->out, "%llu", (unsigned long long)json_object_get_uint64(v));
}

static void write_fraction(struct jw *w, struct json_object *v)
{
    double d = json_object_get_double(v);
    if (!json_object_get_userdata(v) || !isfinite(d)) {
        jw_double(w, d);
        return;
    }
    /* json-c keeps the source text of numbers that it has read, and that text is exact */
    const char *text = json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN);
    jw_raw(w, text, strlen(text));
}

void jw_value(struct jw *w, struct json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_null:
        jw_null(w);
        break;
    case json_type_boolean:
        jw_bool(w, json_object_get_boolean(v));
        break;
    case json_type_int:
        write_integer(w, v);
        break;
    case json_type_double:
        write_fraction(w, v);
        break;
    case json_type_string:
        jw_strn(w, json_object_get_string(v), (size_t)json_object_get_string_len(v));
        break;
    case json_type_array:
        jw_open(w, '[');
        for (size_t i = 0; i < json_object_array_length(v); i++)
            jw_value(w, json_object_array_get_idx(v, i));
        jw_close(w, ']');
        break;
    case json_type_object:
        jw_open(w, '{');
        json_object_object_foreach(v, key, member)
        {
            jw_key(w, key);
            jw_value(w, member);
        }
        jw_close(w, '}');
        break;
    }
}

void jw_uuid(struct jw *w, const char *hex)
{
    char text[UUID_TEXT + 1];
    if (!hex || strlen(hex) != UUID_HEX) {
        jw_str(w, hex);
        return;
    }
    uuid_write(hex, text);
    separate(w);
    char *to = buf_room(w->out, UUID_TEXT + 2);
    to[0] = '"';
    memcpy(to + 1, text, UUID_TEXT);
    to[UUID_TEXT + 1] = '"';
    w->out->len += UUID_TEXT + 2;
}

void jw_stamp(struct jw *w, const char *sql, size_t len)
{
    if (!sql) {
        jw_null(w);
        return;
    }
    separate(w);
    buf_addc(w->out, '"');
    size_t at = w->out->len;
    buf_add(w->out, sql, len);
    if (len > 10)
        w->out->data[at + 10] = 'T';
    buf_addc(w->out, '"');
}

char *json_text(struct arena *a, struct json_object *v, bool spaced)
{
    struct buf b = {0};
    struct jw w = {.out = &b, .spaced = spaced};
    jw_value(&w, v);
    char *text = arena_strndup(a, b.data, b.len);
    buf_free(&b);
    return text;
}

static void put_tree(void *v)
{
    json_object_put(v);
}

struct json_object *json_keep(struct arena *a, struct json_object *v)
{
    if (v)
        arena_on_reset(a, put_tree, v);
    return v;
}

struct json_object *json_build(struct arena *a, const char *s, size_t len)
{
    enum { KEEP = 1024 * 1024 };
    static struct json_tokener *t; /* kept, unless a long text has made it large */
    if (t)
        json_tokener_reset(t);
    else
        t = json_tokener_new_ex(JSON_STORED_DEPTH + 2);
    struct json_object *out = json_keep(a, json_tokener_parse_ex(t, s, (int)len));
    if (json_tokener_get_error(t) == json_tokener_continue) /* a bare number or word might go on */
        out = json_keep(a, json_tokener_parse_ex(t, "", 1));
    if (len > KEEP) {
        json_tokener_free(t);
        t = NULL;
    }
    return out;
}

bool json_parse(struct arena *a, const char *s, size_t len, struct json_object **out, struct json_error *error)
{
    bool good = json_check(s, len, error);
    *out = good ? json_build(a, s, len) : NULL;
    return good;
}

struct json_object *json_tree(struct arena *a, const char *s, size_t len)
{
    struct span text = {s, len};
    struct json_error error;
    return json_mend(a, &text, &error) ? json_build(a, text.s, text.len) : NULL;
}

void jw_key_str(struct jw *w, const char *key, const char *text)
{
    jw_key(w, key);
    jw_str(w, text);
}

void jw_key_uuid(struct jw *w, const char *key, const char *hex)
{
    jw_key(w, key);
    jw_uuid(w, hex);
}

void jw_key_open(struct jw *w, const char *key, char bracket)
{
    jw_key(w, key);
    jw_open(w, bracket);
}
