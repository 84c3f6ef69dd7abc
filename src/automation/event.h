/*
 * Events: what a delivery of a webhook says, and whether a trigger's filter lets it through
 * (docs/contract/automation.md#events).
 */
#ifndef KANSO_AUTOMATION_EVENT_H
#define KANSO_AUTOMATION_EVENT_H

#include "json/model.h"

/* The events of one flavor of event sources. */
struct event_kind {
    const struct model *model;  /* of a delivery; unknown members are kept at its top */
    const struct model *filter; /* of a trigger's event_filter */
    bool form;                  /* deliveries may come as forms: payload=<JSON, percent-encoded> */
    /* What filters compare, of a checked delivery; NULL: nothing, which no filter asks for. */
    const char *(*branch)(struct arena *a, struct json_object *event);
    const char *(*type)(struct json_object *event);
};

extern const struct event_kind GITHUB_EVENTS, BITBUCKET_EVENTS;

/* The JSON text of a delivery's body: the body itself, or what a form of that content type holds. Owned by the arena.
 */
struct span event_text(struct arena *a, const struct event_kind *k, const char *content_type, struct span body);

/* Whether a checked event fits a checked filter: each member of the filter that is not empty has to be equal. */
bool event_matches(struct arena *a, const struct event_kind *k, struct json_object *event, struct json_object *filter);

/* "sha256=" and the HMAC of the body in hexadecimal digits, as deliveries carry it in their headers. */
bool event_signed(const char *secret, struct span body, const char *signature);

#endif
