#include "template/config.h"

#include "base/text.h"
#include "document/documents.h"
#include "template/flavors.h"
#include "json/schema.h"

#include <ctype.h>
#include <string.h>

/* What a run may change about each step and about the whole pipeline. */
static const char *const STEP_MEMBERS[] = {"enable_cache",
                                           "enable_artifact_metadata",
                                           "enable_artifact_visualization",
                                           "enable_step_logs",
                                           "step_operator",
                                           "experiment_tracker",
                                           "parameters",
                                           "settings",
                                           "extra",
                                           "failure_hook_source",
                                           "success_hook_source",
                                           "model",
                                           "retry",
                                           NULL};
static const char *const PIPELINE_MEMBERS[] = {"enable_cache",
                                               "enable_artifact_metadata",
                                               "enable_artifact_visualization",
                                               "enable_step_logs",
                                               "settings",
                                               "extra",
                                               "failure_hook_source",
                                               "success_hook_source",
                                               "model",
                                               "retry",
                                               NULL};

/* The template -------------------------------------------------------------------------------------------------- */

static void add_raw(struct jw *w, const char *json)
{
    jw_raw(w, json, strlen(json));
}

/* The raw text between the quotes of a stored key. */
static void add_key(struct jw *w, struct span key)
{
    jw_raw(w, key.s - 1, key.len + 2);
    buf_addc(w->out, ':');
}

static bool key_is(struct span key, const char *name)
{
    return key.len == strlen(name) && memcmp(key.s, name, key.len) == 0;
}

/* Images are those of the build: Docker settings have no effect. */
static void write_settings(struct jw *w, struct span settings)
{
    size_t at = 0;
    struct span key, value;
    jw_open(w, '{');
    while (json_next_member(settings, &at, &key, &value))
        if (!key_is(key, "docker")) {
            add_key(w, key);
            jw_span(w, value);
        }
    jw_close(w, '}');
}

static void write_members(struct jw *w, const struct model *m, const char *const *names, struct span document)
{
    for (; *names; names++) {
        const struct field *f = model_field(m, *names);
        struct span value = json_member(document, *names);
        jw_key(w, *names);
        if (!value.s)
            add_raw(w, f->def ? f->def : "null");
        else if (streq(*names, "settings"))
            write_settings(w, value);
        else
            type_write_stored(w, f->type, value);
    }
}

void config_template_write(struct jw *w, const struct template_source *source)
{
    size_t at = 0;
    struct span name, step;
    jw_open(w, '{');
    jw_key(w, "run_name");
    jw_strn(w, source->run_name.s, source->run_name.len);
    jw_key_open(w, "steps", '{');
    while (json_next_member(source->steps, &at, &name, &step)) {
        add_key(w, name);
        jw_open(w, '{');
        write_members(w, &MODEL_STEP_CONFIGURATION, STEP_MEMBERS, json_member(step, "config"));
        jw_close(w, '}');
    }
    jw_close(w, '}');
    write_members(w, &MODEL_PIPELINE_CONFIGURATION, PIPELINE_MEMBERS, source->pipeline);
    jw_close(w, '}');
}

/* The schema ---------------------------------------------------------------------------------------------------- */

#define OR_NULL(type) "{\"anyOf\":[" type ",{\"type\":\"null\"}],\"default\":null}"
#define REF(name)     "{\"$ref\":\"#/$defs/" name "\"}"
#define TEXT          "{\"type\":\"string\"}"
#define FLAG          "{\"type\":\"boolean\"}"
#define WHOLE         "{\"type\":\"integer\"}"
#define OBJECT        "{\"default\":{},\"type\":\"object\"}"

/* Definitions that every schema has. */
static const char
    *const
        DEFINITIONS[][2] =
            {
                {"Model", "{\"properties\":{\"name\":" TEXT
                          ",\"license\":" OR_NULL(TEXT) ",\"description\":" OR_NULL(TEXT) ",\"audience\":" OR_NULL(TEXT) ",\"use_cases\":" OR_NULL(TEXT) ",\"limitations\":" OR_NULL(TEXT) ",\"trade_offs\":" OR_NULL(TEXT) ",\"ethics\":" OR_NULL(
                              TEXT) ",\"tags\":" OR_NULL("{\"items\":" TEXT
                                                         ",\"type\":\"array\"}") ",\"versi"
                                                                                 "on\""
                                                                                 ":" OR_NULL(REF(
                                                                                     "ModelStages") "," WHOLE
                                                                                                    "," TEXT) ",\"save_"
                                                                                                              "models_"
                                                                                                              "to_"
                                                                                                              "registry"
                                                                                                              "\":{"
                                                                                                              "\"defaul"
                                                                                                              "t\":"
                                                                                                              "true,"
                                                                                                              "\"type\""
                                                                                                              ":\"boole"
                                                                                                              "an\"}"
                                                                                                              ",\"model"
                                                                                                              "_version"
                                                                                                              "_id\""
                                                                                                              ":" OR_NULL(
                                                                                                                  "{\"f"
                                                                                                                  "orma"
                                                                                                                  "t\":"
                                                                                                                  "\"uu"
                                                                                                                  "id\""
                                                                                                                  ",\"t"
                                                                                                                  "ype"
                                                                                                                  "\":"
                                                                                                                  "\"st"
                                                                                                                  "ring"
                                                                                                                  "\"}") ",\"suppress_class_validation_warnings\":{\"default\":false,\"type\":\"boolean\"}"
                                                                                                                         ",\"was_created_in_this_run\":{\"default\":false,\"type\":\"boolean\"}},"
                                                                                                                         "\"required\":[\"name\"],\"type\":\"object\"}"},
                {"ModelStages",
                 "{\"enum\":[\"none\",\"staging\",\"production\",\"archived\",\"latest\"],\"type\":\"string\"}"},
                {"StepRetryConfig",
                 "{\"additionalProperties\":false,\"properties\":{\"max_retries\":{\"default\":1,\"type\":\"integer\"},"
                 "\"delay\":{\"default\":0,\"type\":\"integer\"},\"backoff\":{\"default\":0,\"type\":\"integer\"}},"
                 "\"type\":\"object\"}"},
                {"ResourceSettings",
                 "{\"additionalProperties\":false,\"properties\":{"
                 "\"cpu_count\":" OR_NULL("{\"exclusiveMinimum\":0.0,\"type\":\"number\"}") ",\"gpu_count\":" OR_NULL(
                     "{\"minimum\":0,\"type\":\"integer\"}") ",\"memory\":" OR_NULL("{\"pattern\":\"^[0-9]+(KB|KiB|MB|"
                                                                                    "MiB|GB|GiB|TB|TiB|PB|PiB)$\","
                                                                                    "\"type\":\"string\"}") "},"
                                                                                                            "\"type\":"
                                                                                                            "\"object\""
                                                                                                            "}"},
};

/* Properties of both steps and pipeline. */
static const char *const COMMON[][2] = {
    {"enable_cache", OR_NULL(FLAG)},
    {"enable_artifact_metadata", OR_NULL(FLAG)},
    {"enable_artifact_visualization", OR_NULL(FLAG)},
    {"enable_step_logs", OR_NULL(FLAG)},
    {"settings", OR_NULL(REF("Settings"))},
    {"extra", OBJECT},
    {"failure_hook_source", OR_NULL(TEXT)},
    {"success_hook_source", OR_NULL(TEXT)},
    {"model", OR_NULL(REF("Model"))},
    {"retry", OR_NULL(REF("StepRetryConfig"))},
};

/* A schema being written. */
struct schema {
    struct jw *w;
    struct arena *mem;
    const struct template_source *source;
    const struct template_component *components;
    size_t count;
    const char **defined; /* names of the definitions so far */
    size_t defined_count, room;
};

/* Starts a definition unless there is one of that name. */
static bool define(struct schema *s, const char *name)
{
    for (size_t i = 0; i < s->defined_count; i++)
        if (streq(s->defined[i], name))
            return false;
    if (s->defined_count == s->room) {
        size_t room = s->room ? s->room * 2 : 32;
        const char **bigger = arena_array(s->mem, room, sizeof *bigger);
        if (s->defined_count)
            memcpy(bigger, s->defined, s->defined_count * sizeof *bigger);
        s->defined = bigger;
        s->room = room;
    }
    s->defined[s->defined_count++] = name;
    jw_key(s->w, name);
    return true;
}

static void write_pairs(struct jw *w, const char *const (*pairs)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        jw_key(w, pairs[i][0]);
        add_raw(w, pairs[i][1]);
    }
}

static void write_ref(struct schema *s, const char *name, bool required)
{
    add_raw(s->w, arena_printf(s->mem, required ? REF("%s") : OR_NULL(REF("%s")), name));
}

static void write_required(struct jw *w, struct span names, const struct flavor_settings *f)
{
    size_t at = 0;
    struct span name;
    bool any = false;
    while (json_next_item(names, &at, &name)) {
        if (name.len < 2 || !flavor_setting(f, name.s + 1, name.len - 2))
            continue;
        if (!any) {
            jw_key_open(w, "required", '[');
        }
        any = true;
        jw_span(w, name);
    }
    if (any)
        jw_close(w, ']');
}

/* The part of a flavor's schema that belongs to its settings, and the definitions that it may refer to. */
static void define_settings(struct schema *s, const struct template_component *c, const struct flavor_settings *f)
{
    size_t at = 0;
    struct span key, value, properties = json_member(c->schema, "properties");
    struct span definitions = json_member(c->schema, "$defs");
    if (define(s, f->title)) {
        add_raw(s->w, "{\"additionalProperties\":true,\"type\":\"object\",\"properties\":{");
        while (json_next_member(properties, &at, &key, &value))
            if (flavor_setting(f, key.s, key.len)) {
                add_key(s->w, key);
                jw_span(s->w, value);
            }
        jw_close(s->w, '}');
        write_required(s->w, json_member(c->schema, "required"), f);
        jw_close(s->w, '}');
    }
    for (at = 0; json_next_member(definitions, &at, &key, &value);)
        if (define(s, arena_strndup(s->mem, key.s, key.len)))
            jw_span(s->w, value);
}

/* The settings that the components of the stack understand. */
static void define_all_settings(struct schema *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct flavor_settings *f = flavor_settings(s->components[i].type, s->components[i].flavor);
        if (f && s->components[i].schema.s)
            define_settings(s, &s->components[i], f);
    }
    define(s, "Settings");
    add_raw(s->w, "{\"type\":\"object\",\"properties\":{");
    jw_key(s->w, "resources");
    add_raw(s->w, "{\"allOf\":[" REF("ResourceSettings") "],\"default\":null}");
    for (size_t i = 0; i < s->count; i++) {
        const struct flavor_settings *f = flavor_settings(s->components[i].type, s->components[i].flavor);
        if (f && s->components[i].schema.s) {
            jw_key(s->w, f->key);
            write_ref(s, f->title, false);
        }
    }
    jw_close(s->w, '}');
    jw_close(s->w, '}');
}

/* The names of the components of a type, for members that choose one of them. */
static bool define_names(struct schema *s, const char *type, const char *title)
{
    size_t n = 0;
    struct jw *w = s->w;
    const char *only = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (streq(s->components[i].type, type)) {
            if (n++ == 0) {
                define(s, title);
                add_raw(w, "{\"type\":\"string\",\"enum\":[");
            }
            only = s->components[i].name;
            jw_str(w, only);
        }
    if (n == 0)
        return false;
    jw_close(w, ']');
    if (n == 1) {
        jw_key_str(w, "const", only);
    }
    jw_close(w, '}');
    return true;
}

/* The name of a step as the name of a definition. */
static const char *definition_name(struct schema *s, struct span key)
{
    char *name = arena_strndup(s->mem, key.s, key.len);
    for (char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr(".-_", *p))
            *p = '_';
    for (size_t i = 0; i < s->defined_count; i++)
        if (streq(s->defined[i], name))
            return arena_printf(s->mem, "%s_step", name);
    return name;
}

static struct span parameters_of(struct span step)
{
    return json_member(json_member(step, "config"), "parameters");
}

/* All parameters of a step must be given again. */
static void define_parameters(struct schema *s, const char *name, struct span parameters)
{
    size_t at = 0;
    struct span key, value;
    struct jw *w = s->w;
    define(s, name);
    add_raw(w, "{\"type\":\"object\",\"properties\":{");
    while (json_next_member(parameters, &at, &key, &value)) {
        add_key(w, key);
        add_raw(w, "{}");
    }
    jw_close(w, '}');
    jw_key_open(w, "required", '[');
    for (at = 0; json_next_member(parameters, &at, &key, &value);)
        jw_raw(w, key.s - 1, key.len + 2);
    jw_close(w, ']');
    jw_close(w, '}');
}

static void define_step(struct schema *s, const char *name, struct span parameters, bool trackers, bool operators)
{
    struct jw *w = s->w;
    const char *parameters_name = arena_printf(s->mem, "%s_parameters", name);
    bool required = json_count(parameters) > 0;
    define(s, name);
    add_raw(w, "{\"type\":\"object\",\"properties\":{");
    write_pairs(w, COMMON, ARRAY_LEN(COMMON));
    if (trackers) {
        jw_key(w, "experiment_tracker");
        write_ref(s, "ExperimentTrackers", false);
    }
    if (operators) {
        jw_key(w, "step_operator");
        write_ref(s, "StepOperators", false);
    }
    if (required) {
        jw_key(w, "parameters");
        write_ref(s, parameters_name, true);
    }
    jw_close(w, '}');
    if (required) {
        jw_key(w, "required");
        add_raw(w, "[\"parameters\"]");
    }
    jw_close(w, '}');
    if (required)
        define_parameters(s, parameters_name, parameters);
}

/* Defines every step, then `Steps` with all of them. Returns whether one of them must be given. */
static bool define_steps(struct schema *s)
{
    bool trackers = define_names(s, "experiment_tracker", "ExperimentTrackers");
    bool operators = define_names(s, "step_operator", "StepOperators");
    bool required = false;
    size_t at = 0;
    struct span key, step;
    struct buf properties = {0}, names = {0};
    struct jw p = {.out = &properties}, r = {.out = &names}, *w = s->w;
    jw_open(&p, '{');
    jw_open(&r, '[');
    while (json_next_member(s->source->steps, &at, &key, &step)) {
        const char *name = definition_name(s, key);
        bool must = json_count(parameters_of(step)) > 0;
        define_step(s, name, parameters_of(step), trackers, operators);
        add_key(&p, key);
        add_raw(&p, arena_printf(s->mem, must ? REF("%s") : OR_NULL(REF("%s")), name));
        if (must)
            jw_raw(&r, key.s - 1, key.len + 2);
        required = required || must;
    }
    jw_close(&p, '}');
    jw_close(&r, ']');
    define(s, "Steps");
    add_raw(w, "{\"type\":\"object\"");
    jw_key(w, "properties");
    jw_raw(w, properties.data, properties.len);
    if (required) {
        jw_key(w, "required");
        jw_raw(w, names.data, names.len);
    }
    jw_close(w, '}');
    buf_free(&properties);
    buf_free(&names);
    return required;
}

/* The schema without titles. */
static void write_untitled(struct jw *w, struct arena *mem, const struct template_source *source,
                           const struct template_component *components, size_t count)
{
    struct schema s = {.w = w, .mem = mem, .source = source, .components = components, .count = count};
    jw_open(w, '{');
    jw_key_open(w, "$defs", '{');
    for (size_t i = 0; i < ARRAY_LEN(DEFINITIONS); i++)
        if (define(&s, DEFINITIONS[i][0]))
            add_raw(w, DEFINITIONS[i][1]);
    define_all_settings(&s);
    bool required = define_steps(&s);
    jw_close(w, '}');
    jw_key_open(w, "properties", '{');
    jw_key(w, "run_name");
    add_raw(w, OR_NULL(TEXT));
    write_pairs(w, COMMON, ARRAY_LEN(COMMON));
    jw_key(w, "steps");
    write_ref(&s, "Steps", required);
    jw_close(w, '}');
    if (required) {
        jw_key(w, "required");
        add_raw(w, "[\"steps\"]");
    }
    jw_key_str(w, "type", "object");
    jw_close(w, '}');
}

/* Titles need a tree, which goes when it is written: pages hold many of these schemas. */
void config_schema_write(struct jw *w, struct arena *mem, const struct template_source *source,
                         const struct template_component *components, size_t count)
{
    struct buf text = {0};
    struct jw untitled = {.out = &text};
    struct arena own = {0};
    write_untitled(&untitled, mem, source, components, count);
    struct json_object *schema = json_tree(&own, text.data, text.len);
    schema_label(&own, schema);
    json_object_object_add(schema, "title", json_object_new_string("Result"));
    jw_value(w, schema);
    arena_free(&own);
    buf_free(&text);
}
