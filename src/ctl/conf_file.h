/* Changing kanso.conf: lines are replaced, all others stay as they are. */
#ifndef KANSO_CTL_CONF_FILE_H
#define KANSO_CTL_CONF_FILE_H

#include "base/arena.h"

#include <stddef.h>

struct conf_line {
    const char *name, *value; /* without line breaks */
};

/* Writes what the file `path` holds, with these settings, to a new file `to`, which its owner can read, who owns
 * `path`, or who runs this, and its group if that can read `path`, and nobody else. It is on the disk when this
 * returns. A `path` that is not there counts as empty. Returns NULL, or what is wrong in a sentence. */
const char *conf_write(struct arena *a, const char *path, const char *to, const struct conf_line *lines, size_t count);

/* The same for the file itself, as one step: whoever reads it meanwhile finds the old or the new one. Its directory is
 * made when it is not there. */
const char *conf_change(struct arena *a, const char *path, const struct conf_line *lines, size_t count);

/* The value that a file gives a variable, without quotes; NULL when it does not, or cannot be read. */
const char *conf_value(struct arena *a, const char *path, const char *name);

#endif
