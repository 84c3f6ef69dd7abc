/* Whether pipelines can be started from a template on a stack: its components must work without this machine. */
#ifndef KANSO_TEMPLATE_STACK_H
#define KANSO_TEMPLATE_STACK_H

#include "base/lookup.h"
#include "http/context.h"
#include "template/config.h"

/* A component of a stack, with what is known of its flavor. */
struct stack_part {
    const char *type, *flavor, *name;
    struct span configuration;                  /* base64 of JSON */
    const char *flavor_id, *workspace, *source; /* of the flavor; NULL when there is none, or it has none */
    const char *integration;                    /* of the flavor, likewise */
    struct span schema;                         /* of the flavor's configuration: JSON */
};

/* The components of a stack (hex id), in order of their types. One statement. */
int stack_parts(struct ctx *c, const char *stack_id, struct stack_part **parts, size_t *count);

/* Fails with a ValueError (400) when a component has no flavor, has one of a workspace, or is local. */
int stack_parts_check(struct ctx *c, const struct stack_part *parts, size_t count);

/* Both. */
int template_check_stack(struct ctx *c, const char *stack_id);

/* What the schemas of templates say about stacks: their components in the order in which they were made. */
struct template_stack {
    size_t count;
    struct template_component *components;
};

/* Those of so many stacks: struct template_stack by hex id. One without components is not there. One statement. */
int template_stacks(struct ctx *c, const char *const *ids, size_t count, struct lookup **found);

#endif
