#include "json/model_schema.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

enum { MAX_DEFINITIONS = 64 };

struct definitions {
    struct arena *mem;
    const struct type *types[MAX_DEFINITIONS]; /* referred to, K_MODEL and K_ENUM */
    size_t count;
};

/* The name of a document or of a list of words: how unions call the latter is left out. */
static const char *name_of(struct arena *a, const struct type *t)
{
    static const char PREFIX[] = "str-enum[";
    if (t->kind == K_MODEL)
        return t->model->name;
    return starts_with(t->label, PREFIX)
               ? arena_strndup(a, t->label + sizeof PREFIX - 1, strlen(t->label) - sizeof PREFIX)
               : t->label;
}

static const char *refer(struct definitions *d, const struct type *t)
{
    const char *name = name_of(d->mem, t);
    size_t i = 0;
    while (i < d->count && !streq(name_of(d->mem, d->types[i]), name))
        i++;
    if (i == d->count && d->count < MAX_DEFINITIONS)
        d->types[d->count++] = t;
    return arena_printf(d->mem, "\"$ref\":\"#/$defs/%s\"", name);
}

const char *kind_schema(enum kind kind)
{
    static const char *const plain[] = {
        [K_STRING] = "\"type\":\"string\"",
        [K_INT] = "\"type\":\"integer\"",
        [K_FLOAT] = "\"type\":\"number\"",
        [K_BOOL] = "\"type\":\"boolean\"",
        [K_UUID] = "\"format\":\"uuid\",\"type\":\"string\"",
        [K_STAMP] = "\"format\":\"date-time\",\"type\":\"string\"",
        [K_DURATION] = "\"format\":\"duration\",\"type\":\"string\"",
    };
    return (size_t)kind < ARRAY_LEN(plain) ? plain[kind] : NULL;
}

/* The members of a schema, without braces; alternatives as a list of schemas with braces. */
static const char *members_of(struct definitions *d, const struct type *t)
{
    switch (t->kind) {
    case K_ANY:
    case K_UNION:
        return "";
    case K_ENUM:
    case K_MODEL:
        return refer(d, t);
    case K_MAP:
    case K_LIST: {
        const char *item = members_of(d, t->item), *name = t->kind == K_MAP ? "additionalProperties" : "items";
        return *item || t->kind == K_LIST ? arena_printf(d->mem, "\"%s\":{%s},\"type\":\"%s\"", name, item,
                                                         t->kind == K_MAP ? "object" : "array")
                                          : "\"type\":\"object\"";
    }
    default:
        return kind_schema(t->kind);
    }
}

static const char *alternatives_of(struct definitions *d, const struct type *t)
{
    const char *all = "";
    if (t->kind != K_UNION)
        return arena_printf(d->mem, "{%s}", members_of(d, t));
    for (const struct type *const *alt = t->any; *alt; alt++)
        all = arena_printf(d->mem, "%s%s{%s}", all, *all ? "," : "", members_of(d, *alt));
    return all;
}

/* "webhook_secret_id" as "Webhook Secret Id". */
static const char *title_of(struct arena *a, const char *name)
{
    char *title = arena_strdup(a, name);
    for (char *p = title; *p; p++) {
        if (*p == '_')
            *p = ' ';
        if (p == title || p[-1] == ' ')
            *p = (char)toupper((unsigned char)*p);
    }
    return title;
}

static void write_field(struct jw *w, struct definitions *d, const struct field *f)
{
    bool reference = f->type->kind == K_MODEL || f->type->kind == K_ENUM, nullable = f->flags & NUL;
    const char *text = nullable || f->type->kind == K_UNION
                           ? arena_printf(d->mem, "\"anyOf\":[%s%s]", alternatives_of(d, f->type),
                                          nullable ? ",{\"type\":\"null\"}" : "")
                           : members_of(d, f->type);
    if (f->def || nullable)
        text = arena_printf(d->mem, "%s,\"default\":%s", text, f->def ? f->def : "null");
    if (!reference)
        text = arena_printf(d->mem, "%s,\"title\":\"%s\"", text, title_of(d->mem, f->name));
    text = arena_printf(d->mem, "{%s}", text);
    jw_name(w, f->name);
    jw_raw(w, text, strlen(text));
}

static void write_members(struct jw *w, struct definitions *d, const struct model *m)
{
    bool required = false;
    if (m->extra != EXTRA_IGNORE) {
        jw_name(w, "additionalProperties");
        jw_bool(w, m->extra == EXTRA_ALLOW);
    }
    jw_name(w, "properties");
    jw_open(w, '{');
    for (size_t i = 0; i < m->count; i++) {
        write_field(w, d, &m->fields[i]);
        required = required || m->fields[i].flags & REQ;
    }
    jw_close(w, '}');
    if (required) {
        jw_name(w, "required");
        jw_open(w, '[');
        for (size_t i = 0; i < m->count; i++)
            if (m->fields[i].flags & REQ)
                jw_str(w, m->fields[i].name);
        jw_close(w, ']');
    }
    jw_name(w, "title");
    jw_str(w, m->name);
    jw_name(w, "type");
    jw_str(w, "object");
}

static void write_words(struct jw *w, struct definitions *d, const struct type *t)
{
    jw_name(w, "enum");
    jw_open(w, '[');
    for (const char *const *word = t->words; *word; word++)
        jw_str(w, *word);
    jw_close(w, ']');
    jw_name(w, "title");
    jw_str(w, name_of(d->mem, t));
    jw_name(w, "type");
    jw_str(w, "string");
}

void model_write_schema(struct jw *w, struct arena *a, const struct model *m)
{
    struct definitions *d = arena_alloc(a, sizeof *d);
    *d = (struct definitions){.mem = a};
    jw_open(w, '{');
    write_members(w, d, m);
    for (size_t i = 0; i < d->count; i++) { /* the list grows while it is written */
        if (i == 0) {
            jw_name(w, "$defs");
            jw_open(w, '{');
        }
        jw_name(w, name_of(a, d->types[i]));
        jw_open(w, '{');
        if (d->types[i]->kind == K_ENUM)
            write_words(w, d, d->types[i]);
        else
            write_members(w, d, d->types[i]->model);
        jw_close(w, '}');
    }
    if (d->count)
        jw_close(w, '}');
    jw_close(w, '}');
}
