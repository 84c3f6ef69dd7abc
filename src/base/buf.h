/* A growing byte buffer, NUL-terminated, that keeps its memory when it is emptied. Zero-initialise it. */
#ifndef KANSO_BASE_BUF_H
#define KANSO_BASE_BUF_H

#include <stddef.h>

struct buf {
    char *data;
    size_t len, cap;
};

/* Makes room for `more` bytes behind the content and returns where they go; the caller then adds to len. */
char *buf_room(struct buf *b, size_t more);

void buf_add(struct buf *b, const void *p, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Empties it; memory beyond `keep` bytes goes back. */
void buf_clear(struct buf *b, size_t keep);
void buf_free(struct buf *b);

#endif
