#include "artifact/secret_reference.h"

#include "base/text.h"
#include "model/secret.h"
#include "resource/sql.h"
#include "json/model.h"

#include <string.h>

#define BLANKS " \t\r\n\f\v"

int secret_by_name(struct ctx *c, const char *workspace, const char *name, struct json_object **values,
                   const char **problem)
{
    struct db_rows found;
    *values = NULL;
    TRY(sql(c, &found,
            "SELECT id FROM secret WHERE name = ? AND workspace_id = ? AND (scope = 'workspace' OR user_id = ?) "
            "ORDER BY scope = 'workspace', created, kanso_order LIMIT 1",
            p_text(name), p_text(workspace), p_text(c->auth->user_id)));
    if (found.count == 0) {
        *problem = arena_printf(c->mem, "the secret '%s' that it refers to is not there", name);
        return OK;
    }
    TRY(secret_read_row(c, arena_strdup(c->mem, db_row(&found, 0)[0].s), values));
    if (!*values)
        *problem = arena_printf(c->mem, "the values of the secret '%s' that it refers to are missing", name);
    return OK;
}

/* Reads {{NAME.KEY}}, with blanks at its ends or none. */
static bool read_reference(struct arena *a, const char *text, const char **name, const char **key)
{
    size_t len = strlen(text);
    if (len < 4 || !starts_with(text, "{{") || !streq(text + len - 2, "}}"))
        return false;
    const char *from = text + 2 + strspn(text + 2, BLANKS), *to = text + len - 2;
    while (to > from && strchr(BLANKS, to[-1]))
        to--;
    const char *inner = arena_strndup(a, from, (size_t)(to - from)), *dot = strchr(inner, '.');
    if (!dot || dot == inner || !dot[1] || strpbrk(inner, BLANKS))
        return false;
    *name = arena_strndup(a, inner, (size_t)(dot - inner));
    *key = dot + 1;
    return true;
}

int secrets_resolve(struct ctx *c, const char *workspace, struct json_object *configuration, struct json_object **out,
                    const char **problem)
{
    const char *known = NULL, *name, *key;
    struct json_object *values = NULL;
    *out = json_keep(c->mem, json_object_new_object());
    if (!configuration)
        return OK;
    json_object_object_foreach(configuration, attribute, value)
    {
        bool text = json_object_is_type(value, json_type_string);
        if (text && read_reference(c->mem, json_object_get_string(value), &name, &key)) {
            if (!streq(name, known))
                TRY(secret_by_name(c, workspace, name, &values, problem));
            known = name;
            value = values ? member(values, key) : NULL;
            if (!value && !*problem)
                *problem = arena_printf(c->mem, "the secret '%s' has no value '%s', to which its attribute '%s' refers",
                                        name, key, attribute);
        }
        json_object_object_add(*out, attribute, json_object_get(value));
    }
    return OK;
}
