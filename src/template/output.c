#include "template/output.h"

#include "base/text.h"

/* Forgets all but the last `limit` bytes. */
static void cut(struct output *o)
{
    if (o->kept.len <= o->limit)
        return;
    memmove(o->kept.data, o->kept.data + o->kept.len - o->limit, o->limit);
    o->kept.len = o->limit;
    o->cut = true;
}

void output_add(struct output *o, const void *data, size_t len)
{
    if (len > o->limit) {
        data = (const char *)data + len - o->limit;
        len = o->limit;
        o->cut = true;
    }
    if (o->kept.len + len > 2 * o->limit)
        cut(o);
    buf_add(&o->kept, data, len);
}

/* The length of the sequence of UTF-8 at `s`, or 0 when there is none that may stand in a text. */
static size_t sequence(const char *s, size_t left)
{
    for (size_t n = 1; n <= 4 && n <= left; n++)
        if (text_valid(s, n))
            return n;
    return 0;
}

void output_take(struct output *o, struct buf *to)
{
    cut(o);
    const char *s = o->kept.data ? o->kept.data : "", *end = s + o->kept.len;
    const char *line = o->cut ? memchr(s, '\n', o->kept.len) : NULL;
    if (line)
        s = line + 1;
    if (text_valid(s, (size_t)(end - s))) {
        buf_add(to, s, (size_t)(end - s));
        s = end;
    }
    while (s < end) {
        size_t n = sequence(s, (size_t)(end - s));
        buf_add(to, n ? s : "\xef\xbf\xbd", n ? n : 3);
        s += n ? n : 1;
    }
    buf_free(&o->kept);
    *o = (struct output){.limit = o->limit};
}

char *output_text(struct arena *a, struct output *o)
{
    struct buf text = {0};
    output_take(o, &text);
    char *copy = arena_strndup(a, text.data ? text.data : "", text.len);
    buf_free(&text);
    return copy;
}
