/*
 * Per-request memory: a bump allocator that is reset, not freed.
 *
 * Everything a request needs lives in one arena, so error paths have nothing to free. Objects of libraries that own
 * their memory (json-c trees, for example) are tied to the arena with arena_on_reset().
 * Allocation never returns NULL: a process that cannot get memory ends (base/memory.h).
 */
#ifndef KANSO_BASE_ARENA_H
#define KANSO_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;
struct arena_cleanup;

struct arena {
    struct arena_block *block; /* the block in use; older ones hang behind it */
    struct arena_cleanup *cleanups;
};

/* Returns `size` bytes, zeroed, aligned for any type; valid until the next reset. */
void *arena_alloc(struct arena *a, size_t size);

/* Returns room for `count` items of `size` bytes, zeroed; a product that overflows ends the process. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* An array with room for one more item than `count`, of `size` bytes each: `items` itself, or a copy of twice the room.
 * `*room` says how many fit; it begins with 0, `items` with NULL. */
void *arena_grow(struct arena *a, void *items, size_t count, size_t *room, size_t size);

/* Copies of text, NUL-terminated; `s` may be NULL, then so is the answer. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
void *arena_memdup(struct arena *a, const void *p, size_t len);

/* Formats like sprintf into memory of the arena. */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Calls fn(data) at the next reset, last registered first. */
void arena_on_reset(struct arena *a, void (*fn)(void *), void *data);

/* Runs the clean-ups and forgets everything; keeps one block of ordinary size for the next request. */
void arena_reset(struct arena *a);

/* As arena_reset(), and gives all memory back. */
void arena_free(struct arena *a);

/* malloc and realloc that end the process (memory_exhausted()) instead of returning NULL. */
void *xmalloc(size_t size);
void *xrealloc(void *p, size_t size);

/* a*b and a+b for sizes; an overflow ends the process. */
size_t size_mul(size_t a, size_t b);
size_t size_add(size_t a, size_t b);

#endif
