/* The JSON form of the security models. */
#include "security/fields.h"

#include "base/text.h"
#include "json/write.h"

#include <string.h>

static void write_object(struct jw *w, const struct sec_model *model, const void *object);

static void write_value(struct jw *w, const struct sec_field *f, const void *object)
{
    jw_key(w, f->json);
    if (f->kind == SEC_TEXT) {
        jw_strn(w, sec_text(f, object)->s, sec_text(f, object)->len);
    } else if (f->kind == SEC_ENUM) {
        const char *word = sec_word(f, *sec_enum(f, object));
        if (word)
            jw_str(w, word);
        else
            jw_int(w, *sec_enum(f, object));
    } else if (f->kind == SEC_MESSAGE) {
        write_object(w, f->model, *sec_message(f, object));
    } else {
        jw_open(w, '[');
        for (size_t i = 0; i < sec_list(f, object)->count; i++)
            write_object(w, f->model, sec_list(f, object)->items[i]);
        jw_close(w, ']');
    }
}

static void write_object(struct jw *w, const struct sec_model *model, const void *object)
{
    jw_open(w, '{');
    for (const struct sec_field *f = model->fields; f < model->fields + model->count; f++)
        if (sec_is_set(f, object) || ((f->flags & SEC_NEEDED) && !model->idl && sec_text(f, object)->s))
            write_value(w, f, object);
    jw_close(w, '}');
}

void sec_to_json(const struct sec_model *model, const void *object, struct buf *out)
{
    struct jw w = {.out = out};
    write_object(&w, model, object);
}

static const char *kind_name(struct span v)
{
    switch (json_kind(v)) {
    case '{':
        return "an object";
    case '[':
        return "a list";
    case '"':
        return "a text";
    case '0':
        return "a number";
    case 'n':
        return "null";
    default:
        return "a boolean";
    }
}

static struct span read_text(struct arena *a, struct span v)
{
    char *s = arena_alloc(a, v.len);
    return (struct span){s, json_unescape(v.s + 1, v.len - 2, s)};
}

/* An enum's word, or any number of 32 bits: which numbers are right is for the rules to say. */
static const char *read_enum(struct arena *a, const struct sec_field *f, struct span v, int32_t *out)
{
    int64_t number;
    if (json_kind(v) == '0' && parse_int64(arena_strndup(a, v.s, v.len), &number) && number >= INT32_MIN &&
        number <= INT32_MAX) {
        *out = (int32_t)number;
        return NULL;
    }
    struct span text = json_kind(v) == '"' ? read_text(a, v) : (struct span){0};
    for (int32_t i = 0; f->words[i]; i++) {
        if (text.s && text.len == strlen(f->words[i]) && memcmp(text.s, f->words[i], text.len) == 0) {
            *out = i;
            return NULL;
        }
    }
    const char *words = f->words[0];
    for (int32_t i = 1; f->words[i]; i++)
        words = arena_printf(a, "%s, %s", words, f->words[i]);
    return arena_printf(a, "%.*s is none of %s", (int)(v.len < 80 ? v.len : 80), v.s, words);
}

static const char *read_object(struct arena *a, const struct sec_model *model, struct span v, void *object);

static const char *read_item(struct arena *a, const struct sec_field *f, struct span v, struct sec_list *list)
{
    void *item = arena_alloc(a, f->model->size);
    const char *why = read_object(a, f->model, v, item);
    if (why)
        return arena_printf(a, "[%zu]%s%s", list->count, *why == '.' ? "" : ": ", why);
    sec_append(a, list, item);
    return NULL;
}

/* A list, or one object that stands for a list of it. */
static const char *read_list(struct arena *a, const struct sec_field *f, struct span v, struct sec_list *list)
{
    if (json_kind(v) == '{')
        return read_item(a, f, v, list);
    if (json_kind(v) != '[')
        return arena_printf(a, ": expected a list of %s, not %s", f->model->name, kind_name(v));
    list->items = arena_array(a, 1, sizeof *list->items); /* an empty list is not null */
    struct span item;
    const char *why = NULL;
    for (size_t at = 0; !why && json_next_item(v, &at, &item);)
        why = read_item(a, f, item, list);
    return why;
}

/* Reads one member; the answer is NULL or continues the path that leads to the member. */
static const char *read_value(struct arena *a, const struct sec_field *f, struct span v, void *object)
{
    const char *why = NULL;
    if (json_kind(v) == 'n')
        return NULL;
    switch (f->kind) {
    case SEC_TEXT:
        if (json_kind(v) != '"')
            return arena_printf(a, ": expected a text, not %s", kind_name(v));
        *sec_text(f, object) = read_text(a, v);
        return NULL;
    case SEC_ENUM:
        why = read_enum(a, f, v, sec_enum(f, object));
        break;
    case SEC_MESSAGE:
        *sec_message(f, object) = arena_alloc(a, f->model->size);
        why = read_object(a, f->model, v, *sec_message(f, object));
        break;
    case SEC_LIST:
        return read_list(a, f, v, sec_list(f, object));
    }
    return why ? arena_printf(a, "%s%s", *why == '.' ? "" : ": ", why) : NULL;
}

static const struct sec_field *field_named(struct arena *a, const struct sec_model *model, struct span key,
                                           const char **why)
{
    char *name = arena_alloc(a, key.len + 1);
    name[json_unescape(key.s, key.len, name)] = '\0';
    for (size_t i = 0; i < model->count; i++)
        if (streq(model->fields[i].json, name) || streq(model->fields[i].name, name))
            return &model->fields[i];
    const char *known = model->fields[0].json;
    for (size_t i = 1; i < model->count; i++)
        known = arena_printf(a, "%s, %s", known, model->fields[i].json);
    *why = arena_printf(a, "%s has no member \"%.80s\"; it has %s", model->name, name, known);
    return NULL;
}

/* Reads the members, then applies the rules. NULL, or what is wrong: after a path if "." begins it.
 */
static const char *read_object(struct arena *a, const struct sec_model *model, struct span v, void *object)
{
    if (json_kind(v) != '{')
        return arena_printf(a, "expected an object (%s), not %s", model->name, kind_name(v));
    unsigned seen = 0;
    const char *why = NULL;
    struct span key, value;
    for (size_t at = 0; json_next_member(v, &at, &key, &value);) {
        const struct sec_field *f = field_named(a, model, key, &why);
        if (!f)
            return why;
        unsigned bit = 1u << (f - model->fields);
        if (seen & bit)
            return arena_printf(a, ".%s: given twice", f->json);
        seen |= bit;
        why = read_value(a, f, value, object);
        if (why)
            return arena_printf(a, ".%s%s", f->json, why);
    }
    return model->check ? model->check(a, object) : NULL;
}

void *sec_from_json(struct arena *a, const struct sec_model *model, struct span json, const char **why)
{
    void *object = arena_alloc(a, model->size);
    *why = json.len > SEC_MAX_BYTES ? "the JSON text is too long" : read_object(a, model, json, object);
    if (*why && **why == '.')
        ++*why;
    return *why ? NULL : object;
}
