/* When users were last active: server_settings.last_user_activity (docs/contract/auth.md#last-activity). */
#ifndef KANSO_AUTH_ACTIVITY_H
#define KANSO_AUTH_ACTIVITY_H

#include "http/context.h"

/* Notes a request, after its answer has left. All processes write to the same row, a hot one on a cluster: each asks at
 * most once in a minute, and nothing is written while what stands there is less than a minute old. Failures do not
 * matter. */
void activity_note(struct ctx *c);

#endif
