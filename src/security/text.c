/* The readable form of the security models, with values cut as Python's textwrap.shorten does. */
#include "security/fields.h"

#include <string.h>

enum { WIDTH = 80 };
static const char placeholder[] = " [...]";

/* White space as str.split() takes it. */
static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

/* Everything beyond ASCII counts as a letter. */
static bool is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_word(uint32_t c)
{
    return is_letter(c) || is_digit(c);
}

/* What a dash may follow: the end of a word, or punctuation that belongs to one. */
static bool before_dash(uint32_t c)
{
    return is_word(c) || (c < 0x80 && c != 0 && strchr("!\"'&.,?", (int)c));
}

/* A text as code points, with a zero behind the last. */
struct points {
    uint32_t *at;
    size_t len;
};

/* The end of a dash ("--", or more) that begins at i between two words; i when there is none. */
static size_t dash_end(struct points t, size_t i)
{
    size_t end = i;
    if (i == 0 || !before_dash(t.at[i - 1]))
        return i;
    while (t.at[end] == '-')
        end++;
    return end - i >= 2 && is_word(t.at[end]) ? end : i;
}

/* Whether a word may be broken behind its hyphen at i: letters on both sides, not just one. */
static bool breaks_at_hyphen(struct points t, size_t i)
{
    const uint32_t *c = t.at + i;
    if (*c != '-' || i < 2 || !is_letter(c[-1]) || !is_letter(c[1]))
        return false;
    bool before = is_letter(c[-2]) || (i >= 3 && c[-2] == '-' && is_letter(c[-3]));
    return before && (is_letter(c[2]) || (c[2] == '-' && is_letter(c[3])));
}

/* The end of the piece that begins at i: a blank, a dash, a word, or a word up to a hyphen. */
static size_t piece_end(struct points t, size_t i)
{
    if (t.at[i] == ' ')
        return i + 1;
    if (dash_end(t, i) > i)
        return dash_end(t, i);
    for (size_t j = i + 1; j < t.len; j++) {
        if (t.at[j] == ' ' || dash_end(t, j) > j)
            return j;
        if (breaks_at_hyphen(t, j))
            return j + 1;
    }
    return t.len;
}

/* A piece that no line could hold is broken behind the last hyphen that fits; 0: there is none. */
static size_t forced_break(struct points t, size_t start)
{
    size_t hyphen = WIDTH;
    while (hyphen > start && t.at[hyphen - 1] != '-')
        hyphen--;
    for (size_t i = start; i + 1 < hyphen; i++)
        if (t.at[i] != '-')
            return hyphen;
    return 0;
}

/* How many code points of a text that is too long stay before the placeholder. */
static size_t kept(struct points t)
{
    const size_t room = WIDTH - (sizeof placeholder - 1);
    size_t keep = 0, end;
    for (size_t i = 0; i < t.len; i = end) {
        end = piece_end(t, i);
        if (end > WIDTH) {
            size_t forced = end - i > WIDTH ? forced_break(t, i) : 0;
            return forced > 0 && forced <= room ? forced : keep;
        }
        if (t.at[i] != ' ' && end <= room)
            keep = end;
    }
    return keep;
}

static size_t sequence_length(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static uint32_t code_point(const char *s, size_t n)
{
    uint32_t c = n == 1 ? (unsigned char)*s : (unsigned char)*s & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    return c;
}

/* Collapses blanks to single spaces, none at the ends: in `text`, too. */
static struct points collapse(struct arena *a, struct buf *text)
{
    struct points t = {.at = arena_array(a, text->len + 1, sizeof(uint32_t))};
    size_t out = 0, n;
    for (size_t i = 0; i < text->len; i += n) {
        n = sequence_length((unsigned char)text->data[i]);
        uint32_t c = code_point(text->data + i, n);
        bool blank = is_blank(c);
        if (blank && (t.len == 0 || t.at[t.len - 1] == ' '))
            continue;
        t.at[t.len++] = blank ? ' ' : c;
        memmove(text->data + out, blank ? " " : text->data + i, blank ? 1 : n);
        out += blank ? 1 : n;
    }
    if (t.len > 0 && t.at[t.len - 1] == ' ') {
        t.at[--t.len] = 0;
        out--;
    }
    text->len = out;
    return t;
}

/* Appends the line of a value, unless nothing but blanks is in it. Uses up `text`. */
static void put_line(struct arena *a, struct buf *out, const char *name, size_t indent, struct buf *text)
{
    struct points t = collapse(a, text);
    if (t.len > 0)
        buf_addf(out, "%*s%s: ", (int)indent, "", name);
    if (t.len <= WIDTH) {
        buf_add(out, text->data, text->len);
    } else {
        size_t keep = kept(t), bytes = 0;
        for (size_t i = 0; i < keep; i++)
            bytes += sequence_length((unsigned char)text->data[bytes]);
        buf_add(out, text->data, bytes);
        buf_adds(out, keep > 0 ? placeholder : placeholder + 1);
    }
    if (t.len > 0)
        buf_addc(out, '\n');
    buf_clear(text, SIZE_MAX);
}

static void quote(struct buf *out, struct span s)
{
    static const char special[] = "\n\r\t\"'\\", letter[] = "nrt\"'\\";
    buf_addc(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.s[i];
        const char *e = c ? strchr(special, c) : NULL;
        if (e)
            buf_addf(out, "\\%c", letter[e - special]);
        else if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\%03o", c);
        else
            buf_addc(out, (char)c);
    }
    buf_addc(out, '"');
}

/* Protobuf's text format of a list's item, with blanks for line ends: they collapse anyway. */
static void put_text_format(struct buf *out, const struct sec_model *model, const void *object)
{
    for (const struct sec_field *f = model->fields; f < model->fields + model->count; f++) {
        if (!sec_is_set(f, object))
            continue;
        buf_addf(out, f->kind == SEC_MESSAGE ? "%s { " : "%s: ", f->name);
        if (f->kind == SEC_MESSAGE) {
            put_text_format(out, f->model, *sec_message(f, object));
            buf_addc(out, '}');
        } else if (f->kind == SEC_TEXT) {
            quote(out, *sec_text(f, object));
        } else if (sec_word(f, *sec_enum(f, object))) {
            buf_adds(out, sec_word(f, *sec_enum(f, object)));
        } else {
            buf_addf(out, "%d", (int)*sec_enum(f, object));
        }
        buf_addc(out, ' ');
    }
}

static void put_list(struct buf *out, const struct sec_model *model, const struct sec_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        buf_adds(out, i ? ", " : "[");
        put_text_format(out, model, list->items[i]);
    }
    buf_addc(out, ']');
}

static void put_fields(struct arena *a, struct buf *out, const struct sec_model *model, const void *object,
                       size_t indent, struct buf *line)
{
    for (const struct sec_field *f = model->fields; f < model->fields + model->count; f++) {
        if (!sec_is_set(f, object))
            continue;
        if (f->kind == SEC_MESSAGE) {
            const void *child = *sec_message(f, object);
            if (sec_is_empty(f->model, child) == 0) {
                buf_addf(out, "%*s%s:\n", (int)indent, "", f->name);
                put_fields(a, out, f->model, child, indent + 2, line);
            }
            continue;
        }
        if (f->kind == SEC_TEXT)
            buf_add(line, sec_text(f, object)->s, sec_text(f, object)->len);
        else if (f->kind == SEC_ENUM)
            buf_addf(line, "%d", (int)*sec_enum(f, object));
        else
            put_list(line, f->model, sec_list(f, object));
        put_line(a, out, f->name, indent, line);
    }
}

void sec_short_string(struct arena *a, const struct sec_model *model, const void *object, struct buf *out)
{
    struct buf line = {0};
    buf_addf(out, "Flyte Serialized object (%s):\n", model->name);
    size_t body = out->len;
    if (sec_is_null(model, object))
        buf_adds(out, "None");
    else
        put_fields(a, out, model, object, 2, &line);
    if (out->len > body && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
    buf_free(&line);
}
