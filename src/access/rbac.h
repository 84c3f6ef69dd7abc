/*
 * Permissions by the control plane (docs/contract/cloud.md#permissions): who may do what with which resource. All calls
 * do nothing and allow everything unless ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE is set. Service accounts may do
 * everything.
 */
#ifndef KANSO_ACCESS_RBAC_H
#define KANSO_ACCESS_RBAC_H

#include "http/context.h"

/* Whether permissions are checked at all. */
bool rbac_enabled(void);

/* Whether they are checked for this request. */
bool rbac_applies(const struct ctx *c);

/* Whether the control plane knows the type ("pipeline_run") and the action ("read"). */
bool rbac_is_type(const char *type);
bool rbac_is_action(const char *action);

/* A resource, or all of a type when `id` (hex) is NULL; and the verdict about it. */
struct grant {
    const char *type, *id;
    bool answered, allowed;
};

/* Asks about several resources in one call. */
int rbac_check(struct ctx *c, struct grant *grants, size_t count, const char *action);

/* Asks about one. */
int rbac_ask(struct ctx *c, const char *type, const char *id, const char *action, bool *allowed);

/* 403 IllegalOperationError unless the action is allowed. */
int rbac_require(struct ctx *c, const char *type, const char *id, const char *action);

struct allowed {
    bool all;
    const char **ids; /* hex */
    size_t count;
};

/* With what of a type the caller may do something. */
int rbac_allowed(struct ctx *c, const char *type, const char *action, struct allowed *out);

/* Gives a user (external id as hex) these actions (JSON list) on a resource, and no others. */
int rbac_share(struct ctx *c, const char *user, const char *type, const char *id, struct json_object *actions);

/* A resource as messages name it: "stack/3f0c..." */
const char *rbac_name(struct arena *a, const char *type, const char *id);

#endif
