#include "resource/total.h"

#include "base/text.h"
#include "base/timestamp.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 64, WAYS = 4, TABLES = 16, MOST_BEHIND = 5000 };

struct kept_total {
    unsigned char key[SHA256_DIGEST_LENGTH];
    int64_t count, upto, deletions, until;
};

static struct kept_total kept_totals[SETS][WAYS];

/* The last number of the order of creation, as it was a while ago, and lately. */
static struct table_end {
    const char *of; /* NULL: free */
    struct {
        int64_t last, at;
    } settled, lately;
} table_ends[TABLES];

static int64_t uptime(void)
{
    return (int64_t)(monotonic_ms() / 1000);
}

int64_t (*total_clock)(void) = uptime;

/* What is known of the end of a table; NULL if it has not been seen to be `large` until now. */
static struct table_end *end_of(const char *table, bool large)
{
    struct table_end *end = table_ends;
    while (end < table_ends + TABLES - 1 && end->of && !streq(end->of, table))
        end++;
    if (large && !(end->of && streq(end->of, table)))
        *end = (struct table_end){.of = table};
    return end->of && streq(end->of, table) ? end : NULL;
}

static void note_end(struct table_end *e, int64_t last)
{
    int64_t now = total_clock();
    if (e->lately.last && now - e->lately.at < TOTAL_SETTLED_SECONDS)
        return;
    e->settled = e->lately;
    e->lately.last = last;
    e->lately.at = now;
}

/* A number that nobody can still commit a row below. */
static int64_t settled_end(const struct table_end *e)
{
    int64_t now = total_clock();
    return e->lately.last && now - e->lately.at >= TOTAL_SETTLED_SECONDS ? e->lately.last : e->settled.last;
}

int64_t total_settled(const char *table)
{
    const struct table_end *end = end_of(table, false);
    return end ? settled_end(end) : 0;
}

void total_note_end(const char *table, int64_t last)
{
    note_end(end_of(table, true), last);
}

static bool is_of(const struct kept_total *k, const unsigned char *key)
{
    return memcmp(k->key, key, sizeof k->key) == 0;
}

/* Where a total is kept; if it is not, the place of the one that ends first. */
static struct kept_total *place_of(const unsigned char *key)
{
    struct kept_total *set = kept_totals[key[0] % SETS], *place = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (is_of(&set[i], key))
            return &set[i];
        if (set[i].until < place->until)
            place = &set[i];
    }
    return place;
}

static void add_part(unsigned char *key, const void *part, size_t len)
{
    unsigned char both[2][SHA256_DIGEST_LENGTH];
    memcpy(both[0], key, sizeof both[0]);
    SHA256(part, len, both[1]);
    SHA256(both[0], sizeof both, key);
}

/* Tells apart by table, condition and values. */
static const unsigned char *key_of(struct ctx *c, const struct resource *r, const struct filter_query *f)
{
    struct query *where = query_new(c->mem);
    filter_where(f, r, where);
    unsigned char *key = arena_alloc(c->mem, SHA256_DIGEST_LENGTH);
    add_part(key, r->table, strlen(r->table));
    add_part(key, where->text.data, where->text.len);
    for (size_t i = 0; i < where->count; i++) {
        const struct db_param *p = &where->params[i];
        const void *part = p->type == P_TEXT ? (const void *)p->s : &p->n;
        add_part(key, part, p->type == P_TEXT ? p->len : sizeof p->n);
    }
    return key;
}

static void add_count(const struct resource *r, const struct filter_query *f, struct query *q)
{
    query_add(q, "(SELECT COUNT(*) FROM `%s` t", r->table);
    filter_where(f, r, q);
    query_add(q, ")");
}

static void add_behind(const struct resource *r, const struct filter_query *f, int64_t upto, struct query *q)
{
    query_add(q, "(SELECT COUNT(*) FROM `%s` t FORCE INDEX (kanso_%s_order)", r->table, r->table);
    filter_where(f, r, q);
    query_add(q, " AND t.kanso_order > ?)");
    query_param(q, p_int(upto));
}

/* All of it: deletions, rows, those behind the settled end, and the last number there is. */
static void ask_whole(const struct filter_query *f, struct query *q, struct total *total)
{
    total->kept = NULL;
    query_add(q, "CONCAT_WS(' ', " TOTAL_DELETIONS ", ");
    add_count(total->res, f, q);
    query_add(q, ", ");
    if (total->upto)
        add_behind(total->res, f, total->upto, q);
    else
        query_add(q, "0");
    query_add(q, ", (SELECT MAX(x.kanso_order) FROM `%s` x))", total->res->table);
}

void total_ask(struct ctx *c, const struct resource *r, const struct filter_query *f, struct query *q,
               struct total *total)
{
    const struct table_end *end = r->flags & X_GROWS && !f->changes ? end_of(r->table, false) : NULL;
    *total = (struct total){.res = r, .key = end ? key_of(c, r, f) : NULL};
    if (!end) {
        add_count(r, f, q);
        return;
    }
    total->upto = settled_end(end);
    struct kept_total *k = place_of(total->key);
    if (!is_of(k, total->key) || total_clock() >= k->until) {
        ask_whole(f, q, total);
        return;
    }
    total->kept = k;
    query_add(q, "CONCAT_WS(' ', " TOTAL_DELETIONS ", ");
    add_behind(r, f, k->upto, q);
    query_add(q, ")");
}

static void keep(const struct total *total, int64_t deletions, int64_t count)
{
    struct kept_total *k = place_of(total->key);
    memcpy(k->key, total->key, sizeof k->key);
    k->count = count;
    k->upto = total->upto;
    k->deletions = deletions;
    k->until = total_clock() + TOTAL_KEPT_SECONDS;
}

static void read_whole(const struct total *total, const char *value, int64_t *count)
{
    char *at;
    int64_t deletions = strtoll(value, &at, 10);
    *count = strtoll(at, &at, 10);
    int64_t behind = strtoll(at, &at, 10), last = strtoll(at, &at, 10);
    note_end(end_of(total->res->table, true), last);
    if (total->upto)
        keep(total, deletions, *count - behind);
}

/* Somebody has deleted rows: what is remembered no longer holds. */
static int count_anew(struct ctx *c, const struct total *total, int64_t *count)
{
    struct total whole = *total;
    struct query *q = query_new(c->mem);
    struct db_rows found;
    query_add(q, "SELECT ");
    ask_whole(c->filter, q, &whole);
    TRY(query_run(c, q, &found));
    read_whole(&whole, db_row(&found, 0)[0].s, count);
    return OK;
}

int total_read(struct ctx *c, const struct total *total, const char *value, int64_t *count)
{
    char *at;
    if (!total->key) {
        *count = strtoll(value, NULL, 10);
        if (*count >= TOTAL_LARGE && total->res->flags & X_GROWS)
            end_of(total->res->table, true);
        return OK;
    }
    if (!total->kept) {
        read_whole(total, value, count);
        return OK;
    }
    struct kept_total *k = total->kept;
    int64_t deletions = strtoll(value, &at, 10), behind = strtoll(at, &at, 10);
    if (deletions != k->deletions)
        return count_anew(c, total, count);
    if (behind > MOST_BEHIND)
        k->until = 0;
    *count = k->count + behind;
    return OK;
}

/* Each connection has a row of its own, or nearly: nobody waits here for others that delete. */
int total_deleted(struct ctx *c)
{
    return sql0(c, NULL,
                "INSERT INTO kanso_deletion (slot, times) VALUES (CONNECTION_ID() % 64, 1) ON DUPLICATE KEY UPDATE "
                "times = times + 1");
}
