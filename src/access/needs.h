/*
 * What a route's row says that its caller has to be allowed to do (struct need in http/route.h), asked of the control
 * plane before the handler runs.
 */
#ifndef KANSO_ACCESS_NEEDS_H
#define KANSO_ACCESS_NEEDS_H

#include "http/route.h"

/* Asks for all that the request's route needs: 403 when something is not allowed, and for a route that says neither
 * what it needs nor that it is open. Lists are narrowed. */
int needs_ask(struct ctx *c);

/* The kind of the answer's object when that is to be asked about once it is loaded; else NULL. */
const struct resource *needs_shown(const struct route *r);

/* The id (hex) that a path parameter means, by name where the resource takes names; NULL when there is no such object,
 * about which the handler answers. */
int access_param_id(struct ctx *c, const struct resource *r, size_t param, const char **id);

/* Checks for rows whose object stands in the body or the query. Each asks what its operation needs
 * (docs/contract/cloud.md#needs-of-a-route). */
int need_run_of_step(struct ctx *c, const struct need *n);     /* the run that a new step belongs to */
int need_version_update(struct ctx *c, const struct need *n);  /* the version, and its model when the stage changes */
int need_metadata_target(struct ctx *c, const struct need *n); /* what metadata is hung on, and metadata itself */
int need_stack_parts(struct ctx *c, const struct need *n);     /* the stack, and connectors and components in it */
int need_connector_reach(struct ctx *c, const struct need *n); /* a connector, or the making of one */
int need_service_account(struct ctx *c, const struct need *n); /* the account that is to act, when one is named */
int need_secret_values(struct ctx *c, const struct need *n); /* the object; its secret values are left out if need be */
int need_other_user(struct ctx *c, const struct need *n);    /* an account, unless it is the caller's own */

#endif
