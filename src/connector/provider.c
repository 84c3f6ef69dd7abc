#include "connector/provider.h"

#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *setting(const struct connection *con, const char *name)
{
    const char *s = member_str(con->config, name);
    return s && *s ? s : NULL;
}

bool is_resource(const struct connector_resource *r, const char *name)
{
    return r && streq(r->name, name);
}

size_t span_name(const char *s, bool upper, const char *more)
{
    size_t n = 0;
    while (s[n] && (islower((unsigned char)s[n]) || isdigit((unsigned char)s[n]) ||
                    (upper && isupper((unsigned char)s[n])) || strchr(more, s[n])))
        n++;
    return n;
}

const char *behind(const char *text, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (starts_with(text, *prefixes))
            return text + strlen(*prefixes);
    return text;
}

void set_text(struct json_object *o, const char *name, const char *value)
{
    if (value)
        json_object_object_add(o, name, json_object_new_string(value));
}

struct json_object *member_list(struct arena *a, struct json_object *o, const char *name)
{
    struct json_object *list = member(o, name);
    return json_object_is_type(list, json_type_array) ? list : json_keep(a, json_object_new_array());
}

const char *form_add(struct arena *a, const char *form, const char *name, const char *value)
{
    return value ? query_append(a, form, name, value) : form;
}

/* A number, which some write as a text. */
static int64_t seconds_of(struct json_object *v)
{
    return v ? json_object_get_int64(v) : 0;
}

const char *ask_token(const struct connection *con, const struct call *c, const char **token, int64_t *expires_at)
{
    struct json_object *o;
    const char *problem = call_json(con, c, &o);
    if (problem)
        return problem;
    int64_t seconds = seconds_of(member(o, "expires_in"));
    *token = member_str(o, "access_token");
    if (expires_at)
        *expires_at = seconds > 0 ? seconds_from_now(seconds) : 0;
    return *token ? NULL : "the answer holds no token";
}
