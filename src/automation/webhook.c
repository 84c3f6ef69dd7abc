/*
 * Strangers can post here, as often as they like, and the answer is the same whatever they post. So what costs comes
 * late: who has not signed is not read, and what is not signed with the source's secret is not kept.
 */
#include "automation/webhook.h"

#include "audit/audit.h"
#include "automation/event_source.h"
#include "automation/plugin.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http/route.h"
#include "jobs/jobs.h"
#include "model/secret.h"
#include "resource/stored.h"

#include <string.h>
#include <time.h>

static const char RECEIVED[] = "{\"status\":\"Event Received.\"}";

enum { SIGNATURE_LEN = 7 + 64 }; /* sha256=, hexadecimal digits */

static int received(struct ctx *c)
{
    struct jw w = respond_json(c);
    jw_raw(&w, RECEIVED, sizeof RECEIVED - 1);
    return OK;
}

/* The payload of a job: one line of JSON, and behind it the body as it came. */
static struct span payload_of(struct arena *a, const char *name, const char *value, struct span body)
{
    struct json_object *head = json_keep(a, json_object_new_object());
    json_object_object_add(head, name, json_object_new_string(value));
    const char *line = json_text(a, head, false);
    size_t len = strlen(line);
    char *out = arena_alloc(a, size_add(size_add(len, body.len), 2));
    memcpy(out, line, len + 1);
    out[len] = '\n'; /* in place of the NUL */
    if (body.len)
        memcpy(out + len + 1, body.s, body.len);
    return (struct span){out, len + 1 + body.len};
}

bool delivery_read(struct arena *a, struct span payload, struct delivery *out)
{
    const char *end = payload.len ? memchr(payload.s, '\n', payload.len) : NULL;
    struct json_object *head = end ? json_tree(a, payload.s, (size_t)(end - payload.s)) : NULL;
    if (!json_object_is_type(head, json_type_object))
        return false;
    size_t start = (size_t)(end - payload.s) + 1;
    *out = (struct delivery){.content_type = member_str(head, "content_type"),
                             .refused = member_str(head, "refused"),
                             .body = {payload.s + start, payload.len - start}};
    return true;
}

static int add_job(struct ctx *c, const char *source, const char *key, struct span payload)
{
    TRY(sql_begin(c));
    TRY(job_add(c, "delivery", source, key, payload, 0));
    return sql_commit(c);
}

/* Refusals ------------------------------------------------------------------------------------------------------- */

enum refusal { UNSIGNED, WRONGLY_SIGNED, NO_SECRET };

static const char *const REFUSALS[] = {
    [UNSIGNED] = "A delivery had no signature: no header x-hub-signature-256 or x-hub-signature of the form sha256=...",
    [WRONGLY_SIGNED] = "The signature of a delivery was not made with the secret of this event source",
    [NO_SECRET] = "The event source has no secret any more, so no delivery can be checked: make a new source",
};

/* What this process has told of within the hour: that spares the database, which would know as well. */
static struct {
    char source[UUID_HEX + 1];
    enum refusal why;
    int64_t hour;
} told[64];

static bool told_before(const char *source, enum refusal why, int64_t hour)
{
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        if (told[i].why == why && told[i].hour == hour && streq(told[i].source, source))
            return true;
    return false;
}

static void remember(const char *source, enum refusal why, int64_t hour)
{
    static size_t next;
    memcpy(told[next].source, source, UUID_HEX + 1);
    told[next].why = why;
    told[next].hour = hour;
    next = (next + 1) % ARRAY_LEN(told);
}

/* The sender learns nothing, the operator that there is something to look at: one failed job an hour and reason. */
static int refuse(struct ctx *c, const char *source, enum refusal why)
{
    int64_t hour = (int64_t)time(NULL) / 3600;
    if (!told_before(source, why, hour)) {
        TRY(add_job(c, source, arena_printf(c->mem, "%s/%d/%lld", source, (int)why, (long long)hour),
                    payload_of(c->mem, "refused", REFUSALS[why], (struct span){0})));
        remember(source, why, hour);
    }
    return received(c);
}

/* Receiving ------------------------------------------------------------------------------------------------------ */

struct source {
    const char *id; /* hex */
    const struct plugin *plugin;
    const char *secret; /* NULL: it has none any more */
};

/* The plugin that listens; its error is about the source, not about the flavor. */
static int find_listener(struct ctx *c, struct source *s, const char *flavor)
{
    if (plugin_find(c, "event_source", "webhook", flavor, &s->plugin) == OK)
        return OK;
    return fail(c, EX_KEY, "No listener plugin found for event source %s.", uuid_dashed(c->mem, s->id));
}

static int read_secret(struct ctx *c, struct span configuration, struct source *s)
{
    struct json_object *values = NULL,
                       *stored = stored_base64_tree(c->mem, configuration, json_type_object,
                                                    (struct origin){"event_source", s->id, "configuration"});
    const char *id = stored ? member_str(stored, "webhook_secret_id") : NULL;
    char hex[UUID_HEX + 1];
    if (!id || !uuid_read(id, strlen(id), hex))
        return OK;
    TRY(secret_read_row(c, hex, &values));
    s->secret = values ? member_str(values, "webhook_secret") : NULL;
    return OK;
}

static int find_source(struct ctx *c, struct source *s)
{
    struct db_rows rows;
    TRY(sql(c, &rows, "SELECT is_active, flavor, configuration FROM event_source WHERE id = ?", p_text(s->id)));
    if (!rows.count)
        return fail(c, EX_AUTHORIZATION, "No webhook is registered at '/api/v1/webhooks/%s'",
                    uuid_dashed(c->mem, s->id));
    const struct db_value *v = db_row(&rows, 0);
    if (*v[0].s == '0')
        return fail(c, EX_RUNTIME, "Webhook %s is inactive.", uuid_dashed(c->mem, s->id));
    TRY(find_listener(c, s, v[1].s));
    return read_secret(c, value_span(&v[2]), s);
}

int webhook_receive(struct ctx *c)
{
    struct source s = {.id = c->param[0]};
    const char *signature = request_header(c, "HTTP_X_HUB_SIGNATURE_256");
    if (!signature)
        signature = request_header(c, "HTTP_X_HUB_SIGNATURE");
    TRY(find_source(c, &s));
    if (c->req.content_length > webhook_max_body())
        return fail_detail(c, 413, "The delivery has %zu bytes; at most %zu are accepted (KANSO_WEBHOOK_MAX_BODY)",
                           c->req.content_length, webhook_max_body());
    if (!s.secret)
        return refuse(c, s.id, NO_SECRET);
    if (!signature || strlen(signature) != SIGNATURE_LEN || !starts_with(signature, "sha256="))
        return refuse(c, s.id, UNSIGNED);
    TRY(request_read_body(c));
    struct span body = {c->req.body, c->req.body_len};
    if (!event_signed(s.secret, body, signature))
        return refuse(c, s.id, WRONGLY_SIGNED);
    audit_actor(c, &(struct actor){.kind = "event_source", .credential = "signature", .credential_id = s.id});
    audit_about(c, &resource_event_source, s.id, NULL);
    TRY(add_job(c, s.id, NULL, payload_of(c->mem, "content_type", c->req.content_type, body)));
    return received(c);
}
