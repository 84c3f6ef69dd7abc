/* The walk of one request: route, checks, authentication, handler (docs/contract/validation.md#order-of-checks). */
#ifndef KANSO_APP_DISPATCH_H
#define KANSO_APP_DISPATCH_H

#include "http/route.h"

struct app {
    const struct group *groups[64];
    size_t group_count;
    struct db *db;
};

int dispatch(struct ctx *c, void *app);
void dispatch_finish(struct ctx *c, void *app);

#endif
