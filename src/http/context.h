/*
 * One request on its walk through the house: what came in, what goes out, and what the steps in between learnt.
 *
 * A step or handler returns OK or FAILED. Whoever fails has said why with one of the fail functions, which compose the
 * answer; callers just pass FAILED on. RETRY means that the database asked for the transaction to be tried again: the
 * worker rolls back and calls the handler anew.
 */
#ifndef KANSO_HTTP_CONTEXT_H
#define KANSO_HTTP_CONTEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "json/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum outcome { OK = 0, FAILED, RETRY };

/* Goes on when a step returns OK; otherwise the function returns what the step has returned, FAILED or RETRY, as it is.
 * For functions that have nothing to release: requests' memory is the arena's, and a transaction that is left open is
 * rolled back by dispatch. Whoever holds something else, or looks at the outcome, keeps it in a variable. */
#define TRY(step)                                                                                                      \
    do {                                                                                                               \
        int outcome_ = (step);                                                                                         \
        if (outcome_ != OK)                                                                                            \
            return outcome_;                                                                                           \
    } while (0)

/* Exceptions by the names that clients know (docs/contract/validation.md#exceptions). */
enum exception {
    EX_STACK_EXISTS,
    EX_COMPONENT_EXISTS,
    EX_ENTITY_EXISTS,
    EX_ILLEGAL_OPERATION,
    EX_AUTHORIZATION,
    EX_SUBSCRIPTION,
    EX_NOT_FOUND, /* DoesNotExistException */
    EX_KEY,
    EX_VALUE,
    EX_INVALID_VALUE, /* a ValueError of the models: 422 with a detail */
    EX_RUNTIME,
    EX_NOT_IMPLEMENTED,
    EX_UNAVAILABLE, /* the database cannot be reached: 503 RuntimeError */
};

struct pair {
    const char *name, *value;
    size_t value_len;
};

/* Where bodies come from: `get` fills up to n bytes and returns how many it got; fewer are the end. */
struct body_source {
    size_t (*get)(void *stream, char *to, size_t n);
    void *stream;
};

struct request {
    const char *method;
    const char *path; /* decoded, without the root path */
    size_t path_len;
    struct pair *query; /* decoded, in order */
    size_t query_count;
    const char *content_type;
    size_t content_length; /* of the body, which is read when somebody asks for it: request_read_body() */
    const char *body;      /* NUL-terminated; NULL until it has been read */
    size_t body_len;
    struct body_source source;
    char **env;              /* CGI variables, HTTP_* among them */
    int connection;          /* to the web server, which closes it when its client goes; -1: there is none */
    const char *id, *client; /* NULL until asked for: request_id(), client_address() in http/client.h */
};

struct header {
    const char *name, *value;
    struct header *next;
};

/* The status until somebody has said how the request went: what is answered then is 500. */
enum { UNANSWERED = 0 };

struct response {
    int status; /* handlers that return OK need not set it: it becomes 200 */
    const char *content_type;
    struct header *headers; /* in reverse order */
    struct buf body;        /* kept from request to request */
    bool no_secure_headers;
    bool kept; /* clients may keep it, and ask each time whether it is still so (respond_kept()) */
};

enum { MAX_PATH_PARAMS = 4 };

struct route;
struct db;
struct filter_query;
struct access;
struct secrets;
struct commit_step;
struct view;
struct row;
struct audit;
struct recorder;

struct ctx;

/* Who the request comes from; room auth fills it. */
struct auth {
    const char *user_id; /* hex */
    const char *name;
    bool is_admin, is_service_account;
    const struct row *row; /* the account's, body only; what handlers show of it needs no statement */
    const char *device_id, *api_key_id, *pipeline_id, *schedule_id; /* of the token: hex, or NULL */
    const char *session_id;                                         /* of the token: hex, or NULL */
    struct json_object *claims;                                     /* of the token, or NULL */
    const char *token;                                              /* as it came, or NULL */
    int64_t expires;                                                /* of the token: unix seconds, 0 = never */
    const char *external_id;      /* for the control plane; read when it is first needed */
    bool ambient;                 /* what proves who calls, a browser adds by itself, whichever page asks */
    bool no_secret_values;        /* the control plane lets the caller see names only */
    int (*confirm)(struct ctx *); /* NULL, or who asks is only claimed so far: user_id and what is of the token hold,
                                   the rest does not, until this has asked the database */
};

struct ctx {
    struct arena *mem;
    double started; /* when the request was accepted: monotonic_ms() */
    struct db *db;
    struct request req;
    struct response res;
    const struct route *route;
    const char *param[MAX_PATH_PARAMS]; /* of the path, in order; UUIDs as 32 hex digits once checked */
    struct json_object *body;           /* checked body; query parameters in `query` */
    struct json_object *raw;            /* the body as it was sent */
    struct json_object *query;
    bool committed;              /* a transaction of this request has been committed: it must not run again */
    struct filter_query *filter; /* list routes */
    struct auth *auth;           /* NULL on routes without authentication */
    struct check *check;
    struct access *access;                /* what room access has to do behind the handler */
    struct secrets *secrets;              /* what it has had to do with the stores of secrets, or NULL */
    struct commit_step *at_commit;        /* of the open transaction: see sql_at_commit() */
    int (*authorize_rows)(struct view *); /* marks which rows of a loaded view may be shown; NULL: all of them */
    const struct row *shown;         /* the object that the answer is about: the first that has been written, or NULL */
    bool found;                      /* what was to be created was there already */
    struct audit *audit;             /* what is recorded of it (audit/audit.h); NULL: nothing */
    const struct recorder *recorder; /* who is told what its transactions do, or NULL */
    void (*after)(struct ctx *);     /* background work, after the answer has left */
    void *after_data;
};

/* A parameter of the CGI environment, or NULL. */
const char *request_env(const struct ctx *c, const char *name);

/* The headers that anything here reads, by their CGI names; NULL ends the list. nginx passes no others on. */
extern const char *const request_headers[];

/* A request header by its CGI name ("HTTP_AUTHORIZATION"), one of request_headers. Empty counts as absent. */
const char *request_header(const struct ctx *c, const char *cgi_name);

/* The last value of a query parameter, or NULL. */
const struct pair *request_query(const struct ctx *c, const char *name);

/* The value of a cookie (the last of that name), or NULL when absent. */
const char *request_cookie(const struct ctx *c, const char *name);

/* Reads the body into the arena unless that has been done. OK, or FAILED with a 400 when it ends early. */
int request_read_body(struct ctx *c);

/* Whether the client has gone, so that nobody will get the answer. To be asked before work that costs much, as long as
 * nothing has been written. */
bool request_abandoned(const struct ctx *c);

/* Composes the answer that nobody gets. Always returns FAILED. */
int fail_abandoned(struct ctx *c);

/* Lets clients keep the answer under the tag (quoted, changing with the answer), unless the configuration says
 * otherwise. True when the client has it already: then it is 304, and has no body. */
bool respond_kept(struct ctx *c, const char *tag);

/* Sets a response header; both texts must live as long as the arena. */
void respond_header(struct ctx *c, const char *name, const char *value);

/* Forgets what has been composed so far: the answer begins anew. */
void respond_reset(struct ctx *c);

/* A writer for the body of the answer. */
static inline struct jw respond_json(struct ctx *c)
{
    return (struct jw){.out = &c->res.body};
}

/* 200 with null. Always returns OK. */
static inline int respond_null(struct ctx *c)
{
    struct jw w = respond_json(c);
    jw_null(&w);
    return OK;
}

/* {"detail":["<Class>","<message>"]}; messages of KeyError are quoted as Python does. Always returns FAILED. */
int fail(struct ctx *c, enum exception e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* {"detail":"<text>"} with a status. Always returns FAILED. */
int fail_detail(struct ctx *c, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* 422 with the problems collected in c->check. Always returns FAILED. */
int fail_check(struct ctx *c);

/* The check of this request, begun when first asked for. */
struct check *request_check(struct ctx *c);

#endif
