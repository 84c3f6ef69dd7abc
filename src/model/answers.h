/*
 * What answers hold that no resource describes, for the OpenAPI document: handlers write them, nothing checks against
 * them. The notation of app/openapi.h calls them by the names of their components.
 */
#ifndef KANSO_MODEL_ANSWERS_H
#define KANSO_MODEL_ANSWERS_H

#include "resource/resource.h"

/* NULL-terminated. */
extern const struct type *const answer_types[];

/* Every resource that an answer can show, NULL-terminated. */
extern const struct resource *const all_resources[];

/* Refusals: {"detail": ...}. */
extern const struct type T_ERROR;

#endif
