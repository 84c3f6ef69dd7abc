#include "resource/stored.h"

#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"

/* A damaged row may be looked at a thousand times a second: a few lines a minute say enough. */
static bool may_log_damage(void)
{
    enum { LINES = 10, MINUTE = 60000 };
    static double since = -MINUTE;
    static int lines;
    double now = monotonic_ms();
    if (now - since >= MINUTE) {
        since = now;
        lines = 0;
    }
    return lines++ < LINES;
}

static struct span damaged(struct origin of, const char *what, size_t at)
{
    if (may_log_damage())
        log_error("%s %s: the stored %s is damaged and shown as absent: %s at character %zu", of.kind,
                  of.id ? of.id : "?", of.member, what, at);
    return (struct span){0};
}

struct span stored_json(struct arena *a, struct span text, struct origin of)
{
    struct json_error error;
    if (!text.s || json_mend(a, &text, &error))
        return text;
    return damaged(of, error.message, error.at);
}

struct span stored_base64(struct arena *a, struct span text, struct origin of)
{
    struct span json = {0};
    if (!text.s)
        return json;
    json.s = base64_decode(a, text.s, text.len, &json.len);
    return json.s ? stored_json(a, json, of) : damaged(of, "not base64", 0);
}

struct json_object *stored_base64_tree(struct arena *a, struct span text, enum json_type type, struct origin of)
{
    struct span json = stored_base64(a, text, of);
    struct json_object *tree = json.s ? json_tree(a, json.s, json.len) : NULL;
    return json_object_is_type(tree, type) ? tree : NULL;
}
