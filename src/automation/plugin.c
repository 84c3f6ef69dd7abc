#include "automation/plugin.h"

#include "base/text.h"
#include "document/documents.h"
#include "resource/view.h"
#include "json/model_schema.h"

#include <string.h>

static const char EVENT_SOURCE[] = "event_source", ACTION[] = "action", WEBHOOK[] = "webhook",
                  PIPELINE_RUN[] = "pipeline_run";

static const char *const TYPES[] = {EVENT_SOURCE, ACTION, NULL};
const struct type T_PLUGIN_TYPE = {.kind = K_ENUM, .label = "str-enum[PluginType]", .words = TYPES};
static const char *const SUBTYPES[] = {WEBHOOK, PIPELINE_RUN, NULL};
/* The name is what the OpenAPI document of ZenML calls it. */
const struct type T_PLUGIN_SUBTYPE = {
    .kind = K_ENUM, .label = "str-enum[zenml__enums__PluginSubType__2]", .words = SUBTYPES};

/* Configurations ------------------------------------------------------------------------------------------------- */

static const struct field webhook_fields[] = {
    {"webhook_secret", &T_STRING, NULL, 0, NUL},
    {"webhook_secret_id", &T_UUID, NULL, 0, NUL},
    {"rotate_secret", &T_BOOL, NULL, 0, NUL},
};
static const struct model github_source = MODEL("GithubWebhookEventSourceConfiguration", webhook_fields);
static const struct model bitbucket_source = MODEL("BitbucketWebhookEventSourceConfiguration", webhook_fields);

static const struct field run_fields[] = {
    {"template_id", &T_UUID, NULL, 0, REQ},
    {"run_config", &T_RUN_CONFIGURATION, NULL, 0, NUL},
};
static const struct model pipeline_run = MODEL("PipelineRunActionConfiguration", run_fields);

/* In the order of lists. */
static const struct plugin PLUGINS[] = {
    {ACTION, PIPELINE_RUN, "builtin", &pipeline_run, NULL},
    {EVENT_SOURCE, WEBHOOK, "bitbucket", &bitbucket_source, &BITBUCKET_EVENTS},
    {EVENT_SOURCE, WEBHOOK, "github", &github_source, &GITHUB_EVENTS},
};

static bool is_of(const struct plugin *p, const char *type, const char *subtype)
{
    return streq(p->type, type) && streq(p->subtype, subtype);
}

static const struct plugin *look_up(const char *type, const char *subtype, const char *flavor)
{
    for (size_t i = 0; i < ARRAY_LEN(PLUGINS); i++)
        if (is_of(&PLUGINS[i], type, subtype) && streq(PLUGINS[i].flavor, flavor))
            return &PLUGINS[i];
    return NULL;
}

int plugin_find(struct ctx *c, const char *type, const char *subtype, const char *flavor, const struct plugin **out)
{
    *out = look_up(type, subtype, flavor);
    return *out ? OK
                : fail(c, EX_KEY, "No flavor found for flavor name %s and type %s and subtype %s.", flavor, type,
                       subtype);
}

struct json_object *plugin_check(struct ctx *c, const struct model *m, struct json_object *value, const char *what)
{
    struct check *k = check_new(c->mem);
    struct json_object *checked = model_check(k, m, value);
    if (checked)
        return checked;
    fail(c, EX_VALUE, "Invalid configuration for %s: %s.", what, check_text(k));
    return NULL;
}

/* Handlers ------------------------------------------------------------------------------------------------------- */

static const struct field list_query[] = {
    {"type", &T_PLUGIN_TYPE, NULL, 0, REQ}, {"subtype", &T_PLUGIN_SUBTYPE, NULL, 0, REQ}, {"page", &T_INT, "1", 0, 0},
    {"size", &T_INT, "20", 0, 0},           {"hydrate", &T_BOOL, "false", 0, 0},
};
const struct model PLUGIN_LIST_QUERY = MODEL("plugin flavors", list_query);

static const struct field get_query[] = {
    {"type", &T_PLUGIN_TYPE, NULL, 0, REQ},
    {"subtype", &T_PLUGIN_SUBTYPE, NULL, 0, REQ},
};
const struct model PLUGIN_GET_QUERY = MODEL("plugin flavor", get_query);

static void write_schema(struct jw *w, struct arena *a, const char *name, const struct model *m)
{
    jw_name(w, name);
    model_write_schema(w, a, m);
}

/* The schemas of filters and sources bear each other's names: so do those of ZenML
 * (docs/contract/automation.md#plugins).
 */
static void write_metadata(struct jw *w, struct arena *a, const struct plugin *p)
{
    jw_open(w, '{');
    if (p->events) {
        write_schema(w, a, "source_config_schema", p->events->filter);
        write_schema(w, a, "filter_config_schema", p->configuration);
    } else {
        write_schema(w, a, "config_schema", p->configuration);
    }
    jw_close(w, '}');
}

static void write_plugin(struct jw *w, struct arena *a, const struct plugin *p, bool hydrate)
{
    jw_open(w, '{');
    jw_name(w, "body");
    jw_raw(w, "{}", 2);
    jw_name(w, "metadata");
    if (hydrate)
        write_metadata(w, a, p);
    else
        jw_null(w);
    jw_name(w, "resources");
    jw_null(w);
    jw_name(w, "name");
    jw_str(w, p->flavor);
    jw_name(w, "type");
    jw_str(w, p->type);
    jw_name(w, "subtype");
    jw_str(w, p->subtype);
    jw_close(w, '}');
}

int plugin_list(struct ctx *c)
{
    const char *type = member_str(c->query, "type"), *subtype = member_str(c->query, "subtype");
    int64_t page = json_object_get_int64(member(c->query, "page")),
            size = json_object_get_int64(member(c->query, "size")), total = 0, at = 0;
    for (size_t i = 0; i < ARRAY_LEN(PLUGINS); i++)
        total += is_of(&PLUGINS[i], type, subtype);
    if (size < 1)
        return fail(c, EX_VALUE, "A page has at least one entry, not %lld", (long long)size);
    if (page < 1)
        return fail(c, EX_INVALID_VALUE, "Pages are numbered from 1: there is no page %lld", (long long)page);
    int64_t pages = total ? (total - 1) / size + 1 : 1;
    if (page > pages)
        return fail(c, EX_VALUE,
                    "Invalid page %lld. The requested page size is %lld and there are a total of %lld items for this "
                    "query. The maximum page value therefore is %lld.",
                    (long long)page, (long long)size, (long long)total, (long long)pages);
    struct jw w = respond_json(c);
    view_open_page(&w, page, size, total);
    for (size_t i = 0; i < ARRAY_LEN(PLUGINS); i++) /* a page beyond the first exists only when size < total */
        if (is_of(&PLUGINS[i], type, subtype) && at++ / size == page - 1)
            write_plugin(&w, c->mem, &PLUGINS[i], member_bool(c->query, "hydrate"));
    jw_close(&w, ']');
    jw_close(&w, '}');
    return OK;
}

int plugin_get(struct ctx *c)
{
    const char *type = member_str(c->query, "type"), *subtype = member_str(c->query, "subtype");
    const struct plugin *p = look_up(type, subtype, c->param[0]);
    if (!p)
        return fail(c, EX_KEY, "No flavor class found for flavor name %s at type %s and subtype %s.", c->param[0], type,
                    subtype);
    struct jw w = respond_json(c);
    write_plugin(&w, c->mem, p, true);
    return OK;
}
