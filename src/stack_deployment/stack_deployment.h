/*
 * Stacks that a user's cloud makes by itself: what to show him before, what to start there, and whether the stack has
 * come (docs/contract/stack-deployment.md#routes). Clients know them as `zenml stack deploy`.
 */
#ifndef KANSO_STACK_DEPLOYMENT_STACK_DEPLOYMENT_H
#define KANSO_STACK_DEPLOYMENT_STACK_DEPLOYMENT_H

#include "http/route.h"

extern const struct model DEPLOYMENT_INFO_QUERY, DEPLOYMENT_CONFIG_QUERY, DEPLOYMENT_STACK_QUERY;
extern const struct type T_DEPLOYMENT_PROVIDER;

/* Handlers of GET /stack-deployment/... */
int deployment_info(struct ctx *c);
int deployment_config(struct ctx *c);
int deployment_stack(struct ctx *c);

#endif
