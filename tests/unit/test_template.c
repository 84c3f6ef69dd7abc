/* Runs of templates: what a new deployment is made of, and the image. */
#include "unit.h"

#include "base/text.h"
#include "document/documents.h"
#include "template/compose.h"
#include "template/image.h"
#include "json/write.h"

static struct arena mem;

static int reset(void **state)
{
    (void)state;
    arena_free(&mem);
    return 0;
}

/* JSON with ' for ". */
static struct json_object *tree(const char *text)
{
    char *s = arena_strdup(&mem, text);
    for (char *p = s; *p; p++)
        *p = (char)(*p == '\'' ? '"' : *p);
    struct json_object *v = json_tree(&mem, s, strlen(s));
    assert_non_null(v);
    return v;
}

static struct json_object *configuration(const char *text)
{
    struct check *check = check_new(&mem);
    struct json_object *v = model_check(check, &MODEL_RUN_CONFIGURATION, tree(text));
    assert_string_equal(check_text(check), "[]");
    return v;
}

static const char *const SOURCE_PIPELINE =
    "{'name':'p','parameters':{'lr':1},'enable_cache':false,'extra':{'old':1},'settings':{'docker':{'a':1}}}";
static const char *const SOURCE_STEPS =
    "{'train':{'spec':{'source':'s'},'config':{'name':'fit','enable_cache':true,'parameters':{'a':1,'b':2},"
    "'extra':{'own':1},'outputs':{'out':{'materializer_source':[1]}},'caching_parameters':{'k':1}}}}";

static const char *composed(const char *config, struct composed *out)
{
    struct composed source = {tree(SOURCE_PIPELINE), tree(SOURCE_STEPS)};
    return compose(&mem, &source, config ? configuration(config) : NULL, out);
}

static struct json_object *at(struct json_object *o, const char *one, const char *two, const char *three)
{
    return member(member(member(o, one), two), three);
}

static void assert_json(struct json_object *v, const char *text)
{
    assert_string_equal(json_text(&mem, v, false), json_text(&mem, tree(text), false));
}

static void options_come_from_the_run_configuration(void **state)
{
    (void)state;
    struct composed c;
    assert_null(composed("{'enable_step_logs':true,'extra':{'new':1},'steps':{'train':{'parameters':{'a':3,'b':null},"
                         "'extra':{'more':{'deep':1}},'name':'other','outputs':{'out':{'materializer_source':null}}}}}",
                         &c));
    assert_string_equal(member_str(c.pipeline, "name"), "p");
    assert_json(member(c.pipeline, "parameters"), "{'lr':1}");
    assert_json(member(c.pipeline, "extra"), "{'new':1}"); /* the source's are not inherited */
    assert_json(member(c.pipeline, "settings"), "{}");
    struct json_object *step = member(member(c.steps, "train"), "config");
    assert_string_equal(member_str(step, "name"), "fit");
    assert_json(member(step, "extra"), "{'new':1,'more':{'deep':1}}");
    assert_json(member(step, "parameters"), "{'a':3,'b':null}");
    assert_json(member(step, "caching_parameters"), "{'k':1}");
    assert_true(member_given(step, "enable_step_logs"));
    assert_null(member(step, "enable_step_logs")); /* null of the step's update counts */
    assert_null(at(step, "outputs", "out", "materializer_source"));
    assert_json(member(member(c.steps, "train"), "spec"), "{'source':'s'}");
}

static void parameters_are_all_of_the_source(void **state)
{
    (void)state;
    static const struct {
        const char *config, *missing;
    } cases[] = {
        {NULL, "{'a', 'b'}"},
        {"{}", "{'a', 'b'}"},
        {"{'steps':{'other':{'parameters':{'a':1,'b':2}}}}", "{'a', 'b'}"},
        {"{'steps':{'train':{'parameters':{'b':2}}}}", "{'a'}"},
        {"{'steps':{'train':{'parameters':{'b':2,'c':3}}}}", "{'a'}"},
        {"{'steps':{'train':{'parameters':{'a':1,'b':2,'c':3}}}}", "set()"},
        {"{'steps':{'train':{'parameters':{'a':null,'b':2}}}}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct composed c;
        const char *why = composed(cases[i].config, &c);
        if (cases[i].missing)
            assert_string_equal(why, arena_printf(&mem,
                                                  "Run configuration is missing missing the following required "
                                                  "parameters for step fit: %s.",
                                                  cases[i].missing));
        else
            assert_null(why);
    }
}

static void some_things_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *config, *what;
    } cases[] = {
        {"{'parameters':{'a':1}}", "parameters"},
        {"{'build':'00000000-0000-4000-8000-00000000dead'}", "build"},
        {"{'schedule':{'cron_expression':'* * * * *'}}", "schedule"},
        {"{'settings':{'docker':{}}}", "DockerSettings"},
        {"{'steps':{'s':{},'t':{'settings':{'docker':{'x':1}}}}}", "DockerSettings"},
        {"{'parameters':{},'settings':{'resources':{}},'steps':{'s':{}}}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why = compose_refusal(configuration(cases[i].config));
        if (cases[i].what)
            assert_string_equal(why,
                                arena_printf(&mem, "Can't set %s when running pipeline via Rest API.", cases[i].what));
        else
            assert_null(why);
    }
    assert_null(compose_refusal(NULL));
}

static void orchestrators_do_not_wait(void **state)
{
    (void)state;
    struct composed c = {.pipeline = tree("{'settings':{'orchestrator.x':{'synchronous':true,'other':1}}}")};
    compose_asynchronous(&c, "orchestrator.x");
    assert_json(c.pipeline, "{'settings':{'orchestrator.x':{'synchronous':false,'other':1}}}");
    c.pipeline = tree("{'name':'p'}");
    compose_asynchronous(&c, "orchestrator.y");
    assert_json(c.pipeline, "{'name':'p','settings':{'orchestrator.y':{'synchronous':false}}}");
}

static void names_of_runs_are_filled_in(void **state)
{
    (void)state;
    const char *why, *name = compose_run_name(&mem, "a-{date}-{time}-{{x}}", &why);
    assert_non_null(name);
    assert_int_equal(strlen(name), strlen("a-2026_01_31-12_34_56_123456-{x}"));
    assert_true(starts_with(name, "a-20"));
    assert_string_equal(name + strlen(name) - 4, "-{x}");
    static const char *const bad[] = {"{other}", "{", "}", "{date", "a}b", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(compose_run_name(&mem, bad[i], &why));
        assert_non_null(why);
    }
}

static void images_install_what_the_stack_needs(void **state)
{
    (void)state;
    const char *why;
    const char *const sources[] = {"zenml.integrations.s3.flavors.x", NULL, "zenml.orchestrators.local.x",
                                   "zenml.integrations.kubernetes.flavors.y", "zenml.integrations.kubernetes.z"};
    const char *file = image_dockerfile(&mem, sources, ARRAY_LEN(sources), "0.66.0", "3.10.12", &why);
    assert_string_equal(file, "FROM zenmldocker/zenml:0.66.0-py3.10\nRUN pip install --default-timeout=60 "
                              "--no-cache-dir 'aws-profile-manager' 'boto3' 'kubernetes>=21.7,<26' 's3fs>2022.3.0'");
    assert_string_equal(image_md5(&mem, file, strlen(file)), "ce468ffe661b31440b5bc70bb00a1d6a");
    const char *const apt[] = {"zenml.integrations.skypilot_aws.flavors.x", "zenml.integrations.deepchecks.y"};
    assert_string_equal(
        image_dockerfile(&mem, apt, 2, "0.66.0", NULL, &why),
        "FROM zenmldocker/zenml:0.66.0-py" IMAGE_PYTHON
        "\nRUN apt-get update && apt-get install -y --no-install-recommends 'ffmpeg' 'libsm6' "
        "'libxext6' 'openssh-client' 'rsync'\nRUN pip install --default-timeout=60 --no-cache-dir "
        "'deepchecks[vision]>=0.18.0' 'opencv-python-headless==4.5.5.64' 'opencv-python==4.5.5.64' "
        "'pandas<2.2.0' 'pandas>=2.0.0' 'skypilot[aws]~=0.6.0' 'tenacity!=8.4.0' 'torchvision>=0.14.0'");
    assert_string_equal(image_dockerfile(&mem, NULL, 0, "0.66.0", "3", &why), "FROM zenmldocker/zenml:0.66.0-py3.0");
}

static void what_is_no_version_gets_into_no_dockerfile(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "0.66.0\nRUN x", "0.66 0", "a/b",     "0.66.0@sha256:1",
                                      "-x", ".1.2.",         "$(x)",   "0.66.0'", "\xc3\xa9"};
    const char *why;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        why = NULL;
        assert_null(image_dockerfile(&mem, NULL, 0, bad[i], "3.10.1", &why));
        assert_non_null(why);
        why = NULL;
        assert_null(image_dockerfile(&mem, NULL, 0, "0.66.0", bad[i], &why));
        assert_non_null(why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(options_come_from_the_run_configuration, reset),
        cmocka_unit_test_teardown(parameters_are_all_of_the_source, reset),
        cmocka_unit_test_teardown(some_things_are_refused, reset),
        cmocka_unit_test_teardown(orchestrators_do_not_wait, reset),
        cmocka_unit_test_teardown(names_of_runs_are_filled_in, reset),
        cmocka_unit_test_teardown(images_install_what_the_stack_needs, reset),
        cmocka_unit_test_teardown(what_is_no_version_gets_into_no_dockerfile, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
