/* Running another program: its input and output, its end, and limits on both. No shell is involved. */
#ifndef KANSO_BASE_SPAWN_H
#define KANSO_BASE_SPAWN_H

#include "base/arena.h"

enum { SPAWN_ERRORS_KEPT = 4096 };

struct spawn {
    const char *const *argv; /* NULL-ended; argv[0] is looked for in PATH unless it holds a slash */
    const char *input;       /* for its standard input, which is closed behind that */
    size_t input_len;
    size_t max_output; /* bytes of standard output */
    unsigned timeout;  /* seconds, from the start */
};

/* How it ended. SPAWN_LATE and SPAWN_FLOOD: it ran too long or wrote too much, and has been killed with its group. */
enum spawn_end { SPAWN_EXITED, SPAWN_SIGNALLED, SPAWN_UNSTARTED, SPAWN_LATE, SPAWN_FLOOD };

struct spawned {
    enum spawn_end end;
    int code;           /* exit status, number of the signal, or errno */
    const char *output; /* NUL-terminated, in the arena */
    size_t output_len;
    const char *errors; /* the last SPAWN_ERRORS_KEPT bytes of its standard error, likewise */
    size_t errors_len;
};

/* Runs a program to its end. It gets this process's environment and none of its descriptors, a process group of its
 * own, signals as a shell would give them, and no limit on memory that this process has only set for itself. It is
 * killed when this process ends. What it leaves running in the background stays, even when that holds its output open:
 * with the program's end, its output ends. */
struct spawned spawn(struct arena *a, const struct spawn *s);

#endif
