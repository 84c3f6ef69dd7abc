/*
 * The house put together: every endpoint group, and the walk of a request through routes, checks, authentication and
 * handler. Every worker executable is app_main() with a group of its own.
 */
#ifndef KANSO_APP_APP_H
#define KANSO_APP_APP_H

#include "http/route.h"

/* All groups, in the order in which documents list them; NULL-terminated. */
extern const struct group *const all_groups[];

const struct group *find_group(const char *name);

/* The database of this worker. */
const struct db_url *app_database(void);

/* main() of a worker that serves `own` unless --groups says otherwise. */
int app_main(int argc, char **argv, const char *own);

/* In a group's file: its table for the library, and main() when the file is compiled as a program. */
#ifdef KANSO_PROGRAM
#define WORKER(id, rows)                                                                                               \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        (void)rows; /* the library's is served */                                                                      \
        return app_main(argc, argv, #id);                                                                              \
    }
#else
#define WORKER(id, rows) GROUP(id, rows);
#endif

#endif
