/*
 * A file in the making: it appears under its name when it is complete and on the disk, and not at all when it fails or
 * the process is ended by SIGINT, SIGTERM or SIGHUP. At most one at a time in a process.
 */
#ifndef KANSO_BASE_NEW_FILE_H
#define KANSO_BASE_NEW_FILE_H

#include "base/arena.h"

#include <stdbool.h>

struct new_file {
    struct arena *mem;
    const char *path; /* NULL: standard output, which has its name already */
    char *temporary;
    bool force;
    int fd; /* to be written to; closed by the functions below */
};

/* Each returns NULL, or what is wrong in one sentence. */

/* Begins a file of mode 0600 beside `path`, or standard output for "-". One that is there is an error unless `force`.
 */
const char *new_file_begin(struct arena *a, const char *path, bool force, struct new_file *out);

/* Makes sure that all is on the disk, and gives the file its name. */
const char *new_file_finish(struct new_file *f);

/* Removes what has been begun. Does nothing after the end. */
void new_file_abandon(struct new_file *f);

/* "cannot write PATH: why" */
const char *new_file_trouble(const struct new_file *f, const char *why);

#endif
