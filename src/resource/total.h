/*
 * How many rows a list has, without reading all of them for each page.
 *
 * A worker remembers how many rows met a condition up to a number in the order of creation (kanso_order) that was given
 * out a while ago, so that nobody can still be about to commit a row below it. A page then counts what has come behind
 * that number. That is exact as long as none of the counted rows has gone or come to meet the condition no longer: so
 * it is done where conditions are about columns that never change (C_FIXED), and every transaction that deletes rows
 * says so in `kanso_deletion` (total_deleted()), which is read in the same statement, so in the same snapshot. Whoever
 * deletes rows past Kanso, or inserts in a transaction of more than TOTAL_SETTLED_SECONDS, is noticed after
 * TOTAL_KEPT_SECONDS.
 *
 * Tables of less than LARGE rows are counted as they are.
 */
#ifndef KANSO_RESOURCE_TOTAL_H
#define KANSO_RESOURCE_TOTAL_H

#include "resource/filter.h"

enum { TOTAL_LARGE = 2000, TOTAL_SETTLED_SECONDS = 60, TOTAL_KEPT_SECONDS = 300 };

struct kept_total;

/* How one statement counts. */
struct total {
    const struct resource *res;
    const unsigned char *key; /* digest of condition and values; NULL: counted as it is */
    struct kept_total *kept;
    int64_t upto; /* full counts tell by this number what is to be kept; 0: nothing */
};

/* Appends the expression that total_read() wants the value of. */
void total_ask(struct ctx *c, const struct resource *r, const struct filter_query *f, struct query *q,
               struct total *total);

/* The number of rows, from that value; asks the database once more when what was remembered no longer holds. */
int total_read(struct ctx *c, const struct total *total, const char *value, int64_t *count);

/* For whoever counts on his own what hangs on rows: the sum that deletions change; the last number of the order of
 * creation that a table had a while ago, below which nobody can still commit a row, 0 while that is not known; and what
 * is its last number now. */
#define TOTAL_DELETIONS "(SELECT COALESCE(SUM(x.times), 0) FROM kanso_deletion x)"
int64_t total_settled(const char *table);
void total_note_end(const char *table, int64_t last);

/* Says within a transaction that rows are deleted, with whatever foreign keys take along. */
int total_deleted(struct ctx *c);

/* The clock, in seconds; tests have their own. */
extern int64_t (*total_clock)(void);

#endif
