/* Event sources: where events come from (docs/contract/automation.md#event-sources). */
#ifndef KANSO_AUTOMATION_EVENT_SOURCE_H
#define KANSO_AUTOMATION_EVENT_SOURCE_H

#include "model/model.h"

/* Handlers whose answers show a new webhook secret. */
int event_source_create(struct ctx *c);
int event_source_update(struct ctx *c);

/* `force` of deletes: accepted, there is nothing to be forced. */
extern const struct model FORCE_QUERY;

#endif
