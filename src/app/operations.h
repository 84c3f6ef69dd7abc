/* What counters are about: the operations of all groups, numbered in the order of their tables. */
#ifndef KANSO_APP_OPERATIONS_H
#define KANSO_APP_OPERATIONS_H

#include "http/route.h"

/* The number of a route; that behind the last for NULL, which is a request that fits none. */
size_t operation_number(const struct route *r);

/* The route of that number; NULL when there is none. */
const struct route *operation_route(size_t number);

/* Counts the request of `c`, which has its answer. */
void operation_count(struct ctx *c);

/* Once it has been answered: logs it with its statements if it took longer than KANSO_SLOW_REQUEST. */
void operation_report(struct ctx *c);

#endif
