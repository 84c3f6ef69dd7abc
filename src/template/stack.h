/* Whether pipelines can be started from a template on a stack: its components must work without this machine. */
#ifndef KANSO_TEMPLATE_STACK_H
#define KANSO_TEMPLATE_STACK_H

#include "http/context.h"

/* Fails with a ValueError (400) when a component of the stack (hex id) has no flavor, has one of a workspace, or is
 * local. One statement. */
int template_check_stack(struct ctx *c, const char *stack_id);

#endif
