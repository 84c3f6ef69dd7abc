/* Files that are read as one, one behind the other: the pieces of a log. */
#ifndef KANSO_ARTIFACT_PIECES_H
#define KANSO_ARTIFACT_PIECES_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct piece {
    const char *name; /* NULL: a file by itself */
    int64_t size;
};

struct pieces {
    struct arena *mem;
    struct piece *items;
    size_t count, room;
    int64_t size; /* of all together; INT64_MAX also stands for more */
};

void pieces_add(struct pieces *p, const char *name, int64_t size);

/* Brings them into the order of their names, as bytes. */
void pieces_sort(struct pieces *p);

/* Bytes of the whole: `length` from `start`. */
struct range {
    int64_t start;
    size_t length;
};

/* What is meant by `length` bytes (all when negative) from `offset`, which counts from the end when negative: within
 * the pieces, and STORE_READ_MAX bytes at most. */
struct range pieces_range(const struct pieces *p, int64_t offset, int64_t length);

/* Bytes of one piece. */
struct piece_part {
    const char *name;
    int64_t start;
    size_t length;
};

/* Walks the parts that a range consists of, from *i = 0 on; what is left of the range stays in *rest. False at its end.
 */
bool pieces_next(const struct pieces *p, struct range *rest, size_t *i, struct piece_part *part);

#endif
