#include "base/buf.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *buf_room(struct buf *b, size_t more)
{
    size_t need = size_add(size_add(b->len, more), 1);
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 1024;
        while (cap < need)
            cap = size_mul(cap, 2);
        b->data = xrealloc(b->data, cap);
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_repeat(struct buf *b, size_t from, size_t len)
{
    char *to = buf_room(b, len); /* the content may have moved */
    memcpy(to, b->data + from, len);
    to[len] = '\0';
    b->len += len;
}

void buf_addv(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    char *to = buf_room(b, 0);
    size_t room = b->cap - b->len;
    int n = vsnprintf(to, room, fmt, ap);
    if (n > 0 && (size_t)n >= room)
        vsnprintf(buf_room(b, (size_t)n), (size_t)n + 1, fmt, again);
    if (n > 0)
        b->len += (size_t)n;
    va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_addv(b, fmt, ap);
    va_end(ap);
}

void buf_clear(struct buf *b, size_t keep)
{
    if (b->cap > keep) {
        free(b->data);
        b->data = NULL;
        b->cap = 0;
    }
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
