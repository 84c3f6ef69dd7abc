/* The memory of this process: how much it may have, what happens when there is no more, and giving it back. */
#ifndef KANSO_BASE_MEMORY_H
#define KANSO_BASE_MEMORY_H

#include <stddef.h>

/* Limits the address space of this process (RLIMIT_AS), so that it alone fails where the machine would run short. 0: no
 * limit. Without effect in builds with AddressSanitizer, whose shadow is larger than any limit. */
void memory_limit(size_t bytes);

/* What a lack of memory comes to: calls what memory_on_exhausted() has set, and ends the process; its supervisor starts
 * it anew. */
_Noreturn void memory_exhausted(void);
void memory_on_exhausted(void (*fn)(void));

/* Ends the process likewise if `size` bytes more cannot be had now: for libraries that do not say so themselves. */
void memory_require(size_t size);

/* To be called between requests: returns free memory to the system when the last ones have taken unusually much. */
void memory_trim(void);

#endif
