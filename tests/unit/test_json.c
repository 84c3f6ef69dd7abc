/* JSON: the strict check, the walk through texts, the writer, documents described as data. */
#include "unit.h"

#include "base/arena.h"
#include "base/text.h"
#include "json/model.h"
#include "json/scan.h"
#include "json/write.h"

static struct arena mem;

static int reset(void **state)
{
    (void)state;
    arena_free(&mem);
    return 0;
}

static struct span span(const char *s)
{
    return (struct span){s, strlen(s)};
}

static void only_json_passes_the_check(void **state)
{
    (void)state;
    static const char *const good[] = {"{}",
                                       "[]",
                                       " {\"a\": [1, -2.5e+3, true, null, \"x\\u00e9\"]} ",
                                       "0",
                                       "\"\"",
                                       "-0.0",
                                       "9223372036854775807",
                                       "-9223372036854775808"};
    static const struct {
        const char *text, *message;
        size_t at;
    } bad[] = {
        {"", "Expecting value", 0},
        {"{x}", "Expecting property name enclosed in double quotes", 1},
        {"{\"a\":1,}", "Expecting property name enclosed in double quotes", 7},
        {"{\"a\" 1}", "Expecting ':' delimiter", 5},
        {"{\"a\":1 \"b\":2}", "Expecting ',' delimiter", 7},
        {"[1,]", "Expecting value", 3},
        {"[1] 2", "Extra data", 4},
        {"{'a':1}", "Expecting property name enclosed in double quotes", 1},
        {"\"abc", "Unterminated string starting at", 0},
        {"\"a\nb\"", "Invalid control character at", 2},
        {"NaN", "Expecting value", 0},
        {"01", "Extra data", 1},
        {"\"\xc3\xa9\" x", "Extra data", 4},
        {"9223372036854775808", "Integer beyond 64 bits", 0},
        {"\"\\u12\"", "Invalid \\uXXXX escape", 1},
        {"\"a\\ud800\"", "Half of a surrogate pair", 2},
        {"\"\\ud800\\u0041\"", "Half of a surrogate pair", 1},
        {"\"\\udc00\"", "Half of a surrogate pair", 1},
    };
    struct json_error e;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(json_check(good[i], strlen(good[i]), &e));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(json_check(bad[i].text, strlen(bad[i].text), &e));
        assert_string_equal(e.message, bad[i].message);
        assert_int_equal(e.at, bad[i].at);
    }
}

static void depth_is_limited(void **state)
{
    (void)state;
    char text[2 * JSON_MAX_DEPTH + 3];
    struct json_error e;
    memset(text, '[', JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    assert_true(json_check(text, 2 * JSON_MAX_DEPTH, &e));
    memset(text, '[', JSON_MAX_DEPTH + 1);
    memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
    assert_false(json_check(text, 2 * JSON_MAX_DEPTH + 2, &e));
}

static void members_are_found_in_text(void **state)
{
    (void)state;
    struct span o = span("{\"a\": {\"x\": \"}\\\"]\"}, \"b\\u00e9\" : [1, {\"k\": 2}] ,\"c\":null}");
    struct span a = json_member(o, "a"), b = json_member(o, "b\xc3\xa9"), c = json_member(o, "c");
    assert_memory_equal(a.s, "{\"x\": \"}\\\"]\"}", a.len);
    assert_int_equal(json_kind(b), '[');
    assert_int_equal(json_count(b), 2);
    assert_int_equal(c.len, 4);
    assert_null(json_member(o, "x").s);
    assert_int_equal(json_count(o), 3);
    assert_int_equal(json_count(span("{}")), 0);
    assert_int_equal(json_count(span("[ ]")), 0);
    assert_int_equal(json_kind(span("-1")), '0');
}

static void walking_damaged_text_stays_inside(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\": [1, {\"b\": \"c\\\"\"}], \"d\": {\"e\": null}}";
    for (size_t n = 0; n < sizeof whole; n++) {
        char *copy = malloc(n ? n : 1); /* exactly as long, so that the sanitizer sees a step too far */
        memcpy(copy, whole, n);
        struct span t = {copy, n}, k, v;
        size_t at = 0, guard = 0;
        while (json_next_member(t, &at, &k, &v) && guard++ < 100)
            (void)json_count(v);
        (void)json_member(t, "d");
        assert_true(guard < 100);
        free(copy);
    }
}

static void escapes_are_decoded(void **state)
{
    (void)state;
    char out[64];
    static const char in[] = "a\\n\\u00e9\\ud83d\\ude00\\\"\\/\\ud800x";
    out[json_unescape(in, strlen(in), out)] = '\0';
    assert_string_equal(out, "a\n\xc3\xa9\xf0\x9f\x98\x80\"/\xef\xbf\xbdx");
}

static const char *rewrite(const char *text, bool spaced)
{
    struct json_object *v = json_tree(&mem, text, strlen(text));
    return json_text(&mem, v, spaced);
}

/* Every byte in every place of a text: plain ones are taken in eights. */
static void each_byte_comes_back(void **state)
{
    (void)state;
    for (int spaced = 0; spaced < 2; spaced++)
        for (int byte = 0; byte < 0x80; byte++)
            for (size_t at = 0; at < 24; at++) {
                char text[25] = "xxxxxxxxxxx\xc3\xa4xxxxxxxxxxx";
                struct buf out = {0};
                struct jw w = {.out = &out, .spaced = spaced};
                text[at == 12 ? 11 : at] = (char)byte;
                if (at == 11 || at == 12)
                    text[12] = 'y';
                jw_strn(&w, text, 24);
                struct json_object *back = json_tree(&mem, out.data, out.len);
                if (!back || json_object_get_string_len(back) != 24 || memcmp(json_object_get_string(back), text, 24))
                    fail_msg("byte %02x at %zu: %s", (unsigned)byte, at, out.data);
                buf_free(&out);
                arena_reset(&mem);
            }
}

static void both_styles_are_written(void **state)
{
    (void)state;
    static const char in[] = "{\"a\":[1,2.50,\"\xc3\xa9\\u0001\xf0\x9f\x98\x80/\"],\"b\":{},\"c\":null,\"d\":true}";
    assert_string_equal(rewrite(in, false),
                        "{\"a\":[1,2.50,\"\xc3\xa9\\u0001\xf0\x9f\x98\x80/\"],\"b\":{},\"c\":null,\"d\":true}");
    assert_string_equal(rewrite(in, true),
                        "{\"a\": [1, 2.50, \"\\u00e9\\u0001\\ud83d\\ude00/\"], \"b\": {}, \"c\": null, \"d\": true}");
}

static void numbers_keep_their_text(void **state)
{
    (void)state;
    static const char *const numbers[] = {"[0.1]", "[1e5]", "[-0.0]", "[123456789012345678]", "[1.10]"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        assert_string_equal(rewrite(numbers[i], false), numbers[i]);
    struct buf b = {0};
    struct jw w = {.out = &b};
    jw_open(&w, '[');
    jw_double(&w, 0.1);
    jw_double(&w, 60);
    jw_double(&w, 1e300);
    jw_close(&w, ']');
    assert_string_equal(b.data, "[0.1,60.0,1e+300]");
    buf_free(&b);
}

/* A document with every kind of rule. */
static const char *const WORDS[] = {"red", "green", NULL};
static const struct type T_WORD = {.kind = K_ENUM, .words = WORDS};
static const struct field inner_fields[] = {{"n", &T_INT, "7", 0, 0, true, 0, 10}};
static const struct model INNER = MODEL("inner", inner_fields, .extra = EXTRA_FORBID);
static const struct type T_INNER = {.kind = K_MODEL, .model = &INNER, .label = "inner"};
static const struct type T_INNERS = {.kind = K_MAP, .item = &T_INNER};
static const struct type *const EITHER[] = {&T_UUID, &T_INNER, NULL};
static const struct type T_EITHER = {.kind = K_UNION, .any = EITHER};
static const struct field fields[] = {
    {"name", &T_STRING, NULL, 3, REQ | UPD}, {"word", &T_WORD, "\"red\"", 0, UPD}, {"flag", &T_BOOL, NULL, 0, NUL},
    {"many", &T_INNERS, "{}", 0, 0},         {"either", &T_EITHER, NULL, 0, NUL},  {"when", &T_STAMP, NULL, 0, NUL},
};
static const struct model OUTER = MODEL("outer", fields);

static const char *check(const char *text, enum check_mode mode, const char **problems)
{
    struct check *c = check_new(&mem);
    struct loc body = {.name = "body"};
    c->mode = mode;
    c->at = &body;
    struct json_object *v = model_check(c, &OUTER, json_tree(&mem, text, strlen(text)));
    *problems = check_text(c);
    return v ? json_text(&mem, v, false) : NULL;
}

static void documents_are_completed(void **state)
{
    (void)state;
    const char *p, *out = check("{\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\",\"many\":{\"a\":{}},\"flag\":\"yes\",\"zz\":1,"
                                "\"when\":\"2024-01-31T12:34:56Z\"}",
                                CHECK_CREATE, &p);
    assert_string_equal(
        out, "{\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\",\"word\":\"red\",\"flag\":true,\"many\":{\"a\":{\"n\":7}},"
             "\"either\":null,\"when\":\"2024-01-31 12:34:56\"}");
    assert_string_equal(p, "[]");
}

static void updates_hold_what_was_given(void **state)
{
    (void)state;
    const char *p;
    assert_string_equal(check("{}", CHECK_UPDATE, &p), "{}");
    assert_string_equal(check("{\"name\":null,\"flag\":true}", CHECK_UPDATE, &p), "{\"name\":null}");
}

static void every_problem_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *body, *type, *loc;
    } cases[] = {
        {"{}", "\"missing\"", "[\"body\",\"name\"]"},
        {"{\"name\":5}", "\"string_type\"", "[\"body\",\"name\"]"},
        {"{\"name\":null}", "\"string_type\"", "[\"body\",\"name\"]"},
        {"{\"name\":\"abcd\"}", "\"string_too_long\"", "[\"body\",\"name\"]"},
        {"{\"name\":\"a\",\"word\":\"blue\"}", "\"enum\"", "[\"body\",\"word\"]"},
        {"{\"name\":\"a\",\"many\":{\"k\":{\"n\":11}}}", "\"less_than_equal\"", "[\"body\",\"many\",\"k\",\"n\"]"},
        {"{\"name\":\"a\",\"many\":{\"k\":{\"x\":1}}}", "\"extra_forbidden\"", "[\"body\",\"many\",\"k\",\"x\"]"},
        {"{\"name\":\"a\",\"many\":[]}", "\"dict_type\"", "[\"body\",\"many\"]"},
        {"{\"name\":\"a\",\"either\":\"x\"}", "\"uuid_parsing\"", "[\"body\",\"either\",\"uuid\"]"},
        {"{\"name\":\"a\",\"either\":\"x\"}", "\"model_attributes_type\"", "[\"body\",\"either\",\"inner\"]"},
        {"[]", "\"model_attributes_type\"", "[\"body\"]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *p;
        assert_null(check(cases[i].body, CHECK_CREATE, &p));
        const char *want = arena_printf(&mem, "{\"type\":%s,\"loc\":%s,", cases[i].type, cases[i].loc);
        if (!strstr(p, want))
            fail_msg("%s: no %s in %s", cases[i].body, want, p);
    }
}

static void unions_prefer_the_values_own_type(void **state)
{
    (void)state;
    const char *p;
    assert_non_null(strstr(check("{\"name\":\"a\",\"either\":{\"n\":3}}", CHECK_CREATE, &p), "\"either\":{\"n\":3}"));
    assert_non_null(strstr(check("{\"name\":\"a\",\"either\":\"2c826b4cc3be479aace82403eafed34e\"}", CHECK_CREATE, &p),
                           "\"either\":\"2c826b4c-c3be-479a-ace8-2403eafed34e\""));
}

static void stored_documents_gain_their_defaults(void **state)
{
    (void)state;
    struct buf b = {0};
    struct jw w = {.out = &b};
    model_write_stored(&w, &OUTER, span("{\"name\": \"a\", \"many\": {\"k\": {}}, \"gone\": 1}"));
    assert_string_equal(
        b.data,
        "{\"name\":\"a\",\"many\":{\"k\":{\"n\":7}},\"word\":\"red\",\"flag\":null,\"either\":null,\"when\":null}");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(only_json_passes_the_check, reset),
        cmocka_unit_test_teardown(depth_is_limited, reset),
        cmocka_unit_test_teardown(members_are_found_in_text, reset),
        cmocka_unit_test_teardown(walking_damaged_text_stays_inside, reset),
        cmocka_unit_test_teardown(escapes_are_decoded, reset),
        cmocka_unit_test_teardown(each_byte_comes_back, reset),
        cmocka_unit_test_teardown(both_styles_are_written, reset),
        cmocka_unit_test_teardown(numbers_keep_their_text, reset),
        cmocka_unit_test_teardown(documents_are_completed, reset),
        cmocka_unit_test_teardown(updates_hold_what_was_given, reset),
        cmocka_unit_test_teardown(every_problem_is_told_with_its_place, reset),
        cmocka_unit_test_teardown(unions_prefer_the_values_own_type, reset),
        cmocka_unit_test_teardown(stored_documents_gain_their_defaults, reset),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
