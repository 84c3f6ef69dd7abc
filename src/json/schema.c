#include "json/schema.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

/* Schemas come from users as well: what they may cost is limited. A schema within a schema, a word that a value is
 * compared with, a member, a few bytes of text that are looked at, and two that are parsed cost one; built-in schemas
 * need some hundred. */
enum { MAX_DEPTH = 64, MAX_COST = 1000000, TEXT_BYTES = 32, WORDS_SHOWN = 10 };

struct walk {
    struct check *c;
    struct json_object *root; /* where references lead from */
    int depth;
    size_t cost;
};

/* Whether the budget allows for it. When it does not, nothing fits any more, and the walk ends quickly. */
static bool spend(struct walk *w, size_t cost)
{
    w->cost = cost > MAX_COST ? MAX_COST + 1 : w->cost + cost;
    return w->cost <= MAX_COST;
}

static bool fits(struct walk *w, struct json_object *schema, struct json_object *v);
static bool check_type(struct walk *w, const char *type, struct json_object *schema, struct json_object *v);

static bool refuse(struct walk *w, struct json_object *v, const char *type, const char *msg)
{
    check_problem(w->c, NULL, type, v, NULL, "%s", msg);
    return false;
}

/* Whether a value fits a schema or, with `type`, is of that type and within the schema's bounds; without a word about
 * why not. */
static bool fits_quietly(struct walk *w, struct json_object *schema, const char *type, struct json_object *v)
{
    struct check *c = w->c;
    size_t mark = c->problems.len;
    int count = c->count;
    bool quiet = c->quiet;
    c->quiet = true;
    bool good = type ? spend(w, 1) && check_type(w, type, schema, v) : fits(w, schema, v);
    c->quiet = quiet;
    check_rewind(c, count, mark);
    return good;
}

/* Text that stands for a list or an object. */
static struct json_object *parsed(struct walk *w, struct json_object *v)
{
    if (!json_object_is_type(v, json_type_string))
        return v;
    const char *s = json_object_get_string(v);
    size_t len = (size_t)json_object_get_string_len(v);
    struct json_object *inner;
    struct json_error error;
    return spend(w, len / 2) && json_parse(w->c->mem, s, len, &inner, &error) ? inner : v;
}

/* The schema that "#/a/b" leads to, or NULL. */
static struct json_object *resolve(struct walk *w, const char *ref)
{
    struct json_object *at = w->root;
    if (!starts_with(ref, "#/") || !spend(w, strlen(ref) / TEXT_BYTES))
        return NULL;
    for (const char *p = ref + 2; at && *p;) {
        size_t len = strcspn(p, "/");
        at = member(at, arena_strndup(w->c->mem, p, len));
        p += len + (p[len] == '/');
    }
    return at;
}

/* How many values a value is made of. */
static size_t size_of(struct json_object *v)
{
    size_t n = 1;
    if (json_object_is_type(v, json_type_array))
        for (size_t i = 0; i < json_object_array_length(v); i++)
            n += size_of(json_object_array_get_idx(v, i));
    if (json_object_is_type(v, json_type_object)) {
        json_object_object_foreach(v, key, item)
        {
            (void)key;
            n += size_of(item);
        }
    }
    return n;
}

static void refuse_unlisted(struct walk *w, struct json_object *words, struct json_object *v)
{
    size_t count = json_object_array_length(words);
    if (w->c->quiet || count > WORDS_SHOWN) {
        check_problem(w->c, NULL, "enum", v, NULL, "Input is none of the %zu values that are allowed", count);
        return;
    }
    check_problem(w->c, NULL, "enum", v, NULL, "Input should be one of %s", json_text(w->c->mem, words, true));
}

static bool check_listed(struct walk *w, struct json_object *schema, struct json_object *v)
{
    struct json_object *words = member(schema, "enum"), *only = NULL;
    bool deep = json_object_is_type(v, json_type_object) || json_object_is_type(v, json_type_array);
    if (json_object_object_get_ex(schema, "const", &only) && !json_object_equal(only, v))
        return refuse(w, v, "literal_error", "Input is not the one value that is allowed");
    if (!json_object_is_type(words, json_type_array))
        return true;
    for (size_t i = 0; i < json_object_array_length(words); i++) {
        struct json_object *word = json_object_array_get_idx(words, i);
        if (!spend(w, deep ? 1 + size_of(word) : 1))
            return false;
        if (json_object_equal(word, v))
            return true;
    }
    refuse_unlisted(w, words, v);
    return false;
}

/* One item of a list or one member of an object, at its place. */
static bool fits_at(struct walk *w, const char *name, size_t index, struct json_object *schema, struct json_object *v)
{
    struct loc here = {.outer = w->c->at, .name = name, .index = index};
    w->c->at = &here;
    bool good = fits(w, schema, v);
    w->c->at = here.outer;
    return good;
}

static bool bound(struct json_object *schema, const char *name, double *out)
{
    struct json_object *v = member(schema, name);
    *out = json_object_get_double(v);
    return json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);
}

/* Limits of a number, or of a length under other names. */
static bool check_bounds(struct walk *w, struct json_object *schema, struct json_object *v, double n, const char *low,
                         const char *high)
{
    double limit;
    if ((bound(schema, low, &limit) && n < limit) || (bound(schema, high, &limit) && n > limit))
        return refuse(w, v, "value_error", "Input is too small or too large");
    return true;
}

static bool check_number(struct walk *w, struct json_object *schema, struct json_object *v, const struct type *t)
{
    bool ok;
    double limit;
    struct json_object *read = json_keep(w->c->mem, type_check(w->c, t, NULL, v, &ok));
    if (!ok)
        return false;
    double n = json_object_get_double(read);
    if ((bound(schema, "exclusiveMinimum", &limit) && n <= limit) ||
        (bound(schema, "exclusiveMaximum", &limit) && n >= limit))
        return refuse(w, v, "value_error", "Input is too small or too large");
    return check_bounds(w, schema, v, n, "minimum", "maximum");
}

static bool check_array(struct walk *w, struct json_object *schema, struct json_object *v)
{
    struct json_object *list = parsed(w, v), *items = member(schema, "items"), *first = member(schema, "prefixItems");
    if (!json_object_is_type(list, json_type_array))
        return refuse(w, v, "list_type", "Input should be a valid list");
    size_t count = json_object_array_length(list);
    bool good = check_bounds(w, schema, v, (double)count, "minItems", "maxItems");
    for (size_t i = 0; i < count; i++) {
        struct json_object *s = first ? json_object_array_get_idx(first, i) : NULL;
        good = fits_at(w, NULL, i, s ? s : items, json_object_array_get_idx(list, i)) && good;
    }
    return good;
}

static bool check_members(struct walk *w, struct json_object *schema, struct json_object *v, bool closed)
{
    struct json_object *properties = member(schema, "properties"), *required = member(schema, "required");
    struct json_object *other = member(schema, "additionalProperties");
    bool good = true;
    closed = closed || (json_object_is_type(other, json_type_boolean) && !json_object_get_boolean(other));
    for (size_t i = 0; json_object_is_type(required, json_type_array) && i < json_object_array_length(required); i++) {
        if (!spend(w, 1))
            return false;
        const char *name = json_object_get_string(json_object_array_get_idx(required, i));
        if (name && !member_given(v, name)) {
            check_problem(w->c, name, "missing", v, NULL, "Field required");
            good = false;
        }
    }
    json_object_object_foreach(v, key, item)
    {
        if (member_given(properties, key)) {
            good = fits_at(w, key, 0, member(properties, key), item) && good;
        } else if (closed) {
            check_problem(w->c, key, "extra_forbidden", item, NULL, "Extra inputs are not permitted");
            good = false;
        } else if (json_object_is_type(other, json_type_object)) {
            good = fits_at(w, key, 0, other, item) && good;
        }
    }
    return good;
}

static bool check_type(struct walk *w, const char *type, struct json_object *schema, struct json_object *v)
{
    bool ok = true;
    if (streq(type, "null"))
        return v ? refuse(w, v, "none_required", "Input should be null") : true;
    if (streq(type, "string")) {
        json_object_put(type_check(w->c, &T_STRING, NULL, v, &ok));
        return ok && check_bounds(w, schema, v,
                                  (double)utf8_length(json_object_get_string(v), (size_t)json_object_get_string_len(v)),
                                  "minLength", "maxLength");
    }
    if (streq(type, "integer") || streq(type, "number"))
        return check_number(w, schema, v, *type == 'i' ? &T_INT : &T_FLOAT);
    if (streq(type, "boolean")) {
        json_object_put(type_check(w->c, &T_BOOL, NULL, v, &ok));
        return ok;
    }
    if (streq(type, "array"))
        return check_array(w, schema, v);
    if (streq(type, "object")) {
        struct json_object *o = parsed(w, v);
        return json_object_is_type(o, json_type_object)
                   ? check_members(w, schema, o, false)
                   : refuse(w, v, "dict_type", "Input should be a valid dictionary");
    }
    return true;
}

static bool check_any(struct walk *w, struct json_object *schemas, struct json_object *v)
{
    size_t count = json_object_array_length(schemas);
    for (size_t i = 0; i < count; i++)
        if (fits_quietly(w, json_object_array_get_idx(schemas, i), NULL, v))
            return true;
    for (size_t i = 0; i < count; i++) /* once more, to say why */
        fits(w, json_object_array_get_idx(schemas, i), v);
    return count == 0;
}

static bool check_keywords(struct walk *w, struct json_object *schema, struct json_object *v)
{
    struct json_object *all = member(schema, "allOf"), *any = member(schema, "anyOf"), *type = member(schema, "type");
    const char *ref = member_str(schema, "$ref");
    if (!any)
        any = member(schema, "oneOf");
    if (ref && !fits(w, resolve(w, ref), v))
        return false;
    for (size_t i = 0; json_object_is_type(all, json_type_array) && i < json_object_array_length(all); i++)
        if (!fits(w, json_object_array_get_idx(all, i), v))
            return false;
    if (json_object_is_type(any, json_type_array) && !check_any(w, any, v))
        return false;
    if (!check_listed(w, schema, v))
        return false;
    if (json_object_is_type(type, json_type_string))
        return check_type(w, json_object_get_string(type), schema, v);
    for (size_t i = 0; json_object_is_type(type, json_type_array) && i < json_object_array_length(type); i++)
        if (fits_quietly(w, schema, json_object_get_string(json_object_array_get_idx(type, i)), v))
            return true;
    return json_object_is_type(type, json_type_array)
               ? refuse(w, v, "value_error", "Input has none of the allowed types")
               : true;
}

static bool fits(struct walk *w, struct json_object *schema, struct json_object *v)
{
    if (!json_object_is_type(schema, json_type_object) || w->depth >= MAX_DEPTH)
        return true;
    size_t text = json_object_is_type(v, json_type_string) ? (size_t)json_object_get_string_len(v) : 0;
    if (!spend(w, 1 + text / TEXT_BYTES))
        return false;
    w->depth++;
    bool good = check_keywords(w, schema, v);
    w->depth--;
    return good;
}

bool schema_check_object(struct check *c, struct json_object *schema, struct json_object *value)
{
    struct walk w = {.c = c, .root = schema};
    size_t mark = c->problems.len;
    int count = c->count;
    bool good = check_members(&w, schema, value, true);
    if (w.cost <= MAX_COST)
        return good;
    check_rewind(c, count, mark);
    check_problem(c, NULL, "value_error", NULL, NULL, "Checking it against this schema takes too long");
    return false;
}

/* Titles ---------------------------------------------------------------------------------------------------------- */

const char *schema_title(struct arena *a, struct span name)
{
    char *text = arena_strndup(a, name.s, name.len);
    bool begin = true;
    for (char *p = text; *p; p++) {
        *p = (char)(*p == '_' ? ' ' : begin ? toupper((unsigned char)*p) : tolower((unsigned char)*p));
        begin = !isalpha((unsigned char)*p);
    }
    return text;
}

/* Whether a schema is a reference, or one and null. */
static bool refers(struct json_object *schema)
{
    struct json_object *any = member(schema, "anyOf");
    size_t count = any ? json_object_array_length(any) : 0, others = 0;
    bool found = member_given(schema, "$ref") || member_given(schema, "allOf");
    for (size_t i = 0; i < count; i++) {
        struct json_object *alternative = json_object_array_get_idx(any, i);
        others += !streq(member_str(alternative, "type"), "null");
        found = found || refers(alternative);
    }
    return found && others < 2;
}

void schema_label(struct arena *a, struct json_object *schema)
{
    struct json_object *members = member(schema, "properties"), *definitions = member(schema, "$defs");
    if (members) {
        json_object_object_foreach(members, name, part) if (!refers(part)) json_object_object_add(
            part, "title", json_object_new_string(schema_title(a, (struct span){name, strlen(name)})));
    }
    if (definitions) {
        json_object_object_foreach(definitions, name, part)
        {
            schema_label(a, part);
            json_object_object_add(part, "title", json_object_new_string(name));
        }
    }
}
