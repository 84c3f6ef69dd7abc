/*
 * The memory of this process: how much it may have, what happens when there is no more, and giving it back.
 *
 * malloc() and its relatives never return NULL, to our code or to libraries: what cannot be had ends the process
 * (base/allocate.c).
 */
#ifndef KANSO_BASE_MEMORY_H
#define KANSO_BASE_MEMORY_H

#include <stddef.h>

/* Whether this is a build with AddressSanitizer, which has an allocator of its own. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_SANITIZED 1
#endif
#endif

/* Limits the address space of this process (RLIMIT_AS), so that it alone fails where the machine would run short. 0: no
 * limit. Without effect in builds with AddressSanitizer, whose shadow is larger than any limit. */
void memory_limit(size_t bytes);

/* What a lack of memory comes to: calls what memory_on_exhausted() has set, which can have none either, and ends the
 * process; its supervisor starts it anew. */
_Noreturn void memory_exhausted(void);
void memory_on_exhausted(void (*fn)(void));

/* To be called between requests: returns free memory to the system when the last ones have taken unusually much. */
void memory_trim(void);
/* To be called when there has been nothing to do for a moment: returns it when it is worth a call. */
void memory_trim_idle(void);

#endif
