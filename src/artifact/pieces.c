#include "artifact/pieces.h"

#include "artifact/store.h"

#include <stdlib.h>
#include <string.h>

void pieces_add(struct pieces *p, const char *name, int64_t size)
{
    p->items = arena_grow(p->mem, p->items, p->count, &p->room, sizeof *p->items);
    p->items[p->count++] = (struct piece){name, size};
    p->size = size > INT64_MAX - p->size ? INT64_MAX : p->size + size; /* sparse files are of any size */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct piece *)a)->name, ((const struct piece *)b)->name);
}

void pieces_sort(struct pieces *p)
{
    if (p->count)
        qsort(p->items, p->count, sizeof *p->items, by_name);
}

static int64_t limit(int64_t n, int64_t low, int64_t high)
{
    return n < low ? low : n > high ? high : n;
}

struct range pieces_range(const struct pieces *p, int64_t offset, int64_t length)
{
    int64_t start = offset < 0 ? limit(offset, -p->size, 0) + p->size : limit(offset, 0, p->size);
    int64_t most = limit(p->size - start, 0, STORE_READ_MAX);
    return (struct range){start, (size_t)limit(length < 0 ? STORE_READ_MAX : length, 0, most)};
}

bool pieces_next(const struct pieces *p, struct range *rest, size_t *i, struct piece_part *part)
{
    for (; *i < p->count && p->items[*i].size <= rest->start; ++*i)
        rest->start -= p->items[*i].size;
    if (*i == p->count || !rest->length)
        return false;
    const struct piece *item = &p->items[(*i)++];
    int64_t left = item->size - rest->start;
    *part = (struct piece_part){item->name, rest->start, (uint64_t)left < rest->length ? (size_t)left : rest->length};
    rest->start = 0;
    rest->length -= part->length;
    return true;
}
