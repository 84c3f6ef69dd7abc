/* Small files: settings, certificates, tokens. */
#ifndef KANSO_BASE_FILE_H
#define KANSO_BASE_FILE_H

#include "base/arena.h"

#include <stddef.h>

/* The content of a file of at most `most` bytes, NUL-terminated in the arena. NULL, and errno says why, when it cannot
 * be read or is larger (EFBIG). */
char *file_read(struct arena *a, const char *path, size_t most, size_t *len);

/* The same as text, without the blanks and newlines behind it. NULL, and *problem says why in a sentence without its
 * period; it is left alone otherwise. */
char *file_text(struct arena *a, const char *path, size_t most, const char **problem);

/* The directory of a path. */
const char *file_directory(struct arena *a, const char *path);

/* Writes a new file that only its owner can read, with the owner of `like`, if that is there (NULL: none), and for its
 * group to read when that may read `like`; on the disk when this returns. Returns NULL, or what is wrong in a sentence;
 * then the file is not there. */
const char *file_save(struct arena *a, const char *to, const char *text, size_t len, const char *like);

/* The same for a file that is there already or not: whoever reads it meanwhile finds the old or the new one, and its
 * owner stays. */
const char *file_replace(struct arena *a, const char *path, const char *text, size_t len);

/* Puts such a file into the place of another, as one step, and that on the disk. Returns NULL, or what is wrong. */
const char *file_move(struct arena *a, const char *from, const char *path);

#endif
