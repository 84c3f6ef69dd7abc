#include "http/form.h"

#include "base/text.h"

#include <string.h>

/* How many stretches of text the ampersands part. */
static size_t count_pairs(const char *q, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += q[i] != '&' && (i == 0 || q[i - 1] == '&');
    return n;
}

enum form_fault form_read(struct ctx *c, const char *q, size_t len)
{
    size_t n = count_pairs(q, len);
    c->req.query_count = 0;
    if (n > FORM_MAX_PAIRS)
        return FORM_TOO_MANY;
    c->req.query = arena_array(c->mem, n, sizeof *c->req.query);
    for (const char *end = q + len; q < end;) {
        const char *amp = memchr(q, '&', (size_t)(end - q));
        const char *stop = amp ? amp : end, *eq = memchr(q, '=', (size_t)(stop - q));
        if (stop > q) {
            struct pair *p = &c->req.query[c->req.query_count++];
            size_t name_len;
            p->name = percent_decode(c->mem, q, (size_t)((eq ? eq : stop) - q), true, &name_len);
            p->value = eq ? percent_decode(c->mem, eq + 1, (size_t)(stop - eq - 1), true, &p->value_len) : "";
            if (!text_valid(p->name, name_len) || !text_valid(p->value, p->value_len))
                return FORM_NO_TEXT;
        }
        q = stop + 1;
    }
    return FORM_GOOD;
}

/* The name="..." of a part's Content-Disposition; NULL without one, and for files. */
static const char *part_name(struct ctx *c, const char *head, size_t len)
{
    const char *text = arena_strndup(c->mem, head, len), *name = strcasestr(text, " name=\"");
    if (!name || strcasestr(text, "filename="))
        return NULL;
    name += strlen(" name=\"");
    return arena_strndup(c->mem, name, strcspn(name, "\"\r\n"));
}

enum form_fault form_read_multipart(struct ctx *c, const char *content_type, const char *body, size_t len)
{
    const char *b = strcasestr(content_type, "boundary=");
    if (!b)
        return FORM_GOOD;
    b += strlen("boundary=");
    b += *b == '"';
    const char *mark = arena_printf(c->mem, "--%.*s", (int)strcspn(b, "\";, "), b), *end = body + len;
    size_t mark_len = strlen(mark);
    c->req.query = arena_array(c->mem, FORM_MAX_PAIRS, sizeof *c->req.query);
    c->req.query_count = 0;
    const char *p = memmem(body, len, mark, mark_len);
    for (size_t parts = 0; p; parts++) {
        p += mark_len;
        const char *next = memmem(p, (size_t)(end - p), mark, mark_len);
        const char *blank = memmem(p, (size_t)(end - p), "\r\n\r\n", 4);
        if (!next || !blank || blank + 4 > next - 2)
            return FORM_GOOD;
        if (parts == FORM_MAX_PAIRS)
            return FORM_TOO_MANY;
        if (!text_valid(p, (size_t)(blank - p)))
            return FORM_NO_TEXT;
        const char *name = part_name(c, p, (size_t)(blank - p));
        if (name) {
            struct pair *pair = &c->req.query[c->req.query_count++];
            pair->name = name;
            pair->value_len = (size_t)(next - 2 - (blank + 4));
            pair->value = arena_strndup(c->mem, blank + 4, pair->value_len);
            if (!text_valid(pair->value, pair->value_len))
                return FORM_NO_TEXT;
        }
        p = next;
    }
    return FORM_GOOD;
}

int form_refuse(struct ctx *c, const char *where, int too_many, enum form_fault fault)
{
    if (fault == FORM_TOO_MANY)
        return fail_detail(c, too_many, "The %s has more than %d fields", where, FORM_MAX_PAIRS);
    return fail_detail(c, 400, "The %s holds a text that is not UTF-8, or the character NUL", where);
}
