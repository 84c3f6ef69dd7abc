/* Filters, sorting and paging of list endpoints (docs/contract/resources.md#filters). */
#ifndef KANSO_RESOURCE_FILTER_H
#define KANSO_RESOURCE_FILTER_H

#include "resource/resource.h"
#include "resource/sql.h"

struct filter_query {
    struct query *group; /* conditions joined by logical_operator */
    size_t group_count;
    struct query *ungrouped;      /* " AND ..." conditions that hold whatever logical_operator says */
    const struct filter *part;    /* one that has `parts`, and holds for all rows; or NULL */
    const struct query *compared; /* its comparison */
    bool changes;                 /* rows may come to meet the conditions, or cease to, while they are there */
    bool any;                     /* logical_operator=or */
    bool hydrate;
    int64_t page, size;
    const char *order; /* SQL, always followed by the id */
    bool descending;
};

/* Reads the query string for a list of c->route->resource into c->filter; problems go into the request's check. */
void filter_read(struct ctx *c);

/* The parameters that every list has besides its filters. */
const struct model *filter_page_model(struct arena *mem);

/* Adds a condition that stands outside the group. `sql` has as many ? as parameters. filter_scope_fixed(): one about
 * columns that never change. */
void filter_scope(struct filter_query *f, const char *sql, const struct db_param *params, size_t count);
void filter_scope_fixed(struct filter_query *f, const char *sql, const struct db_param *params, size_t count);

/* Appends " WHERE ..." with all conditions and their parameters. */
void filter_where(const struct filter_query *f, const struct resource *r, struct query *q);

/* Default and maximum page sizes: 20 and 10000, or ZENML_PAGINATION_DEFAULT_LIMIT for both. */
extern int64_t filter_default_size, filter_max_size;

#endif
