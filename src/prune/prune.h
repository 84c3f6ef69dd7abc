/*
 * Deleting what has grown old and nobody uses: runs, versions, and what these leave behind.
 *
 * Each object is deleted as a DELETE of the API would, hooks and cascades included. Many of them share a transaction,
 * which is kept short: writers go on meanwhile, and whoever ends the process at any time leaves a database in which
 * objects are there as a whole or not at all. An object is looked at again under its lock, so what somebody began to
 * use in the meantime stays.
 *
 * Never touched: runs that have not ended; runs that a service refers to; the latest runs of each pipeline and versions
 * of each artifact and model; what has tags, or belongs to a model version with a stage, unless that is asked for; and
 * what others refer to.
 */
#ifndef KANSO_PRUNE_PRUNE_H
#define KANSO_PRUNE_PRUNE_H

#include "base/timestamp.h"
#include "db/db.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prune {
    struct db *db;
    struct arena *mem;
    char before[STAMP_LEN + 1]; /* only what is older than this, in UTC */
    int64_t keep;               /* so many of the latest of each pipeline, artifact and model, whatever their age */
    bool tagged, staged;        /* tags and stages protect nothing */
    void (*progress)(const char *kind, int64_t done); /* after each transaction; NULL: nobody */
    volatile sig_atomic_t *stop;                      /* set from outside: after the transaction in hand, no other */
};

/* The kinds of objects in the order in which they are to be pruned: what runs leave behind comes after them. */
size_t prune_kinds(void);
const char *prune_name(size_t kind); /* for the command line: "runs" */

/* Each returns NULL, or what is wrong in one sentence. */

/* Counts what would be deleted now. What other kinds would leave behind is not in it yet. */
const char *prune_count(struct prune *p, size_t kind, int64_t *count);

/* Deletes; *deleted counts what is gone also when something is wrong in the end. */
const char *prune_delete(struct prune *p, size_t kind, int64_t *deleted);

#endif
