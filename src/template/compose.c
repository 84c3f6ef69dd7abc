#include "template/compose.h"

#include "base/text.h"
#include "document/documents.h"

#include <string.h>
#include <time.h>

static bool sets_docker(struct json_object *settings)
{
    return member(settings, "docker") != NULL;
}

const char *compose_refusal(struct json_object *config)
{
    struct json_object *parameters = member(config, "parameters");
    if (parameters && json_object_object_length(parameters))
        return "Can't set parameters when running pipeline via Rest API.";
    if (member(config, "build"))
        return "Can't set build when running pipeline via Rest API.";
    if (member(config, "schedule"))
        return "Can't set schedule when running pipeline via Rest API.";
    bool docker = sets_docker(member(config, "settings"));
    struct json_object *steps = member(config, "steps");
    if (steps) {
        json_object_object_foreach(steps, name, update)
        {
            (void)name;
            docker = docker || sets_docker(member(update, "settings"));
        }
    }
    return docker ? "Can't set DockerSettings when running pipeline via Rest API." : NULL;
}

static struct json_object *copy_of(struct json_object *v)
{
    struct json_object *copy = NULL;
    json_object_deep_copy(v, &copy, NULL);
    return copy;
}

/* Copies members of an object that has them. */
static void take(struct json_object *to, struct json_object *from, const char *const *names)
{
    struct json_object *v;
    for (; *names; names++)
        if (json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, *names, &v))
            json_object_object_add(to, *names, copy_of(v));
}

/* Objects within objects are updated in turn, everything else is replaced. */
static void update_object(struct json_object *to, struct json_object *from)
{
    json_object_object_foreach(from, key, v)
    {
        struct json_object *old = member(to, key);
        if (!json_object_is_type(v, json_type_object) || (old && !json_object_is_type(old, json_type_object))) {
            json_object_object_add(to, key, copy_of(v));
            continue;
        }
        if (!old)
            json_object_object_add(to, key, old = json_object_new_object());
        update_object(old, v);
    }
}

/* The parameters that a step had and is not given, as Python writes a set; NULL when it is given exactly those. */
static const char *missing_parameters(struct arena *a, struct json_object *had, struct json_object *given)
{
    const char *list = "";
    int count = 0;
    if (had) {
        json_object_object_foreach(had, key, old)
        {
            (void)old;
            if (member_given(given, key))
                continue;
            list = arena_printf(a, "%s%s%s", list, *list ? ", " : "", python_repr(a, key));
            count++;
        }
    }
    if (count)
        return arena_printf(a, "{%s}", list);
    int of_had = had ? json_object_object_length(had) : 0, of_given = given ? json_object_object_length(given) : 0;
    return of_had == of_given ? NULL : "set()";
}

/* What steps take from the pipeline. */
static const char *const SHARED[] = {"enable_cache",
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

/* What a step keeps of its source. */
static const char *const KEPT[] = {"name",    "caching_parameters",          "external_input_artifacts",
                                   "outputs", "model_artifacts_or_metadata", "client_lazy_loaders",
                                   NULL};

static const char *compose_step(struct arena *a, const char *id, struct json_object *source, struct composed *out,
                                struct json_object *update)
{
    struct json_object *step = json_object_new_object(), *config = json_object_new_object();
    struct json_object *before = member(source, "config");
    json_object_object_add(out->steps, id, step);
    json_object_object_add(step, "spec", copy_of(member(source, "spec")));
    json_object_object_add(step, "config", config);
    take(config, out->pipeline, SHARED);
    take(config, before, KEPT);
    const char *missing = missing_parameters(a, member(before, "parameters"), member(update, "parameters"));
    if (missing)
        return arena_printf(a,
                            "Run configuration is missing missing the following required parameters for step %s: %s.",
                            member_str(before, "name") ? member_str(before, "name") : id, missing);
    if (update) {
        struct json_object *changes = json_keep(a, copy_of(update));
        json_object_object_del(changes, "name");
        update_object(config, changes);
    }
    return NULL;
}

const char *compose(struct arena *a, const struct composed *source, struct json_object *config, struct composed *out)
{
    static const char *const of_source[] = {"name", "parameters", NULL};
    struct json_object *updates = member(config, "steps");
    out->pipeline = json_keep(a, json_object_new_object());
    out->steps = json_keep(a, json_object_new_object());
    take(out->pipeline, config, SHARED);
    take(out->pipeline, source->pipeline, of_source);
    json_object_object_foreach(source->steps, id, step)
    {
        const char *why = compose_step(a, id, step, out, member(updates, id));
        if (why)
            return why;
    }
    return NULL;
}

void compose_asynchronous(struct composed *c, const char *key)
{
    struct json_object *settings = member(c->pipeline, "settings"), *own;
    if (!settings)
        json_object_object_add(c->pipeline, "settings", settings = json_object_new_object());
    own = member(settings, key);
    if (!own)
        json_object_object_add(settings, key, own = json_object_new_object());
    json_object_object_add(own, "synchronous", json_object_new_boolean(false));
}

const char *compose_run_name(struct arena *a, const char *template, const char **why)
{
    struct timespec now;
    struct tm utc;
    char date[16], clock[16];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(date, sizeof date, "%Y_%m_%d", &utc);
    strftime(clock, sizeof clock, "%H_%M_%S", &utc);
    const struct {
        const char *text, *value;
    } words[] = {
        {"{date}", date}, {"{time}", arena_printf(a, "%s_%06ld", clock, now.tv_nsec / 1000)}, {"{{", "{"}, {"}}", "}"}};
    struct buf name = {0};
    *why = NULL;
    for (const char *p = template; *p && !*why;) {
        size_t w = 0, plain = strcspn(p, "{}");
        buf_add(&name, p, plain);
        p += plain;
        while (w < ARRAY_LEN(words) && !starts_with(p, words[w].text))
            w++;
        if (*p && w == ARRAY_LEN(words))
            *why = arena_printf(a, "The name of a run may hold {date} and {time}, and no other braces: %s", template);
        else if (*p) {
            buf_adds(&name, words[w].value);
            p += strlen(words[w].text);
        }
    }
    if (!*why && !name.len)
        *why = "Empty run names are not allowed.";
    const char *made = *why ? NULL : arena_strndup(a, name.data, name.len);
    buf_free(&name);
    return made;
}
