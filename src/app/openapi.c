#include "app/openapi.h"

#include "app/answers.h"
#include "app/app.h"
#include "base/config.h"
#include "base/text.h"
#include "model/model.h"
#include "resource/filter.h"
#include "json/model_schema.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_COMPONENTS = 512 };

/* What a component is made of. */
enum source { FROM_ENVELOPE, FROM_PART, FROM_PAGE, FROM_CREATE, FROM_UPDATE, FROM_DOCUMENT, FROM_WORDS };

struct component {
    const char *name;
    enum source source;
    const struct resource *res;
    enum section section;
    const struct model *model;
    const char *const *words;
    bool output; /* a document as it is shown, not as it is accepted */
};

struct api {
    struct arena *mem;
    struct jw w;
    struct component components[MAX_COMPONENTS]; /* referred to; they are written when all paths are */
    size_t count;
    const char *unknown; /* the first word of the notation that nothing is called */
};

/* Shapes of values are texts of the members of a JSON schema, without the braces. --------------------------------- */

static const char *one_of(struct api *a, const char *schemas)
{
    return arena_printf(a->mem, "\"anyOf\":[%s]", schemas);
}

static const char *braced(struct api *a, const char *schema)
{
    return arena_printf(a->mem, "{%s}", schema);
}

/* The schema as an alternative; one that is a choice already is taken apart. */
static const char *alternatives(struct api *a, const char *schema)
{
    static const char CHOICE[] = "\"anyOf\":[";
    size_t n = sizeof CHOICE - 1, len = schema ? strlen(schema) : 0;
    if (len > n && starts_with(schema, CHOICE) && schema[len - 1] == ']')
        return arena_strndup(a->mem, schema + n, len - n - 1);
    return braced(a, schema);
}

static const char *nullable(struct api *a, const char *schema)
{
    return one_of(a, arena_printf(a->mem, "%s,{\"type\":\"null\"}", alternatives(a, schema)));
}

static const char *list_of(struct api *a, const char *item)
{
    return arena_printf(a->mem, "\"items\":{%s},\"type\":\"array\"", item);
}

static const char *map_of(struct api *a, const char *item)
{
    return *item ? arena_printf(a->mem, "\"additionalProperties\":{%s},\"type\":\"object\"", item)
                 : "\"type\":\"object\"";
}

static const char *with_default(struct api *a, const char *schema, const char *def)
{
    if (!def)
        return schema;
    if (starts_with(schema, "\"$ref\""))
        schema = arena_printf(a->mem, "\"allOf\":[{%s}]", schema);
    return arena_printf(a->mem, "%s%s\"default\":%s", schema, *schema ? "," : "", def);
}

static const char *text_schema(struct api *a, unsigned max)
{
    return max ? arena_printf(a->mem, "\"maxLength\":%u,\"type\":\"string\"", max) : "\"type\":\"string\"";
}

static const char *refer(struct api *a, struct component to)
{
    size_t i = 0;
    while (i < a->count && !streq(a->components[i].name, to.name))
        i++;
    if (i == a->count && a->count < MAX_COMPONENTS)
        a->components[a->count++] = to;
    return arena_printf(a->mem, "\"$ref\":\"#/components/schemas/%s\"", to.name);
}

static const char *refer_words(struct api *a, const struct type *t)
{
    const char *name = t->label;
    static const char PREFIX[] = "str-enum[";
    if (starts_with(name, PREFIX)) /* how a union calls it */
        name = arena_strndup(a->mem, name + sizeof PREFIX - 1, strlen(name) - sizeof PREFIX);
    return refer(a, (struct component){.name = name, .source = FROM_WORDS, .words = t->words});
}

static const char *refer_document(struct api *a, const struct model *m, bool output)
{
    const char *name = m->split ? arena_printf(a->mem, "%s-%s", m->name, output ? "Output" : "Input") : m->name;
    return refer(a, (struct component){.name = name, .source = FROM_DOCUMENT, .model = m, .output = output});
}

static const char *refer_resource(struct api *a, const struct resource *r)
{
    return refer(
        a, (struct component){.name = arena_printf(a->mem, "%sResponse", r->title), .source = FROM_ENVELOPE, .res = r});
}

static const char *refer_page(struct api *a, const struct resource *r)
{
    return refer(a, (struct component){
                        .name = arena_printf(a->mem, "Page_%sResponse_", r->title), .source = FROM_PAGE, .res = r});
}

/* A page of documents that no resource describes. */
static const char *refer_document_page(struct api *a, const struct model *m)
{
    return refer(
        a, (struct component){.name = arena_printf(a->mem, "Page_%s_", m->name), .source = FROM_PAGE, .model = m});
}

static const char *int_schema(struct api *a, const struct field *f)
{
    struct buf b = {0};
    if (f && f->ranged && f->le != INT64_MAX)
        buf_addf(&b, "\"maximum\":%lld,", (long long)f->le);
    if (f && f->ranged && f->ge != INT64_MIN)
        buf_addf(&b, "\"minimum\":%lld,", (long long)f->ge);
    buf_adds(&b, "\"type\":\"integer\"");
    const char *s = arena_strdup(a->mem, b.data);
    buf_free(&b);
    return s;
}

static const char *type_schema(struct api *a, const struct type *t, unsigned max, const struct field *f, bool output)
{
    switch (t->kind) {
    case K_ANY:
        return "";
    case K_STRING:
        return streq(t->label, "password") ? "\"format\":\"password\",\"type\":\"string\",\"writeOnly\":true"
                                           : text_schema(a, max);
    case K_INT:
        return int_schema(a, f);
    case K_FLOAT:
    case K_BOOL:
    case K_UUID:
    case K_STAMP:
    case K_DURATION:
        return kind_schema(t->kind);
    case K_ENUM:
        return refer_words(a, t);
    case K_MODEL:
        return refer_document(a, t->model, output);
    case K_MAP:
    case K_LIST: {
        const char *item = type_schema(a, t->item, 0, NULL, output);
        if (t->item_null && *item)
            item = nullable(a, item);
        return t->kind == K_MAP ? map_of(a, item) : list_of(a, item);
    }
    case K_UNION:
        break;
    }
    const char *all = "";
    for (const struct type *const *alt = t->any; *alt; alt++)
        all = arena_printf(a->mem, "%s%s{%s}", all, *all ? "," : "", type_schema(a, *alt, max, f, output));
    return one_of(a, all);
}

/* The notation of answers ----------------------------------------------------------------------------------------- */

/* The schema of one word of the notation. */
static const char *word_schema(struct api *a, const char *word)
{
    static const struct {
        const char *word;
        const struct type *type;
    } WORDS[] = {
        {"string", &T_STRING}, {"uuid", &T_UUID},         {"time", &T_STAMP}, {"duration", &T_DURATION},
        {"int", &T_INT},       {"number", &T_FLOAT},      {"bool", &T_BOOL},  {"object", &T_MAP_ANY},
        {"any", &T_ANY},       {"password", &T_PASSWORD},
    };
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
        if (streq(WORDS[i].word, word))
            return type_schema(a, WORDS[i].type, 0, NULL, true);
    for (size_t i = 0; all_resources[i]; i++) {
        const struct resource *r = all_resources[i];
        if (streq(word, arena_printf(a->mem, "%sResponse", r->title)))
            return refer_resource(a, r);
        if (streq(word, arena_printf(a->mem, "Page_%sResponse_", r->title)))
            return refer_page(a, r);
    }
    for (size_t i = 0; answer_types[i]; i++) {
        const struct type *t = answer_types[i];
        const char *name = t->kind == K_MODEL ? t->model->name : t->label;
        if (streq(word, name) || streq(word, arena_printf(a->mem, "str-enum[%s]", word)))
            return type_schema(a, t, 0, NULL, true);
        if (t->kind == K_MODEL && streq(word, arena_printf(a->mem, "Page_%s_", t->model->name)))
            return refer_document_page(a, t->model);
        if (t->kind == K_ENUM && streq(t->label, arena_printf(a->mem, "str-enum[%s]", word)))
            return refer_words(a, t);
    }
    if (!a->unknown)
        a->unknown = word;
    return "";
}

static const char *read_type(struct api *a, const char **s);

static const char *read_single(struct api *a, const char **s)
{
    if (**s == '[' || **s == '{') {
        bool list = *(*s)++ == '[';
        const char *item = read_type(a, s);
        bool null = **s == '?';
        *s += null;
        ++*s; /* the bracket */
        if (null)
            item = nullable(a, item);
        return list ? list_of(a, item) : map_of(a, item);
    }
    size_t len = 0;
    while (isalnum((unsigned char)(*s)[len]) || (*s)[len] == '_')
        len++;
    const char *word = arena_strndup(a->mem, *s, len);
    *s += len;
    if (**s != '<')
        return word_schema(a, word);
    unsigned max = 0;
    while (isdigit((unsigned char)*++*s))
        max = max * 10 + (unsigned)(**s - '0');
    return text_schema(a, max);
}

static const char *read_type(struct api *a, const char **s)
{
    const char *first = read_single(a, s);
    if (**s != '|')
        return first;
    const char *all = braced(a, first);
    while (**s == '|') {
        ++*s;
        all = arena_printf(a->mem, "%s,{%s}", all, read_single(a, s));
    }
    return one_of(a, all);
}

/* The marks behind the type, for a schema. */
static const char *read_marks(struct api *a, const char *s, const char *schema, bool *required)
{
    *required = true;
    if (*s == '?') {
        schema = nullable(a, schema);
        *required = *++s == '!';
        s += *required;
    }
    if (*s == '~')
        *required = false;
    if (*s == '=') {
        *required = false;
        schema = with_default(a, schema, s + 1);
    }
    return schema;
}

/* Members of an object -------------------------------------------------------------------------------------------- */

struct members {
    struct api *api;
    const char *required; /* list of quoted names */
};

static void begin_object(struct api *a)
{
    jw_open(&a->w, '{');
    jw_key(&a->w, "properties");
    jw_open(&a->w, '{');
}

static void add_member(struct members *m, const char *name, const char *schema, bool required)
{
    struct jw *w = &m->api->w;
    const char *text = braced(m->api, schema);
    jw_key(w, name);
    jw_raw(w, text, strlen(text));
    if (required)
        m->required = arena_printf(m->api->mem, "%s%s\"%s\"", m->required, *m->required ? "," : "", name);
}

static void end_object(struct members *m, const char *additional)
{
    struct jw *w = &m->api->w;
    jw_close(w, '}');
    if (*m->required) {
        const char *list = arena_printf(m->api->mem, "[%s]", m->required);
        jw_key(w, "required");
        jw_raw(w, list, strlen(list));
    }
    if (additional) {
        jw_key(w, "additionalProperties");
        jw_raw(w, additional, strlen(additional));
    }
    jw_key(w, "type");
    jw_str(w, "object");
    jw_close(w, '}');
}

/* A field as a document, a create or an update takes it. */
static const char *field_schema(struct api *a, const struct field *f, bool update, bool output, bool *required)
{
    unsigned max = update && f->flags & UPD_ANYLEN ? 0 : f->max;
    const char *schema = type_schema(a, f->type, max, f, output);
    bool strict = f->flags & (UPD_REQ | UPD_DEF);
    *required = f->flags & (update ? UPD_REQ : REQ);
    if (update ? !strict : (f->flags & NUL) != 0)
        schema = nullable(a, schema);
    return update && !strict ? schema : with_default(a, schema, f->def);
}

static void write_model(struct api *a, const struct model *model, bool update, bool output)
{
    struct members m = {.api = a, .required = ""};
    begin_object(a);
    for (size_t i = 0; i < model->count; i++) {
        const struct field *f = &model->fields[i];
        bool required;
        if (update ? !(f->flags & (UPD | UPD_ONLY | UPD_REQ | UPD_DEF)) : f->flags & UPD_ONLY)
            continue;
        const char *schema = field_schema(a, f, update, output, &required);
        add_member(&m, f->name, schema, required);
    }
    end_object(&m, model->extra == EXTRA_ALLOW ? "true" : model->extra == EXTRA_FORBID ? "false" : NULL);
}

/* Answers of resources -------------------------------------------------------------------------------------------- */

static const char *stored_schema(struct api *a, const struct column *col)
{
    static const struct type *const TYPES[] = {
        [E_TEXT] = &T_STRING, [E_UUID] = &T_UUID,         [E_STAMP] = &T_STAMP,  [E_BOOL] = &T_BOOL,  [E_INT] = &T_INT,
        [E_FLOAT] = &T_FLOAT, [E_DURATION] = &T_DURATION, [E_JSON] = &T_MAP_ANY, [E_B64] = &T_MAP_ANY};
    if (col->ref)
        return refer_resource(a, col->ref);
    if (col->doc)
        return refer_document(a, col->doc, true);
    return type_schema(a, col->type ? col->type : TYPES[col->enc], 0, NULL, true);
}

/* What a column holds: as its notation says, and where that is silent as the request's member of that name, or as it is
 * stored. */
static const char *column_schema(struct api *a, const struct resource *r, const struct column *col, bool *required)
{
    const char *notation = col->schema ? col->schema : "";
    const struct field *f = r->body && !(col->ref || col->show) ? model_field(r->body, col->name) : NULL;
    bool typed = *notation && !strchr("?~=", *notation);
    const char *schema = typed ? read_type(a, &notation)
                         : f   ? type_schema(a, f->type, f->max, f, true)
                               : stored_schema(a, col);
    if (!col->schema && f && !(f->flags & UPD_ONLY)) {
        *required = f->flags & REQ;
        return with_default(a, f->flags & NUL ? nullable(a, schema) : schema, f->def);
    }
    return read_marks(a, notation, schema, required);
}

static bool has_section(const struct resource *r, enum section section)
{
    for (size_t i = 0; i < r->column_count; i++)
        if (r->columns[i].section == section)
            return true;
    return false;
}

static void write_columns(struct members *m, const struct resource *r, enum section section)
{
    for (size_t i = 0; i < r->column_count; i++) {
        bool required;
        if (r->columns[i].section != section)
            continue;
        const char *schema = column_schema(m->api, r, &r->columns[i], &required);
        add_member(m, r->columns[i].name, schema, required);
    }
}

static void write_section(struct api *a, const struct component *c)
{
    struct members m = {.api = a, .required = ""};
    begin_object(a);
    write_columns(&m, c->res, c->section);
    end_object(&m, c->section == S_RES ? "true" : NULL);
}

static void write_envelope(struct api *a, const struct component *c)
{
    static const struct {
        const char *name;
        enum section section;
    } PARTS[] = {{"Body", S_BODY}, {"Metadata", S_META}, {"Resources", S_RES}};
    static const char *const MEMBERS[] = {"body", "metadata", "resources"};
    const struct resource *r = c->res;
    struct members m = {.api = a, .required = ""};
    begin_object(a);
    write_columns(&m, r, S_TOP);
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        bool bare = PARTS[i].section == S_META && r->flags & X_META_NULL && !has_section(r, S_META);
        const char *name =
            bare ? "BaseResponseMetadata" : arena_printf(a->mem, "%sResponse%s", r->title, PARTS[i].name);
        add_member(&m, MEMBERS[i],
                   nullable(a, refer(a,
                                     (struct component){
                                         .name = name, .source = FROM_PART, .res = r, .section = PARTS[i].section})),
                   false);
    }
    if (!(r->flags & X_NO_ENVELOPE_ID))
        add_member(&m, "permission_denied", "\"default\":false,\"type\":\"boolean\"", false);
    end_object(&m, NULL);
}

static void write_page(struct api *a, const struct component *c)
{
    static const char ABOVE[] = "\"exclusiveMinimum\":0,\"type\":\"integer\"",
                      FROM[] = "\"minimum\":0,\"type\":\"integer\"";
    struct members m = {.api = a, .required = ""};
    begin_object(a);
    add_member(&m, "index", ABOVE, true);
    add_member(&m, "max_size", ABOVE, true);
    add_member(&m, "total_pages", FROM, true);
    add_member(&m, "total", FROM, true);
    add_member(&m, "items", list_of(a, c->res ? refer_resource(a, c->res) : refer_document(a, c->model, true)), true);
    end_object(&m, NULL);
}

static void write_words(struct api *a, const struct component *c)
{
    jw_open(&a->w, '{');
    jw_key(&a->w, "enum");
    jw_open(&a->w, '[');
    for (const char *const *word = c->words; *word; word++)
        jw_str(&a->w, *word);
    jw_close(&a->w, ']');
    jw_key(&a->w, "type");
    jw_str(&a->w, "string");
    jw_close(&a->w, '}');
}

static void write_component(struct api *a, const struct component *c)
{
    switch (c->source) {
    case FROM_ENVELOPE:
        write_envelope(a, c);
        break;
    case FROM_PART:
        write_section(a, c);
        break;
    case FROM_PAGE:
        write_page(a, c);
        break;
    case FROM_CREATE:
    case FROM_UPDATE:
        write_model(a, c->model, c->source == FROM_UPDATE, false);
        break;
    case FROM_DOCUMENT:
        write_model(a, c->model, false, c->output);
        break;
    case FROM_WORDS:
        write_words(a, c);
        break;
    }
}

/* Parameters ------------------------------------------------------------------------------------------------------ */

static void write_parameter(struct api *a, const char *in, const char *name, const char *schema, bool required)
{
    const char *text = braced(a, schema);
    jw_open(&a->w, '{');
    jw_key(&a->w, "in");
    jw_str(&a->w, in);
    jw_key(&a->w, "name");
    jw_str(&a->w, name);
    jw_key(&a->w, "required");
    jw_bool(&a->w, required);
    jw_key(&a->w, "schema");
    jw_raw(&a->w, text, strlen(text));
    jw_close(&a->w, '}');
}

static void write_path_parameters(struct api *a, const struct route *r)
{
    size_t len;
    const char *p;
    for (size_t i = 0; (p = route_param_name(r->path, i, &len)); i++) {
        const char *uuid = type_schema(a, &T_UUID, 0, NULL, false), *text = text_schema(a, 0);
        const char *schemas[] = {[PARAM_ID] = uuid,
                                 [PARAM_NAME] = text,
                                 [PARAM_NAME_OR_ID] = one_of(a, arena_printf(a->mem, "{%s},{%s}", text, uuid))};
        write_parameter(a, "path", arena_strndup(a->mem, p, len), schemas[r->params[i]], true);
    }
}

static void write_query_model(struct api *a, const struct model *m)
{
    for (size_t i = 0; m && i < m->count; i++) {
        bool required;
        const char *schema = field_schema(a, &m->fields[i], false, false, &required);
        write_parameter(a, "query", m->fields[i].name, schema, required);
    }
}

static const char *filter_schema(struct api *a, enum filter_class cls, const struct type *t)
{
    static const struct type *const TYPES[] = {
        [F_UUID] = &T_UUID,          [F_STAMP] = &T_STAMP,      [F_INT] = &T_INT,
        [F_BOOL] = &T_BOOL,          [F_STRICT_BOOL] = &T_BOOL, [F_STRICT_INT] = &T_INT,
        [F_STRICT_FLOAT] = &T_FLOAT, [F_STRICT_UUID] = &T_UUID, [F_ID] = &T_UUID,
        [F_STRICT_ENUM] = NULL};
    static const bool FREE[] = {
        [F_UUID] = true, [F_ID] = true, [F_STAMP] = true, [F_INT] = true, [F_BOOL] = true, [F_STRICT_ENUM] = false};
    const char *typed = t && t->kind == K_ENUM ? type_schema(a, t, 0, NULL, false) : NULL;
    if (cls == F_STRICT_ENUM)
        return nullable(a, typed);
    if (cls == F_STRING && typed)
        return nullable(a, arena_printf(a->mem, "\"anyOf\":[{%s},{\"type\":\"string\"}]", typed));
    const struct type *own = cls < ARRAY_LEN(TYPES) ? TYPES[cls] : NULL;
    const char *schema = own ? type_schema(a, own, 0, NULL, false) : "\"type\":\"string\"";
    if (own && cls < ARRAY_LEN(FREE) && FREE[cls]) /* an operator may stand before the value */
        schema = arena_printf(a->mem, "\"anyOf\":[{%s},{\"type\":\"string\"}]", schema);
    return nullable(a, schema);
}

/* A parameter of the path is none of the query as well. */
static void write_filter(struct api *a, const struct route *r, const char *name, const char *schema)
{
    if (!strstr(r->path, arena_printf(a->mem, "{%s}", name)))
        write_parameter(a, "query", name, schema, false);
}

static void write_list_parameters(struct api *a, const struct route *route)
{
    const struct resource *r = route->resource;
    write_query_model(a, filter_page_model(a->mem));
    for (size_t i = 0; i < r->column_count; i++)
        if (r->columns[i].filter != F_NONE)
            write_filter(a, route, r->columns[i].name, filter_schema(a, r->columns[i].filter, r->columns[i].type));
    for (size_t i = 0; i < r->filter_count; i++) {
        const struct filter *f = &r->filters[i];
        bool mark = f->cls == F_STRICT_BOOL && f->sql && !f->column && !f->sql_false; /* false is as good as absent */
        write_filter(a, route, f->name, with_default(a, filter_schema(a, f->cls, NULL), mark ? "false" : NULL));
    }
    if (r->flags & X_WORKSPACE)
        write_parameter(a, "query", "scope_workspace", filter_schema(a, F_STRICT_UUID, NULL), false);
}

static void write_parameters(struct api *a, const struct route *r)
{
    static const char SWITCH[] = "\"type\":\"boolean\"";
    jw_key(&a->w, "parameters");
    jw_open(&a->w, '[');
    write_path_parameters(a, r);
    if (r->op == OP_LIST)
        write_list_parameters(a, r);
    else if (r->flags & (R_HYDRATE | R_NO_HYDRATE))
        write_parameter(a, "query", "hydrate", with_default(a, SWITCH, r->flags & R_HYDRATE ? "true" : "false"), false);
    write_query_model(a, r->query);
    jw_close(&a->w, ']');
}

/* Operations ------------------------------------------------------------------------------------------------------ */

static void write_content(struct api *a, const char *type, const char *schema)
{
    const char *text = arena_printf(a->mem, "{\"%s\":{\"schema\":{%s}}}", type, schema);
    jw_key(&a->w, "content");
    jw_raw(&a->w, text, strlen(text));
}

static void write_body(struct api *a, const struct route *r)
{
    bool update = streq(r->method, "PUT"), generic = r->op == OP_CREATE || r->op == OP_UPDATE;
    const struct model *m = generic ? r->resource->body : r->body;
    if (!m)
        return;
    const char *name =
        generic ? arena_printf(a->mem, "%s%s", r->resource->title, update ? "Update" : "Request") : m->name;
    const char *schema =
        m->count ? refer(a, (struct component){.name = name, .source = update ? FROM_UPDATE : FROM_CREATE, .model = m})
                 : map_of(a, nullable(a, "\"type\":\"string\""));
    bool optional = r->flags & R_BODY_OPTIONAL, needed = !optional;
    for (size_t i = 0; r->flags & R_FORM && i < m->count; i++) /* an empty form is no form */
        needed = (i && needed) || m->fields[i].flags & REQ;
    jw_key(&a->w, "requestBody");
    jw_open(&a->w, '{');
    write_content(a, r->flags & R_FORM ? "application/x-www-form-urlencoded" : "application/json",
                  optional ? nullable(a, schema) : schema);
    if (needed) {
        jw_key(&a->w, "required");
        jw_bool(&a->w, true);
    }
    jw_close(&a->w, '}');
}

static const char *answer_schema(struct api *a, const struct route *r)
{
    if (r->response) {
        const char *s = r->response;
        bool required;
        const char *schema = read_type(a, &s);
        return read_marks(a, s, schema, &required);
    }
    switch (r->op) {
    case OP_LIST:
        return refer_page(a, r->resource);
    case OP_GET:
    case OP_CREATE:
    case OP_UPDATE:
        return refer_resource(a, r->resource);
    default:
        return "";
    }
}

static void write_answer(struct api *a, const char *status, const char *title, const char *schema)
{
    jw_key(&a->w, status);
    jw_open(&a->w, '{');
    jw_key(&a->w, "description");
    jw_str(&a->w, title);
    write_content(a, "application/json", schema);
    jw_close(&a->w, '}');
}

/* Refusals that an operation of its kind can meet. */
static void write_answers(struct api *a, const struct route *r)
{
    bool secured = !(r->flags & R_PUBLIC), writes = !streq(r->method, "GET"), api = starts_with(r->path, "/api/");
    bool body = r->body || r->op == OP_CREATE || r->op == OP_UPDATE;
    const struct {
        const char *status, *title;
        bool here;
    } REFUSALS[] = {
        {"400", "The request cannot be done as asked", secured || body},
        {"401", "No valid credentials", api},
        {"403", "Not allowed", secured},
        {"404", "There is no such thing", api},
        {"409", "In conflict with what is there", secured && writes},
        {"413", "The body is too large", body},
        {"422", "The request is not well-formed", api},
        {"429", "Too many attempts", !secured && body},
        {"500", "The state of things does not allow it", secured},
        {"501", "This server does not have what it takes", secured},
        {"503", "The database cannot be reached", api},
    };
    const char *error = type_schema(a, &T_ERROR, 0, NULL, true);
    const char *problems = type_schema(a, &T_STRINGS, 0, NULL, true); /* "ValueError" and the problems as JSON text */
    jw_key(&a->w, "responses");
    jw_open(&a->w, '{');
    write_answer(a, "200", "Done", answer_schema(a, r));
    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++)
        if (REFUSALS[i].here)
            write_answer(a, REFUSALS[i].status, REFUSALS[i].title,
                         streq(REFUSALS[i].status, "422")
                             ? one_of(a, arena_printf(a->mem, "{%s},{%s}", error, problems))
                             : error);
    jw_close(&a->w, '}');
}

/* Several of what a resource is called: "links of a and b", "code repositories". */
static const char *plural(struct arena *mem, const char *label)
{
    const char *of = strstr(label, " of ");
    size_t len = of ? (size_t)(of - label) : strlen(label);
    bool mass = len > 4 && strncmp(label + len - 4, "data", 4) == 0, y = len > 1 && label[len - 1] == 'y';
    bool turned = y && !strchr("aeiou", label[len - 2]);
    return arena_printf(mem, "%.*s%s%s", (int)(len - turned), label, mass ? "" : turned ? "ies" : "s", of ? of : "");
}

static const char *one(struct arena *mem, const char *label)
{
    return arena_printf(mem, "%s %s", strchr("aeioA", *label) ? "an" : "a", label);
}

/* Where a route's path puts what it is about: " in a workspace", " of a model". */
static const char *where(struct arena *mem, const struct route *r)
{
    if (!r->within || r->op == OP_GET || r->op == OP_UPDATE || r->op == OP_DELETE)
        return "";
    return arena_printf(mem, " %s %s", r->within == &resource_workspace ? "in" : "of", one(mem, r->within->label));
}

/* How a route finds the row that its last path parameter names. */
static const char *found_by(const struct route *r)
{
    size_t n = 0, len;
    while (route_param_name(r->path, n, &len))
        n++;
    return n && r->params[n - 1] == PARAM_NAME_OR_ID ? "its name or its id" : "its id";
}

const char *openapi_about(struct arena *mem, const struct route *r)
{
    const char *label = r->resource ? r->resource->label : NULL;
    if (r->about || !label)
        return r->about;
    switch (r->op) {
    case OP_LIST:
        return arena_printf(mem, "Lists %s%s, a page at a time.", plural(mem, label), where(mem, r));
    case OP_GET:
        return arena_printf(mem, "Shows %s, found by %s.", one(mem, label), found_by(r));
    case OP_CREATE:
        return arena_printf(mem, "Creates %s%s.", one(mem, label), where(mem, r));
    case OP_UPDATE:
        return arena_printf(mem, "Changes %s, found by %s; what the body leaves out stays as it is.", one(mem, label),
                            found_by(r));
    case OP_DELETE:
        return arena_printf(mem, "Deletes %s, found by %s.", one(mem, label), found_by(r));
    case OP_OTHER:
        break;
    }
    return NULL;
}

/* A name for the operation: method and path, in letters that every language takes. */
static const char *operation_id(struct api *a, const struct route *r)
{
    char *id = arena_printf(a->mem, "%s%s", r->method, r->path);
    for (char *p = id; *p; p++)
        *p = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '_';
    return id;
}

static void write_operation(struct api *a, const struct group *g, const struct route *r)
{
    char method[16] = "";
    for (size_t i = 0; r->method[i] && i + 1 < sizeof method; i++)
        method[i] = (char)tolower((unsigned char)r->method[i]);
    jw_key(&a->w, method);
    jw_open(&a->w, '{');
    jw_key(&a->w, "operationId");
    jw_str(&a->w, operation_id(a, r));
    jw_key(&a->w, "summary");
    jw_str(&a->w, openapi_about(a->mem, r));
    jw_key(&a->w, "tags");
    jw_open(&a->w, '[');
    jw_str(&a->w, g->name);
    jw_close(&a->w, ']');
    write_parameters(a, r);
    write_body(a, r);
    write_answers(a, r);
    if (!(r->flags & R_PUBLIC)) {
        static const char NEEDED[] = "[{\"CookieOAuth2TokenBearer\":[]}]";
        jw_key(&a->w, "security");
        jw_raw(&a->w, NEEDED, sizeof NEEDED - 1);
    }
    jw_close(&a->w, '}');
}

/* Paths ----------------------------------------------------------------------------------------------------------- */

static bool shown(const struct route *r)
{
    return !(r->flags & R_INTERNAL) && (!r->exists || r->exists());
}

/* The next route of that path, whatever its name for the parameter; NULL when there is none. Positions are kept in the
 * two counters. */
static const struct route *next_route(const char *path, size_t *g, size_t *i)
{
    for (; all_groups[*g]; ++*g, *i = 0)
        while (*i < all_groups[*g]->count) {
            const struct route *r = &all_groups[*g]->routes[(*i)++];
            if (shown(r) && (!path || streq(r->path, path)))
                return r;
        }
    return NULL;
}

static void write_paths(struct api *a)
{
    size_t g = 0, i = 0;
    const struct route *r;
    jw_open(&a->w, '{');
    while ((r = next_route(NULL, &g, &i))) {
        size_t first_g = 0, first_i = 0;
        if (next_route(r->path, &first_g, &first_i) != r)
            continue; /* written with its path */
        jw_key(&a->w, r->path);
        jw_open(&a->w, '{');
        for (const struct route *same = r; same; same = next_route(r->path, &first_g, &first_i))
            write_operation(a, all_groups[first_g], same);
        jw_close(&a->w, '}');
    }
    jw_close(&a->w, '}');
}

static void write_components(struct api *a)
{
    jw_open(&a->w, '{');
    jw_key(&a->w, "schemas");
    jw_open(&a->w, '{');
    for (size_t i = 0; i < a->count; i++) { /* the list grows while it is written */
        const struct component c = a->components[i];
        jw_key(&a->w, c.name);
        write_component(a, &c);
    }
    jw_close(&a->w, '}');
    jw_key(&a->w, "securitySchemes");
    const char *scheme = arena_printf(
        a->mem,
        "{\"CookieOAuth2TokenBearer\":{\"flows\":{\"password\":{\"scopes\":{},\"tokenUrl\":\"%s/api/v1/login\"}},"
        "\"type\":\"oauth2\"}}",
        config.root_url_path ? config.root_url_path : "");
    jw_raw(&a->w, scheme, strlen(scheme));
    jw_close(&a->w, '}');
}

static void write_document(struct api *a)
{
    static const char INFO[] = "{\"title\":\"Kanso\",\"version\":\"0.66.0\"}";
    jw_open(&a->w, '{');
    jw_key(&a->w, "openapi");
    jw_str(&a->w, "3.1.0");
    jw_key(&a->w, "info");
    jw_raw(&a->w, INFO, sizeof INFO - 1);
    if (config.root_url_path && *config.root_url_path) {
        jw_key(&a->w, "servers");
        jw_open(&a->w, '[');
        jw_open(&a->w, '{');
        jw_key(&a->w, "url");
        jw_str(&a->w, config.root_url_path);
        jw_close(&a->w, '}');
        jw_close(&a->w, ']');
    }
    jw_key(&a->w, "paths");
    write_paths(a);
    jw_key(&a->w, "components");
    write_components(a);
    jw_close(&a->w, '}');
}

const char *openapi_unknown(const char *notation)
{
    static char word[64];
    struct arena mem = {0};
    struct api *a = arena_alloc(&mem, sizeof *a);
    a->mem = &mem;
    const char *s = notation;
    if (*s && !strchr("?~=", *s)) /* marks only: the type is the column's */
        read_type(a, &s);
    snprintf(word, sizeof word, "%s", a->unknown ? a->unknown : "");
    bool known = !a->unknown;
    arena_free(&mem);
    return known ? NULL : word;
}

const char *openapi_text(size_t *len)
{
    static struct buf text;
    if (!text.len) {
        struct arena mem = {0};
        struct api *a = arena_alloc(&mem, sizeof *a);
        a->mem = &mem;
        a->w.out = &text;
        write_document(a);
        arena_free(&mem);
    }
    *len = text.len;
    return text.data;
}

/* A tag that changes with the text (FNV-1a); made once per process. */
static const char *text_tag(const char *text, size_t len)
{
    static char tag[sizeof "\"0123456789abcdef\""];
    uint64_t hash = 0xcbf29ce484222325;
    if (*tag)
        return tag;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
    snprintf(tag, sizeof tag, "\"%016" PRIx64 "\"", hash);
    return tag;
}

int openapi_get(struct ctx *c)
{
    size_t len;
    const char *text = openapi_text(&len);
    if (!respond_kept(c, text_tag(text, len)))
        buf_add(&c->res.body, text, len);
    return OK;
}
