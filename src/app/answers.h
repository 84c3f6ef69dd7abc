/*
 * What answers hold that no resource describes, for the OpenAPI document: handlers write them, nothing checks against
 * them. The notation of app/openapi.h calls them by the names of their components.
 */
#ifndef KANSO_APP_ANSWERS_H
#define KANSO_APP_ANSWERS_H

#include "json/model.h"

/* NULL-terminated. */
extern const struct type *const answer_types[];

/* Refusals: {"detail": ...}. */
extern const struct type T_ERROR;

#endif
