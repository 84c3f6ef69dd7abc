/* A growing byte buffer, NUL-terminated, that keeps its memory when it is emptied. Zero-initialise it. */
#ifndef KANSO_BASE_BUF_H
#define KANSO_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

struct buf {
    char *data;
    size_t len, cap;
};

/* Makes room for `more` bytes behind the content and returns where they go; the caller then adds to len. */
char *buf_room(struct buf *b, size_t more);

static inline void buf_add(struct buf *b, const void *p, size_t len)
{
    char *to = len < b->cap - b->len ? b->data + b->len : buf_room(b, len);
    if (len)
        memcpy(to, p, len);
    to[len] = '\0';
    b->len += len;
}

static inline void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

static inline void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

/* Repeats what the buffer holds from `from` on. */
void buf_repeat(struct buf *b, size_t from, size_t len);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_addv(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Empties it; memory beyond `keep` bytes goes back. */
void buf_clear(struct buf *b, size_t keep);
void buf_free(struct buf *b);

#endif
