/*
 * What components keep in secrets (docs/contract/resources.md#secrets): whole attributes as {{NAME.KEY}}, and the one
 * that their attribute authentication_secret names.
 *
 * A name means the caller's own secret of that name, else the workspace's. Secrets of other users are not there.
 */
#ifndef KANSO_ARTIFACT_SECRET_REFERENCE_H
#define KANSO_ARTIFACT_SECRET_REFERENCE_H

#include "http/context.h"

/* A copy of a configuration (NULL: an empty one) whose references have been replaced; with *problem, a sentence without
 * its period, one of them leads nowhere. Returns as sql(). */
int secrets_resolve(struct ctx *c, const char *workspace, struct json_object *configuration, struct json_object **out,
                    const char **problem);

/* The values of a secret, likewise. */
int secret_by_name(struct ctx *c, const char *workspace, const char *name, struct json_object **values,
                   const char **problem);

#endif
