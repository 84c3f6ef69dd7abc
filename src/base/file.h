/* Small files that others have written: settings, certificates, tokens. */
#ifndef KANSO_BASE_FILE_H
#define KANSO_BASE_FILE_H

#include "base/arena.h"

/* The content of a file of at most `most` bytes, NUL-terminated in the arena. NULL, and errno says why, when it cannot
 * be read or is larger (EFBIG). */
char *file_read(struct arena *a, const char *path, size_t most, size_t *len);

/* The same as text, without the blanks and newlines behind it. NULL, and *problem says why in a sentence without its
 * period; it is left alone otherwise. */
char *file_text(struct arena *a, const char *path, size_t most, const char **problem);

#endif
