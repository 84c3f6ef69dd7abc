#include "template/config.h"

#include "base/lookup.h"
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
_Static_assert(ARRAY_LEN(PIPELINE_MEMBERS) <= ARRAY_LEN(STEP_MEMBERS), "write_members() has room for either");

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

static void write_member(struct jw *w, const struct field *f, struct span value)
{
    jw_key(w, f->name);
    if (!value.s)
        add_raw(w, f->def ? f->def : "null");
    else if (streq(f->name, "settings"))
        write_settings(w, value);
    else
        type_write_stored(w, f->type, value);
}

static void write_members(struct jw *w, const struct model *m, const char *const *names, struct span document)
{
    struct span values[ARRAY_LEN(STEP_MEMBERS)] = {0}, key, value;
    for (size_t at = 0; json_next_member(document, &at, &key, &value);)
        for (size_t i = 0; names[i]; i++)
            if (key_is(key, names[i]))
                values[i] = value;
    for (size_t i = 0; names[i]; i++)
        write_member(w, model_field(m, names[i]), values[i]);
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

/* Members whose schemas are more than a reference have titles, as schema_label() gives them. */
#define TITLED(name, title, schema) "\"" name "\":{" schema ",\"title\":\"" title "\"}"
#define OR_NULL(type)               "\"anyOf\":[" type ",{\"type\":\"null\"}],\"default\":null"
#define REF(name)                   "{\"$ref\":\"#/$defs/" name "\"}"
#define REF_OR_NULL(name)           "{" OR_NULL(REF(name)) "}"
#define TEXT                        "{\"type\":\"string\"}"
#define FLAG                        "{\"type\":\"boolean\"}"
#define WHOLE                       "{\"type\":\"integer\"}"
#define FALSE_FLAG                  "\"default\":false,\"type\":\"boolean\""
#define COUNT_FROM(number)          "\"default\":" number ",\"type\":\"integer\""
#define OBJECT                      "\"default\":{},\"type\":\"object\""

/* clang-format off */
#define MODEL_STAGES "{\"enum\":[\"none\",\"staging\",\"production\",\"archived\",\"latest\"],\"type\":\"string\"," \
    "\"title\":\"ModelStages\"}"

#define MODEL_PROPERTIES \
    TITLED("name", "Name", "\"type\":\"string\"") "," \
    TITLED("license", "License", OR_NULL(TEXT)) "," \
    TITLED("description", "Description", OR_NULL(TEXT)) "," \
    TITLED("audience", "Audience", OR_NULL(TEXT)) "," \
    TITLED("use_cases", "Use Cases", OR_NULL(TEXT)) "," \
    TITLED("limitations", "Limitations", OR_NULL(TEXT)) "," \
    TITLED("trade_offs", "Trade Offs", OR_NULL(TEXT)) "," \
    TITLED("ethics", "Ethics", OR_NULL(TEXT)) "," \
    TITLED("tags", "Tags", OR_NULL("{\"items\":" TEXT ",\"type\":\"array\"}")) "," \
    TITLED("version", "Version", OR_NULL(REF("ModelStages") "," WHOLE "," TEXT)) "," \
    TITLED("save_models_to_registry", "Save Models To Registry", "\"default\":true,\"type\":\"boolean\"") "," \
    TITLED("model_version_id", "Model Version Id", OR_NULL("{\"format\":\"uuid\",\"type\":\"string\"}")) "," \
    TITLED("suppress_class_validation_warnings", "Suppress Class Validation Warnings", FALSE_FLAG) "," \
    TITLED("was_created_in_this_run", "Was Created In This Run", FALSE_FLAG)

#define RETRY_PROPERTIES \
    TITLED("max_retries", "Max Retries", COUNT_FROM("1")) "," \
    TITLED("delay", "Delay", COUNT_FROM("0")) "," \
    TITLED("backoff", "Backoff", COUNT_FROM("0"))

#define RESOURCE_PROPERTIES \
    TITLED("cpu_count", "Cpu Count", OR_NULL("{\"exclusiveMinimum\":0.0,\"type\":\"number\"}")) "," \
    TITLED("gpu_count", "Gpu Count", OR_NULL("{\"minimum\":0,\"type\":\"integer\"}")) "," \
    TITLED("memory", "Memory", \
           OR_NULL("{\"pattern\":\"^[0-9]+(KB|KiB|MB|MiB|GB|GiB|TB|TiB|PB|PiB)$\",\"type\":\"string\"}"))

#define CLOSED(name, properties) \
    "{\"additionalProperties\":false,\"properties\":{" properties "},\"type\":\"object\",\"title\":\"" name "\"}"

/* Definitions that every schema has. */
static const char *const DEFINITIONS[][2] = {
    {"Model", "{\"properties\":{" MODEL_PROPERTIES "},\"required\":[\"name\"],\"type\":\"object\",\"title\":\"Model\"}"},
    {"ModelStages", MODEL_STAGES},
    {"StepRetryConfig", CLOSED("StepRetryConfig", RETRY_PROPERTIES)},
    {"ResourceSettings", CLOSED("ResourceSettings", RESOURCE_PROPERTIES)},
};

/* Properties of both steps and pipeline. */
static const char COMMON[] =
    TITLED("enable_cache", "Enable Cache", OR_NULL(FLAG)) ","
    TITLED("enable_artifact_metadata", "Enable Artifact Metadata", OR_NULL(FLAG)) ","
    TITLED("enable_artifact_visualization", "Enable Artifact Visualization", OR_NULL(FLAG)) ","
    TITLED("enable_step_logs", "Enable Step Logs", OR_NULL(FLAG)) ","
    "\"settings\":" REF_OR_NULL("Settings") ","
    TITLED("extra", "Extra", OBJECT) ","
    TITLED("failure_hook_source", "Failure Hook Source", OR_NULL(TEXT)) ","
    TITLED("success_hook_source", "Success Hook Source", OR_NULL(TEXT)) ","
    "\"model\":" REF_OR_NULL("Model") ","
    "\"retry\":" REF_OR_NULL("StepRetryConfig");
/* clang-format on */

/* A schema being written. */
struct schema {
    struct jw *w;
    struct arena *mem;
    const struct template_source *source;
    const struct template_component *components;
    size_t count;
    struct lookup *defined; /* names of the definitions so far */
};

/* Starts a definition unless there is one of that name. */
static bool define(struct schema *s, const char *name)
{
    if (!lookup_add(s->defined, name, name))
        return false;
    jw_key(s->w, name);
    return true;
}

/* Ends the definition of an object. */
static void end_definition(struct schema *s, const char *name)
{
    jw_key_str(s->w, "title", name);
    jw_close(s->w, '}');
}

static void write_ref(struct schema *s, struct jw *w, const char *name, bool required)
{
    add_raw(w, arena_printf(s->mem, required ? REF("%s") : REF_OR_NULL("%s"), name));
}

/* The text of a stored key, with a NUL behind it. */
static struct span key_text(struct arena *mem, struct span key)
{
    char *text = arena_alloc(mem, key.len + 1);
    size_t len = json_unescape(key.s, key.len, text);
    text[len] = '\0';
    return (struct span){text, len};
}

/* The settings of flavors ---------------------------------------------------------------------------------------- */

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

/* The definitions without titles: the part of the flavor's schema that belongs to its settings, and those that it may
 * refer to. */
static void write_settings_of(struct jw *w, struct span schema, const struct flavor_settings *f)
{
    size_t at = 0;
    struct span key, value, properties = json_member(schema, "properties"), definitions = json_member(schema, "$defs");
    jw_open(w, '{');
    jw_key_open(w, "$defs", '{');
    jw_key(w, f->title);
    add_raw(w, "{\"additionalProperties\":true,\"type\":\"object\",\"properties\":{");
    while (json_next_member(properties, &at, &key, &value))
        if (flavor_setting(f, key.s, key.len)) {
            add_key(w, key);
            jw_span(w, value);
        }
    jw_close(w, '}');
    write_required(w, json_member(schema, "required"), f);
    jw_close(w, '}');
    for (at = 0; json_next_member(definitions, &at, &key, &value);)
        if (!key_is(key, f->title)) {
            add_key(w, key);
            jw_span(w, value);
        }
    jw_close(w, '}');
    jw_close(w, '}');
}

/* Titles need a tree, which is made once for all templates of an answer. */
struct template_settings *template_settings_new(struct arena *mem, const struct flavor_settings *f, struct span schema)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    write_settings_of(&w, schema, f);
    struct json_object *tree = json_tree(mem, text.data, text.len);
    schema_label(mem, tree);
    struct json_object *definitions = member(tree, "$defs");
    struct template_settings *s = arena_alloc(mem, sizeof *s);
    *s = (struct template_settings){
        .of = f,
        .definitions = arena_array(mem, (size_t)json_object_object_length(definitions), sizeof *s->definitions)};
    json_object_object_foreach(definitions, name, definition) s->definitions[s->count++] =
        (struct template_definition){name, json_text(mem, definition, false)};
    buf_free(&text);
    return s;
}

/* The settings that the components of the stack understand; several components may have the same ones. */
static void define_all_settings(struct schema *s)
{
    struct lookup *keys = lookup_new(s->mem);
    for (size_t i = 0; i < s->count; i++) {
        const struct template_settings *settings = s->components[i].settings;
        for (size_t k = 0; settings && k < settings->count; k++)
            if (define(s, settings->definitions[k].name))
                add_raw(s->w, settings->definitions[k].schema);
    }
    define(s, "Settings");
    add_raw(s->w, "{\"type\":\"object\",\"properties\":{");
    jw_key(s->w, "resources");
    add_raw(s->w, "{\"allOf\":[" REF("ResourceSettings") "],\"default\":null}");
    for (size_t i = 0; i < s->count; i++) {
        const struct template_settings *settings = s->components[i].settings;
        if (settings && lookup_add(keys, settings->of->key, settings)) {
            jw_key(s->w, settings->of->key);
            write_ref(s, s->w, settings->of->title, false);
        }
    }
    jw_close(s->w, '}');
    end_definition(s, "Settings");
}

/* The schema ----------------------------------------------------------------------------------------------------- */

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
    end_definition(s, title);
    return true;
}

/* A name for a definition, made of any text, that no other has: with the suffix behind it, as often as is needed. */
static const char *unused_name(struct schema *s, const char *text, const char *suffix)
{
    char *name = arena_strdup(s->mem, text), *to = name;
    for (const char *p = text; *p; p++)
        if (((unsigned char)*p & 0xc0) != 0x80) /* one for each character */
            *to++ = (char)(isalnum((unsigned char)*p) || strchr(".-_", *p) ? *p : '_');
    *to = '\0';
    while (lookup_get(s->defined, name))
        name = arena_printf(s->mem, "%s%s", name, suffix);
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
        struct span text = key_text(s->mem, key);
        jw_keyn(w, text.s, text.len);
        jw_open(w, '{');
        jw_key_str(w, "title", schema_title(s->mem, text));
        jw_close(w, '}');
    }
    jw_close(w, '}');
    jw_key_open(w, "required", '[');
    for (at = 0; json_next_member(parameters, &at, &key, &value);) {
        struct span text = key_text(s->mem, key);
        jw_strn(w, text.s, text.len);
    }
    jw_close(w, ']');
    end_definition(s, name);
}

static void define_step(struct schema *s, const char *name, struct span parameters, bool trackers, bool operators)
{
    struct jw *w = s->w;
    bool required = json_count(parameters) > 0;
    define(s, name);
    const char *parameters_name = unused_name(s, arena_printf(s->mem, "%s_parameters", name), "_");
    add_raw(w, "{\"type\":\"object\",\"properties\":{");
    add_raw(w, COMMON);
    if (trackers) {
        jw_key(w, "experiment_tracker");
        write_ref(s, w, "ExperimentTrackers", false);
    }
    if (operators) {
        jw_key(w, "step_operator");
        write_ref(s, w, "StepOperators", false);
    }
    if (required) {
        jw_key(w, "parameters");
        write_ref(s, w, parameters_name, true);
    }
    jw_close(w, '}');
    if (required) {
        jw_key(w, "required");
        add_raw(w, "[\"parameters\"]");
    }
    end_definition(s, name);
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
        struct span text = key_text(s->mem, key);
        const char *name = unused_name(s, text.s, "_step");
        bool must = json_count(parameters_of(step)) > 0;
        define_step(s, name, parameters_of(step), trackers, operators);
        jw_keyn(&p, text.s, text.len);
        write_ref(s, &p, name, must);
        if (must)
            jw_strn(&r, text.s, text.len);
        required = required || must;
    }
    jw_close(&p, '}');
    jw_close(&r, ']');
    jw_key(w, "Steps");
    add_raw(w, "{\"type\":\"object\"");
    jw_key(w, "properties");
    jw_raw(w, properties.data, properties.len);
    if (required) {
        jw_key(w, "required");
        jw_raw(w, names.data, names.len);
    }
    end_definition(s, "Steps");
    buf_free(&properties);
    buf_free(&names);
    return required;
}

void config_schema_write(struct jw *w, struct arena *mem, const struct template_source *source,
                         const struct template_component *components, size_t count)
{
    struct schema s = {w, mem, source, components, count, lookup_new(mem)};
    jw_open(w, '{');
    jw_key_open(w, "$defs", '{');
    for (size_t i = 0; i < ARRAY_LEN(DEFINITIONS); i++) {
        define(&s, DEFINITIONS[i][0]);
        add_raw(w, DEFINITIONS[i][1]);
    }
    define_all_settings(&s);
    lookup_add(s.defined, "Steps", "Steps"); /* comes behind the steps, one of which may be called so */
    bool required = define_steps(&s);
    jw_close(w, '}');
    jw_key_open(w, "properties", '{');
    add_raw(w, TITLED("run_name", "Run Name", OR_NULL(TEXT)));
    add_raw(w, COMMON);
    jw_key(w, "steps");
    write_ref(&s, w, "Steps", required);
    jw_close(w, '}');
    if (required) {
        jw_key(w, "required");
        add_raw(w, "[\"steps\"]");
    }
    jw_key_str(w, "type", "object");
    jw_key_str(w, "title", "Result");
    jw_close(w, '}');
}
