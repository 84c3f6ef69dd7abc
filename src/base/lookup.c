#include "base/lookup.h"

#include "base/memory.h"

#include <json-c/linkhash.h>
#include <stdint.h>

struct lookup {
    struct lh_table *table;
};

enum { AT_FIRST = 64 };

static void free_table(void *table)
{
    lh_table_free(table);
}

struct lookup *lookup_new(struct arena *a)
{
    struct lookup *l = arena_alloc(a, sizeof *l);
    l->table = lh_kchar_table_new(AT_FIRST, NULL);
    if (!l->table)
        memory_exhausted();
    arena_on_reset(a, free_table, l->table);
    return l;
}

void *lookup_get(const struct lookup *l, const char *text)
{
    void *to = NULL;
    return lh_table_lookup_ex(l->table, text, &to) ? to : NULL;
}

bool lookup_add(struct lookup *l, const char *text, const void *to)
{
    unsigned long hash = lh_get_hash(l->table, text);
    if (lh_table_lookup_entry_w_hash(l->table, text, hash))
        return false;
    if (lh_table_insert_w_hash(l->table, text, to, hash, 0))
        memory_exhausted();
    return true;
}

void lookup_put(struct lookup *l, const char *text, const void *to)
{
    struct lh_entry *e = lh_table_lookup_entry(l->table, text);
    if (e)
        lh_entry_set_val(e, (void *)(uintptr_t)to);
    else
        lookup_add(l, text, to);
}
