/* The security context that a pipeline configuration carries. */
#include "security/security.h"

#include "json/write.h"

#include <string.h>

struct sec_context *sec_from_extra(struct arena *a, struct span extra, const char **why)
{
    struct span v = json_member(extra, SEC_EXTRA_KEY);
    *why = NULL;
    if (json_kind(v) == '\0' || json_kind(v) == 'n')
        return NULL;
    if (json_kind(v) != '"')
        return sec_from_json(a, &SEC_CONTEXT, v, why);
    char *text = arena_alloc(a, v.len);
    size_t len = json_unescape(v.s + 1, v.len - 2, text);
    return sec_from_base64(a, &SEC_CONTEXT, (struct span){text, len}, SEC_AS_MODEL, why);
}

const char *sec_check_configuration(struct arena *a, struct json_object *pipeline_configuration)
{
    struct json_object *extra;
    const char *why;
    if (!json_object_object_get_ex(pipeline_configuration, "extra", &extra) ||
        !json_object_is_type(extra, json_type_object))
        return NULL;
    const char *text = json_text(a, extra, false);
    sec_from_extra(a, (struct span){text, strlen(text)}, &why);
    return why ? arena_printf(a, "pipeline_configuration.extra." SEC_EXTRA_KEY ": %s", why) : NULL;
}
