/* Stacks: one component of each type that a pipeline needs (docs/contract/resources.md#stacks). */
#ifndef KANSO_MODEL_STACK_H
#define KANSO_MODEL_STACK_H

#include "model/model.h"

/* POST /workspaces/{ws}/stacks, with all components and connectors that it asks to make: all or nothing. */
int stack_create(struct ctx *c);

extern const struct model STACK_BODY;

#endif
