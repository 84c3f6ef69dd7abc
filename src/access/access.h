/*
 * What the control plane has to say about a request, around its handler: permissions, list filters, entitlements
 * before; what the answer must not show, and usage reports, afterwards (docs/contract/cloud.md#needs-of-a-route,
 * #hidden-objects, #feature-gate).
 *
 * What a request needs stands in its route's row. Both calls do nothing unless ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE
 * or ..._FEATURE_GATE_... is set.
 */
#ifndef KANSO_ACCESS_ACCESS_H
#define KANSO_ACCESS_ACCESS_H

#include "http/context.h"

struct resource;
struct query;

/* Whether the control plane has a say at all. */
bool access_decides(void);

/* Checks whether the caller may do what the request wants, and narrows lists to what the caller may see. */
int access_before(struct ctx *c);

/* Counts again where only what the caller may see counts, and reports usage. What the caller may see of the rows of the
 * answer has been decided between loading and writing them (c->authorize_rows, which access_before() sets). */
int access_after(struct ctx *c);

/* Adds the condition (" AND ...", on table t) that leaves what the caller may read of a resource, what he owns and what
 * nobody owns. */
int access_readable(struct ctx *c, const struct resource *r, struct query *q);

/* Narrows the request's list to what the caller may see, secret values included. */
int access_narrow(struct ctx *c, const struct resource *r);

/* Whether the control plane's permissions govern a resource: its own, or those of the one that it belongs to. */
bool access_governs(const struct resource *r);

/* Whether the caller may do something with one object, by hex id: 403 when not. Owners, and everybody for what nobody
 * owns, may do everything; for what does not exist, the handler answers. */
int access_require(struct ctx *c, const struct resource *r, const char *id, const char *action);

/* The same as an answer, for who can do without. */
int access_ask(struct ctx *c, const struct resource *r, const char *id, const char *action, bool *allowed);

#endif
