/* When users were last active: server_settings.last_user_activity (docs/contract/auth.md#last-activity). */
#ifndef KANSO_AUTH_ACTIVITY_H
#define KANSO_AUTH_ACTIVITY_H

#include "http/context.h"

/* Notes a request, after its answer has left: a process writes at most once in 30 seconds. Failures do not matter. */
void activity_note(struct ctx *c);

#endif
