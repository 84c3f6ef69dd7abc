/*
 * The allocator of the C library, without its way of saying no.
 *
 * These stand before those of the C library for everything in the process: our code and libraries alike get memory, or
 * the process ends (memory_exhausted()). Several libraries do not look whether they got it, or cannot say so in the
 * middle of their work: json-c leaves out a member, the database's driver follows a null pointer. A value that is
 * missing because a page was missing must not be taken for the value that was sent.
 *
 * Left out under AddressSanitizer, which has an allocator of its own.
 */
#include "base/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#ifndef MEMORY_SANITIZED

/* Under these names glibc offers its allocator to programs that stand before it. */
void *__libc_malloc(size_t size);                /* NOLINT(bugprone-reserved-identifier) */
void *__libc_calloc(size_t count, size_t size);  /* NOLINT(bugprone-reserved-identifier) */
void *__libc_realloc(void *p, size_t size);      /* NOLINT(bugprone-reserved-identifier) */
void *__libc_memalign(size_t unit, size_t size); /* NOLINT(bugprone-reserved-identifier) */
void __libc_free(void *p);                       /* NOLINT(bugprone-reserved-identifier) */

void *malloc(size_t size)
{
    void *p = __libc_malloc(size);
    if (!p)
        memory_exhausted();
    return p;
}

void *calloc(size_t count, size_t size)
{
    void *p = __libc_calloc(count, size);
    if (!p)
        memory_exhausted();
    return p;
}

/* Of no bytes, realloc() frees and returns NULL. */
void *realloc(void *old, size_t size)
{
    void *p = __libc_realloc(old, size);
    if (!p && size)
        memory_exhausted();
    return p;
}

void *memalign(size_t unit, size_t size)
{
    void *p = __libc_memalign(unit, size);
    if (!p)
        memory_exhausted();
    return p;
}

void *aligned_alloc(size_t unit, size_t size)
{
    return memalign(unit, size);
}

int posix_memalign(void **out, size_t unit, size_t size)
{
    if (unit < sizeof(void *) || unit & (unit - 1))
        return EINVAL;
    *out = memalign(unit, size);
    return 0;
}

void free(void *p)
{
    __libc_free(p);
}

#endif
