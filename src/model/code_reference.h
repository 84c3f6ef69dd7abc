#ifndef KANSO_MODEL_CODE_REFERENCE_H
#define KANSO_MODEL_CODE_REFERENCE_H

#include "http/context.h"

/* The reference of the workspace (hex) that a checked CodeReferenceRequest describes; made when there is none. Part of
 * the caller's transaction. *id is hex. */
int code_reference_find_or_add(struct ctx *c, const char *workspace, struct json_object *request, const char **id);

#endif
