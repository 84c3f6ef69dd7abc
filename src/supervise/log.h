/*
 * The logs of kanso-supervise: what children write to a pipe goes to a file, which is exchanged for a new one when it
 * has grown to a limit. Nobody who writes is kept waiting by the disk.
 */
#ifndef KANSO_SUPERVISE_LOG_H
#define KANSO_SUPERVISE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log {
    const char *path;   /* NULL: there is no such log */
    off_t limit;        /* bytes, after which path becomes path.1 */
    int in, out, child; /* our end of the pipe, the file, and the children's end; -1: none */
    off_t size;
    bool whole_lines; /* the last byte was the end of one */
    uint64_t lost;    /* bytes that the disk did not take, not yet reported */
};

/* Opens the file and makes the pipe; dies when that cannot be. */
void log_start(struct log *log);

/* Writes a line of our own among those of the children; `line` ends with one. */
void log_write(struct log *log, const char *data, size_t len);

/* Opens the file of that name anew: when the old one has been given another name, what comes goes to a new one. */
void log_reopen(struct log *log);

/* Passes on what there is to read; false at the end. */
bool log_drain(struct log *log);

#endif
