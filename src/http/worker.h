/*
 * The loop that every worker runs: accept, read, handle, answer; one request at a time (RFC 3875, FastCGI 1.0).
 *
 * The listening socket is descriptor 0, given by the supervisor. Without one the process serves a single CGI request.
 */
#ifndef KANSO_HTTP_WORKER_H
#define KANSO_HTTP_WORKER_H

#include "http/context.h"

struct worker {
    const char *root_path; /* prefix that requests may carry, "" for none */
    size_t max_body;       /* bytes */
    unsigned max_requests; /* exit after so many, 0 = never */
    size_t memory;         /* largest address space in bytes, 0 = no limit */
    const char *headers;   /* "Name: value\r\n" lines for every answer; or those for what clients may keep: */
    const char *kept_headers;
    void *app;
    int (*handle)(struct ctx *c, void *app);  /* composes the answer */
    void (*count)(struct ctx *c);             /* just before it leaves: whoever has an answer has been counted */
    void (*finish)(struct ctx *c, void *app); /* after it has left: background work, clean-up */
};

/* Runs until SIGTERM, SIGINT or SIGHUP, which let the request in hand be answered first, or max_requests. Returns the
 * exit status of the process. */
int worker_run(struct worker *w);

#endif
