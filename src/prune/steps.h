/*
 * Deleting what thousands of rows hang on: a run with its steps, a model with its versions, a tag with its links, a
 * workspace with its runs.
 *
 * What hangs on it goes first, some rows in each transaction, children before parents; then the object itself, as any
 * other. So others wait for a few rows at most, and whoever ends the process at any time leaves an object of which
 * there is less, with nothing half: the next DELETE finishes it. What does not have many rows is deleted in one
 * transaction.
 */
#ifndef KANSO_PRUNE_STEPS_H
#define KANSO_PRUNE_STEPS_H

#include "resource/resource.h"

/* The handler of DELETE for resources on which much may hang. */
int delete_in_steps(struct ctx *c);

/* A row of the routes, as DELETE() is. */
#define DELETE_LARGE(p, res, ...)                                                                                      \
    {                                                                                                                  \
        .method = "DELETE", .path = (p), .handler = delete_in_steps, .resource = &(res), .op = OP_DELETE,              \
        .needs = NEEDS({&(res), "delete", NEED_PATH, NULL}), __VA_ARGS__                                               \
    }

#endif
