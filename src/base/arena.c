#include "base/arena.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 256 * 1024, ALIGN = 16 };

struct arena_block {
    struct arena_block *older;
    size_t size, used;
    _Alignas(ALIGN) unsigned char data[];
};

struct arena_cleanup {
    struct arena_cleanup *next;
    void (*fn)(void *);
    void *data;
};

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        memory_exhausted();
    return p;
}

void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p)
        memory_exhausted();
    return p;
}

size_t size_mul(size_t a, size_t b)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        memory_exhausted();
    return r;
}

size_t size_add(size_t a, size_t b)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        memory_exhausted();
    return r;
}

static struct arena_block *new_block(struct arena *a, size_t size)
{
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct arena_block *b = xmalloc(size_add(sizeof *b, room));
    b->older = a->block;
    b->size = room;
    b->used = 0;
    a->block = b;
    return b;
}

static void *take(struct arena *a, size_t size)
{
    size = size_add(size, ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct arena_block *b = a->block;
    if (!b || b->size - b->used < size)
        b = new_block(a, size);
    void *p = b->data + b->used;
    b->used += size;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    void *p = take(a, size);
    memset(p, 0, size);
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    return arena_alloc(a, size_mul(count, size));
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t *room, size_t size)
{
    enum { FIRST = 16 };
    if (count < *room)
        return items;
    *room = *room ? size_mul(*room, 2) : FIRST;
    void *bigger = arena_array(a, *room, size);
    if (count)
        memcpy(bigger, items, count * size);
    return bigger;
}

void *arena_memdup(struct arena *a, const void *src, size_t len)
{
    char *p = take(a, size_add(len, 1));
    if (len)
        memcpy(p, src, len);
    p[len] = '\0';
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    return s ? arena_memdup(a, s, len) : NULL;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_memdup(a, s, strlen(s)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        memory_exhausted();
    char *p = take(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}

void arena_on_reset(struct arena *a, void (*fn)(void *), void *data)
{
    struct arena_cleanup *c = arena_alloc(a, sizeof *c);
    c->fn = fn;
    c->data = data;
    c->next = a->cleanups;
    a->cleanups = c;
}

static void run_cleanups(struct arena *a)
{
    for (struct arena_cleanup *c = a->cleanups; c; c = c->next)
        c->fn(c->data);
    a->cleanups = NULL;
}

void arena_reset(struct arena *a)
{
    run_cleanups(a);
    struct arena_block *keep = NULL;
    for (struct arena_block *b = a->block, *older; b; b = older) {
        older = b->older;
        if (!keep && b->size == BLOCK_SIZE)
            keep = b;
        else
            free(b);
    }
    if (keep) {
        keep->older = NULL;
        keep->used = 0;
    }
    a->block = keep;
}

void arena_free(struct arena *a)
{
    arena_reset(a);
    free(a->block);
    a->block = NULL;
}
