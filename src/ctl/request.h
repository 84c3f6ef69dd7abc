/* What other rooms do for requests, done for a command: nobody calls, and nobody is asked whether he may. */
#ifndef KANSO_CTL_REQUEST_H
#define KANSO_CTL_REQUEST_H

#include "ctl/ctl.h"
#include "http/context.h"

/* A context on the database of the call. Its first path parameter is `id` (hex; or NULL). */
struct ctx request_begin(const struct ctl_call *call, const char *id);

/* Checks a body for a step; what is wrong with it, request_run() says. */
void request_check_body(struct ctx *c, const struct model *model, bool update, struct json_object *body);

/* Runs a step, again where the database asks for that. Returns CTL_DONE; CTL_FAILED or CTL_MISSING, and has said why in
 * the words that a client would have got. */
int request_run(struct ctx *c, int (*step)(struct ctx *));

/* The same for a route, with the checks of path and body that dispatch makes: of `path`, the parameters are taken. */
int request_route(struct ctx *c, const char *method, const char *path, struct json_object *body);

/* A text of the answer of what ended with CTL_DONE: a member of one of its sections (NULL: of itself); or NULL. */
const char *request_answer(struct ctx *c, const char *section, const char *member);

#endif
