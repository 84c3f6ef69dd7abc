/* Webhooks: where deliveries of events arrive (docs/contract/automation.md#webhooks). */
#ifndef KANSO_AUTOMATION_WEBHOOK_H
#define KANSO_AUTOMATION_WEBHOOK_H

#include "http/context.h"
#include "json/scan.h"

/* POST /webhooks/{event_source_id}. A delivery that is signed becomes a job `delivery` before the answer leaves; of
 * those that are not, one an hour is told of, and the answer is the same. */
int webhook_receive(struct ctx *c);

/* What the job `delivery` is told. Spans point into the payload. */
struct delivery {
    const char *content_type; /* of the request */
    const char *refused;      /* why there is no delivery, only a message; or NULL */
    struct span body;         /* as it came */
};

/* Reads a job's payload; false when it is damaged. */
bool delivery_read(struct arena *a, struct span payload, struct delivery *out);

#endif
