/*
 * Routes: one table per endpoint group is the only place that says which paths exist. nginx's locations, the OpenAPI
 * document and the coverage report are made from these tables.
 */
#ifndef KANSO_HTTP_ROUTE_H
#define KANSO_HTTP_ROUTE_H

#include "http/context.h"

struct resource;

enum route_flags {
    R_PUBLIC = 1,          /* no authentication */
    R_FORM = 2,            /* the body is a form, checked like a JSON body */
    R_HYDRATE = 4,         /* takes `hydrate`, default true */
    R_NO_HYDRATE = 8,      /* takes `hydrate`, default false (lists do so by themselves) */
    R_BARE = 16,           /* of resource_create(): the answer is without what it refers to (`resources`) */
    R_HEAD = 64,           /* answers HEAD as well */
    R_BODY_BYTES = 128,    /* the body is taken as it is */
    R_INTERNAL = 256,      /* not part of the OpenAPI document */
    R_BODY_OPTIONAL = 512, /* the body may be absent: c->body is NULL then */
    R_COUNTS =
        4096, /* counts objects: where permissions are checked, room access counts those that the caller may see */
    R_DEFER_AUTH = 2048,  /* may read first, knowing of the caller what his token claims, as lists and gets may */
    R_DELIVERY = 16384,   /* with R_PUBLIC: a signature stands for the sign-in. The handler reads the body itself, of at
                             most webhook_max_body() bytes */
    R_AUDITED = 32768,    /* a GET that does something: it is in the audit log */
    R_CREDENTIALS = 8192, /* the answer may hold tokens, keys or secrets: nginx does not compress it, and
                             the audit log has it */
};

/* Whom a permission concerns. */
enum need_of {
    NEED_TYPE = 1, /* all objects of the type */
    NEED_LISTED,   /* those that the list shows: it is narrowed to what the caller may see */
    NEED_SHOWN,    /* the one that the answer shows, once it is loaded */
    NEED_PATH,     /* the one that the first path parameter names */
    NEED_PATH_2,   /* the one that the second path parameter names */
};

/* One thing that the caller has to be allowed to do (docs/contract/cloud.md#permissions, #needs-of-a-route). */
struct need {
    const struct resource *type;
    const char *action;
    enum need_of of;
    int (*check)(struct ctx *, const struct need *); /* decides instead, from the body or the query; access/needs.h */
};
#define NEEDS(...)                                                                                                     \
    (const struct need[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__,                                                                                                   \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define BY_NAME .params = {PARAM_NAME_OR_ID}

/* The largest body, in bytes, that R_PUBLIC routes take: they have forms and small documents only. */
enum { PUBLIC_MAX_BODY = 64 * 1024 };

/* The largest body that R_DELIVERY routes take. */
size_t webhook_max_body(void);

/* What the body or answer of a generic route is made of. */
enum operation { OP_OTHER, OP_LIST, OP_GET, OP_CREATE, OP_UPDATE, OP_DELETE };

/* What a path parameter may be. A UUID is checked, and reaches the handler as hex; texts as they are. */
enum path_param { PARAM_ID, PARAM_NAME_OR_ID, PARAM_NAME };

struct route {
    const char *method;
    const char *path; /* template: "/runs/{run_id}" */
    int (*handler)(struct ctx *);
    const struct resource *resource;
    enum operation op;
    enum path_param params[MAX_PATH_PARAMS]; /* of the path, in its order: UUIDs unless it is said here */
    /* The first path parameter names a row of that resource, and this is about what stands in it: lists are narrowed to
     * it, and creates put their row there (column "<name of the resource>_id"). */
    const struct resource *within;
    const struct model *body;  /* of other routes; generic ones take the resource's */
    const struct model *query; /* query parameters besides those of the operation */
    unsigned flags;
    const struct need *needs; /* all of them, asked in this order (NEEDS); or: */
    const char *open;         /* why no permission is needed; one of the two has to be there, or nobody gets in */
    const char *feature;      /* what creating or deleting here counts as for the feature gate */
    bool (*exists)(void);     /* whether the configuration has this route; NULL: always */
    const char *path_filter; /* the column that the first path parameter is compared with, as if the query had asked for
                            it; what the query says of it does not count */
    const char *member;      /* of resource_member(): what of the row is the whole answer */
    const char *about;       /* what it does, as one sentence; operations of a resource need none (app/openapi.h) */
    const char *response;    /* what the answer holds, where the operation does not say it: notation of app/openapi.h */
};

struct group {
    const char *name;
    const struct route *routes;
    size_t count;
};

#define GROUP(id, rows)                                                                                                \
    const struct group group_##id = {.name = #id, .routes = (rows), .count = sizeof(rows) / sizeof *(rows)}

/* Finds the route and fills c->route and c->param. Returns OK, or FAILED with 404 or 405 (and Allow) composed. */
int route_find(struct ctx *c, const struct group *const *groups, size_t count);

/* The name of the n-th path parameter of a template, and its length; NULL when there are fewer. */
const char *route_param_name(const char *path, size_t n, size_t *len);

#endif
