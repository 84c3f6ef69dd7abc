/* Endpoint group: webhooks */
#include "app/app.h"
#include "automation/webhook.h"

static const struct route routes[] = {
    {.method = "POST",
     .path = "/api/v1/webhooks/{event_source_id}",
     .handler = webhook_receive,
     .flags = R_PUBLIC | R_DELIVERY,
     .response = "{string}",
     .open = "whoever signs with the secret of the event source",
     .about = "Receives an event for an event source, signed with its secret."},
};

WORKER(webhooks, routes)
