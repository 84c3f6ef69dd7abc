/* Sharing an object with another user (docs/contract/cloud.md#share). */
#ifndef KANSO_ACCESS_SHARE_H
#define KANSO_ACCESS_SHARE_H

#include "http/context.h"

extern const struct model SHARE_QUERY;

/* POST /users/{name or id}/resource_membership: the body is a list of actions, which replaces those given before. */
int user_share(struct ctx *c);

#endif
