/* Values against JSON schemas, as flavors describe their configuration. */
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "json/schema.h"

static struct arena mem;

static int reset(void **state)
{
    (void)state;
    arena_free(&mem);
    return 0;
}

static struct json_object *json(const char *text)
{
    return json_tree(&mem, text, strlen(text));
}

/* The problems of a value as text; "[]" when it fits. */
static const char *problems(const char *schema, const char *value)
{
    struct check *k = check_new(&mem);
    bool good = schema_check_object(k, json(schema), json(value));
    assert_int_equal(good, k->count == 0);
    return check_text(k);
}

static bool fits(const char *schema, const char *value)
{
    return strcmp(problems(schema, value), "[]") == 0;
}

static bool property_fits(const char *property, const char *value)
{
    return fits(arena_printf(&mem, "{\"properties\":{\"p\":%s}}", property), arena_printf(&mem, "{\"p\":%s}", value));
}

static void members_are_known_and_complete(void **state)
{
    (void)state;
    const char *schema = "{\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{}},\"required\":[\"a\"]}";
    assert_true(fits(schema, "{\"a\":\"x\"}"));
    assert_true(fits(schema, "{\"a\":\"x\",\"b\":[1]}"));
    assert_non_null(strstr(problems(schema, "{\"b\":1}"), "\"type\":\"missing\",\"loc\":[\"a\"]"));
    assert_non_null(strstr(problems(schema, "{\"a\":\"x\",\"c\":1}"), "\"type\":\"extra_forbidden\",\"loc\":[\"c\"]"));
    assert_false(fits("{}", "{\"a\":1}"));
    assert_false(fits("{\"additionalProperties\":true}", "{\"a\":1}"));
}

static void plain_types_are_read_generously(void **state)
{
    (void)state;
    static const struct {
        const char *type, *good, *bad;
    } cases[] = {
        {"{\"type\":\"integer\"}", "\"12\"", "\"x\""},
        {"{\"type\":\"integer\"}", "2.0", "2.5"},
        {"{\"type\":\"number\"}", "\"1.5\"", "[]"},
        {"{\"type\":\"boolean\"}", "\"yes\"", "\"perhaps\""},
        {"{\"type\":\"boolean\"}", "0", "2"},
        {"{\"type\":\"string\"}", "\"\"", "7"},
        {"{\"type\":\"null\"}", "null", "0"},
        {"{\"type\":\"array\"}", "\"[1]\"", "\"[1\""},
        {"{\"type\":\"object\"}", "\"{}\"", "\"[]\""},
        {"{\"type\":[\"string\",\"null\"]}", "null", "1"},
        {"{}", "[{}]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(property_fits(cases[i].type, cases[i].good));
        if (cases[i].bad)
            assert_false(property_fits(cases[i].type, cases[i].bad));
    }
}

static void alternatives(void **state)
{
    (void)state;
    const char *any =
        "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
        "{\"type\":\"null\"}]}";
    assert_true(property_fits(any, "3"));
    assert_true(property_fits(any, "{\"a\":\"b\"}"));
    assert_true(property_fits(any, "null"));
    assert_false(property_fits(any, "{\"a\":1}"));
    assert_false(property_fits(any, "\"x\""));
    assert_true(property_fits("{\"enum\":[\"a\",\"b\"],\"type\":\"string\"}", "\"b\""));
    assert_false(property_fits("{\"enum\":[\"a\",\"b\"],\"type\":\"string\"}", "\"c\""));
    assert_true(property_fits("{\"const\":1}", "1"));
    assert_false(property_fits("{\"const\":1}", "2"));
    assert_false(property_fits("{\"allOf\":[{\"type\":\"integer\"},{\"minimum\":5,\"type\":\"integer\"}]}", "4"));
}

static void bounds(void **state)
{
    (void)state;
    assert_true(property_fits("{\"type\":\"integer\",\"exclusiveMinimum\":0}", "1"));
    assert_false(property_fits("{\"type\":\"integer\",\"exclusiveMinimum\":0}", "0"));
    assert_false(property_fits("{\"type\":\"number\",\"maximum\":1.5}", "1.6"));
    assert_false(property_fits("{\"type\":\"string\",\"maxLength\":2}", "\"\xc3\xa9\xc3\xa9\xc3\xa9\""));
    assert_true(property_fits("{\"type\":\"string\",\"maxLength\":3}", "\"\xc3\xa9\xc3\xa9\xc3\xa9\""));
    const char *pair =
        "{\"type\":\"array\",\"minItems\":2,\"maxItems\":2,\"prefixItems\":[{\"type\":\"integer\"},{\"type\":"
        "\"string\"}]}";
    assert_true(property_fits(pair, "[1,\"a\"]"));
    assert_false(property_fits(pair, "[1,2]"));
    assert_false(property_fits(pair, "[1]"));
}

static void references(void **state)
{
    (void)state;
    const char *schema = "{\"$defs\":{\"pod\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"},"
                         "\"next\":{\"$ref\":\"#/$defs/pod\"}}}},\"properties\":{\"p\":{\"$ref\":\"#/$defs/pod\"}}}";
    assert_true(fits(schema, "{\"p\":{\"n\":1,\"next\":{\"n\":2}}}"));
    assert_non_null(strstr(problems(schema, "{\"p\":{\"n\":1,\"next\":{\"n\":\"x\"}}}"), "[\"p\",\"next\",\"n\"]"));
    assert_true(fits("{\"properties\":{\"p\":{\"$ref\":\"#/nowhere\"}}}", "{\"p\":1}"));
}

/* Schemas come from users: none may keep a worker busy for ever. */
static void endless_schemas_end(void **state)
{
    (void)state;
    assert_true(property_fits("{\"$ref\":\"#/properties/p\"}", "1"));
    assert_true(property_fits("{\"anyOf\":[{\"$ref\":\"#/properties/p\"},{\"$ref\":\"#/properties/p\"}]}", "1"));
}

/* `n` copies of a text with commas between them. */
static const char *copies(const char *text, size_t n)
{
    struct buf b = {0};
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s%s", i ? "," : "", text);
    const char *all = arena_strdup(&mem, b.data);
    buf_free(&b);
    return all;
}

/* What would take ages, or an answer many times as long as the request, ends with a word about it. */
static void costly_schemas_are_given_up(void **state)
{
    (void)state;
    const char *self = "{\"$ref\":\"#/properties/p\"}";
    const char *tree = "{\"$ref\":\"#/$defs/x\"}";
    const struct {
        const char *schema, *value;
    } cases[] = {
        {arena_printf(&mem, "{\"properties\":{\"p\":{\"allOf\":[%s,%s]}}}", self, self), "1"},
        {arena_printf(&mem, "{\"properties\":{\"p\":%s},\"$defs\":{\"x\":{\"anyOf\":[%s,{\"const\":5}]}}}", tree,
                      copies("{\"allOf\":[{\"$ref\":\"#/$defs/x\"},{\"type\":\"null\"}]}", 40)),
         "\"x\""},
        {arena_printf(&mem, "{\"properties\":{\"p\":{\"items\":{\"enum\":[%s]},\"type\":\"array\"}}}",
                      copies("0", 15000)),
         arena_printf(&mem, "[%s]", copies("1", 1000))},
        {arena_printf(&mem, "{\"properties\":{\"p\":{\"items\":{\"enum\":[%s]},\"type\":\"array\"}}}",
                      copies("[0,0,0,0,0,0,0,0,0,1]", 2500)),
         arena_printf(&mem, "[%s]", copies("[0,0,0,0,0,0,0,0,0,2]", 1000))},
        {arena_printf(&mem, "{\"properties\":{\"p\":{\"anyOf\":[%s]}}}",
                      copies("{\"type\":\"array\",\"maxItems\":0}", 1500)),
         arena_printf(&mem, "\"[%s]\"", copies("1", 50000))},
        {arena_printf(&mem,
                      "{\"properties\":{\"p\":{\"items\":{\"type\":\"object\",\"required\":[%s]},\"type\":\"array\"}}}",
                      copies("\"n\"", 15000)),
         arena_printf(&mem, "[%s]", copies("{}", 1000))},
        {arena_printf(&mem, "{\"properties\":{\"p\":{\"items\":{\"type\":[%s]},\"type\":\"array\"}}}",
                      copies("\"null\"", 8000)),
         arena_printf(&mem, "[%s]", copies("1", 1000))},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *p = problems(cases[i].schema, arena_printf(&mem, "{\"p\":%s}", cases[i].value));
        if (!strstr(p, "takes too long"))
            fail_msg("case %zu is not given up: %.200s", i, p);
        assert_true(strlen(p) < 200000);
        assert_non_null(json(p));
    }
}

/* However many things are wrong, and however long what was sent. */
static void problems_are_short(void **state)
{
    (void)state;
    const char *long_text = copies("\xc3\xa4", 20000), *many = copies("1", 5000);
    const struct {
        const char *schema, *value, *shown;
    } cases[] = {
        {"{\"properties\":{\"p\":{\"type\":\"integer\"}}}", arena_printf(&mem, "{\"p\":\"%s\"}", long_text),
         "\xe2\x80\xa6\""},
        {"{\"properties\":{\"p\":{\"type\":\"integer\"}}}", arena_printf(&mem, "{\"p\":[%s]}", many),
         ",\"\xe2\x80\xa6\"]"},
        {"{}", arena_printf(&mem, "{\"%s\":1}", long_text), "\xe2\x80\xa6\"]"},
        {"{\"properties\":{\"p\":{\"items\":{\"type\":\"string\"},\"type\":\"array\"}}}",
         arena_printf(&mem, "{\"p\":[%s]}", many), "and 4900 more problems"},
        {arena_printf(&mem, "{\"properties\":{\"p\":{\"enum\":[%s]}}}", many), "{\"p\":2}", "none of the 5000 values"},
        {arena_printf(&mem, "{\"properties\":{\"p\":{\"anyOf\":[%s]}}}", copies("{\"type\":\"integer\"}", 500)),
         arena_printf(&mem, "{\"p\":{\"k\":\"%s\"}}", long_text), "and 400 more problems"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *p = problems(cases[i].schema, cases[i].value);
        if (!strstr(p, cases[i].shown) || strlen(p) > 200000 || !json(p))
            fail_msg("case %zu: %zu bytes: %.300s", i, strlen(p), p);
    }
    assert_non_null(strstr(problems("{\"properties\":{\"p\":{\"enum\":[1,2]}}}", "{\"p\":3}"), "one of [1, 2]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(members_are_known_and_complete, reset),
        cmocka_unit_test_teardown(plain_types_are_read_generously, reset),
        cmocka_unit_test_teardown(alternatives, reset),
        cmocka_unit_test_teardown(bounds, reset),
        cmocka_unit_test_teardown(references, reset),
        cmocka_unit_test_teardown(endless_schemas_end, reset),
        cmocka_unit_test_teardown(costly_schemas_are_given_up, reset),
        cmocka_unit_test_teardown(problems_are_short, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
