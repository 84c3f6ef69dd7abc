/* JSON: the strict check, the walk through texts, the writer, documents described as data. */
#include "unit.h"

#include "base/arena.h"
#include "base/text.h"
#include "json/model.h"
#include "json/scan.h"

#include "json/write.h"
#include <stdio.h>

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
                                       "18446744073709551615",
                                       "-9223372036854775808",
                                       "[NaN, Infinity, -Infinity, 1e400]"};
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
        {"nan", "Expecting value", 0},
        {"-NaN", "Expecting value", 0},
        {"Infinit", "Expecting value", 0},
        {"-", "Expecting value", 0},
        {"01", "Extra data", 1},
        {"\"\xc3\xa9\" x", "Extra data", 4},
        {"18446744073709551616", "Integer beyond 64 bits", 0},
        {"[-9223372036854775809]", "Integer beyond 64 bits", 1},
        {"\"a\\u0000b\"", "The character NUL in a text", 2},
        {"{\"a\\u0000\":1}", "The character NUL in a text", 3},
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

static void the_strict_check_knows_no_words_of_python(void **state)
{
    (void)state;
    static const char *const words[] = {"NaN", "[Infinity]", "-Infinity"};
    struct json_error e;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_false(json_check_strict(words[i], strlen(words[i]), &e));
    assert_true(json_check_strict("\"\\u0000\"", 8, &e));
}

static void stored_text_is_mended(void **state)
{
    (void)state;
    static const struct {
        const char *stored, *shown; /* NULL: no JSON to be had */
    } cases[] = {
        {"{\"a\": 1}", "{\"a\": 1}"},
        {" {\"a\":1} \n", "{\"a\":1}"},
        {"NaN", "null"},
        {"{\"a\": NaN, \"b\": [Infinity, -Infinity, -1]} ", "{\"a\": null, \"b\": [null, null, -1]}"},
        {" [NaN]", "[null]"},
        {"\"\\ud800\"", "\"\\ufffd\""},
        {"[\"\\ud83d\\ude00\\ud83dx\", \"\\udc00\\ud800\"]", "[\"\\ud83d\\ude00\\ufffdx\", \"\\ufffd\\ufffd\"]"},
        {"{\"\\ud800\": 1, \"\\u0000\": 2}", "{\"\\ufffd\": 1, \"\\u0000\": 2}"},
        {"184467440737095516160", "184467440737095516160"},
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"},
        {"", NULL},
        {"  ", NULL},
        {"{\"a\": ", NULL},
        {"\"abc", NULL},
        {"{'a': 1}", NULL},
        {"{\"a\": nan}", NULL},
        {"1 2", NULL},
        {"\xef\xbb\xbf{}", NULL}, /* a byte order mark */
        {"\"\xff\"", NULL},
        {"\"\n\"", NULL},
        {"{\"a\": NaN", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span t = span(cases[i].stored);
        struct json_error e;
        assert_int_equal(json_mend(&mem, &t, &e), cases[i].shown != NULL);
        if (!cases[i].shown)
            continue;
        assert_int_equal(t.len, strlen(cases[i].shown));
        assert_memory_equal(t.s, cases[i].shown, t.len);
    }
}

/* Whatever a text is cut off to, or whichever byte of it is spoilt: what comes out is JSON. */
static void mended_text_is_strict(void **state)
{
    (void)state;
    static const char whole[] = " {\"a\": [1, NaN, {\"b\": \"c\\\"\\ud800\"}], \"d\": {\"e\": -Infinity}} ";
    struct json_error e;
    for (size_t at = 0; at < sizeof whole - 1; at++)
        for (int byte = -1; byte < 256; byte++) {
            size_t len = byte < 0 ? at : sizeof whole - 1;
            char *copy = malloc(len ? len : 1); /* exactly as long, so that the sanitizer sees a step too far */
            memcpy(copy, whole, len);
            if (byte >= 0)
                copy[at] = (char)byte;
            struct span t = {copy, len};
            if (json_mend(&mem, &t, &e) && !json_check_strict(t.s, t.len, &e))
                fail_msg("%.*s is no JSON: %s", (int)t.len, t.s, e.message);
            free(copy);
            arena_reset(&mem);
        }
}

static void deep_stored_text_is_shown(void **state)
{
    (void)state;
    static char text[2 * JSON_STORED_DEPTH + 2];
    struct json_error e;
    for (size_t depth = JSON_STORED_DEPTH; depth <= JSON_STORED_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        struct span t = {text, 2 * depth};
        assert_int_equal(json_mend(&mem, &t, &e), depth == JSON_STORED_DEPTH);
        assert_int_equal(json_tree(&mem, text, 2 * depth) != NULL, depth == JSON_STORED_DEPTH);
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
    assert_memory_equal(json_member(span("{\"a\":1,\"b\":2,\"a\":3}"), "a").s, "3", 1); /* as Python reads it */
}

/* Keys are found in whatever way they are written, however long. */
static void long_keys_with_escapes_are_members(void **state)
{
    (void)state;
    enum { WIDE = 400, ESCAPE = 6, BYTES = 3 };
    static char text[2 * WIDE * ESCAPE + 16], key[WIDE * BYTES + 2];
    char *at = text;
    at += sprintf(at, "{\"");
    for (int i = 0; i < WIDE; i++) {
        at += sprintf(at, "\\u6b65");
        memcpy(key + (size_t)i * BYTES, "\xe6\xad\xa5", BYTES);
    }
    sprintf(at, "\":7}");
    assert_memory_equal(json_member(span(text), key).s, "7", 1);
    key[WIDE * BYTES] = 'x';
    assert_null(json_member(span(text), key).s); /* longer */
    key[(WIDE - 1) * BYTES] = '\0';
    assert_null(json_member(span(text), key).s); /* shorter */
    struct span odd = span("{\"\\ud83d\\ude00\\n\\/\\\\\\u0041\":1}");
    assert_memory_equal(json_member(odd, "\xf0\x9f\x98\x80\n/\\A").s, "1", 1);
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
    static const char *const numbers[] = {"[0.1]",  "[1e5]",
                                          "[-0.0]", "[123456789012345678]",
                                          "[1.10]", "[9223372036854775807,9223372036854775808,18446744073709551615]"};
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

/* Stored as Python does, answered as JSON can. */
static void numbers_that_are_none(void **state)
{
    (void)state;
    struct json_object *v;
    struct json_error e;
    static const char in[] = "[NaN,Infinity,-Infinity,1e400,-1e400,1]";
    assert_true(json_parse(&mem, in, sizeof in - 1, &v, &e));
    assert_string_equal(json_text(&mem, v, true), "[NaN, Infinity, -Infinity, Infinity, -Infinity, 1]");
    assert_string_equal(json_text(&mem, v, false), "[null,null,null,null,null,1]");
}

/* A value that is JSON already may end in a blank. */
static void the_comma_behind_a_blank(void **state)
{
    (void)state;
    struct buf b = {0};
    struct jw w = {.out = &b};
    jw_open(&w, '{');
    jw_key(&w, "a");
    jw_raw(&w, "{} ", 3);
    jw_key(&w, "b");
    jw_int(&w, 1);
    jw_close(&w, '}');
    assert_string_equal(b.data, "{\"a\":{} ,\"b\":1}");
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
    {"name", &T_STRING, NULL, 3, REQ | UPD},
    {"word", &T_WORD, "\"red\"", 0, UPD},
    {"flag", &T_BOOL, NULL, 0, NUL},
    {"many", &T_INNERS, "{}", 0, 0},
    {"either", &T_EITHER, NULL, 0, NUL},
    {"when", &T_STAMP, NULL, 0, NUL},
    {"much", &T_INT, "0", 0, 0},
    {"long", &T_DURATION, NULL, 0, NUL},
    {"share", &T_FLOAT, "0.5", 0, 0},
};
static const struct model OUTER = MODEL("outer", fields);

static const char *check(const char *text, enum check_mode mode, const char **problems)
{
    struct check *c = check_new(&mem);
    struct loc body = {.name = "body"};
    c->mode = mode;
    c->at = &body;
    struct json_object *parsed;
    struct json_error e;
    assert_true(json_parse(&mem, text, strlen(text), &parsed, &e));
    struct json_object *v = model_check(c, &OUTER, parsed);
    *problems = check_text(c);
    return v ? json_text(&mem, v, false) : NULL;
}

static void documents_are_completed(void **state)
{
    (void)state;
    const char *p, *out = check("{\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\",\"many\":{\"a\":{}},\"flag\":\"yes\",\"zz\":1,"
                                "\"when\":\"2024-01-31T12:34:56Z\",\"much\":18446744073709551615}",
                                CHECK_CREATE, &p);
    assert_string_equal(
        out, "{\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\",\"word\":\"red\",\"flag\":true,\"many\":{\"a\":{\"n\":7}},"
             "\"either\":null,\"when\":\"2024-01-31 12:34:56\",\"much\":18446744073709551615,\"long\":null,"
             "\"share\":0.5}");
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
        {"{\"name\":\"a\",\"many\":{\"k\":{\"n\":9223372036854775808}}}", "\"less_than_equal\"",
         "[\"body\",\"many\",\"k\",\"n\"]"},
        {"{\"name\":\"a\",\"much\":NaN}", "\"finite_number\"", "[\"body\",\"much\"]"},
        {"{\"name\":\"a\",\"much\":1e400}", "\"finite_number\"", "[\"body\",\"much\"]"},
        {"{\"name\":\"a\",\"much\":1.5}", "\"int_from_float\"", "[\"body\",\"much\"]"},
        {"{\"name\":\"a\",\"much\":1e30}", "\"int_parsing_size\"", "[\"body\",\"much\"]"},
        {"{\"name\":\"a\",\"much\":\"9223372036854775808\"}", "\"int_parsing_size\"", "[\"body\",\"much\"]"},
        {"{\"name\":\"a\",\"flag\":NaN}", "\"bool_parsing\"", "[\"body\",\"flag\"]"},
        {"{\"name\":\"a\",\"when\":NaN}", "\"datetime_parsing\"", "[\"body\",\"when\"]"},
        {"{\"name\":\"a\",\"long\":NaN}", "\"time_delta_parsing\"", "[\"body\",\"long\"]"},
        {"{\"name\":\"a\",\"long\":-Infinity}", "\"time_delta_parsing\"", "[\"body\",\"long\"]"},
        {"{\"name\":\"a\",\"long\":86400000000000}", "\"time_delta_parsing\"", "[\"body\",\"long\"]"},
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
        "{\"name\":\"a\",\"many\":{\"k\":{\"n\":7}},\"word\":\"red\",\"flag\":null,\"either\":null,\"when\":null,"
        "\"much\":0,\"long\":null,\"share\":0.5}");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(only_json_passes_the_check, reset),
        cmocka_unit_test_teardown(the_strict_check_knows_no_words_of_python, reset),
        cmocka_unit_test_teardown(stored_text_is_mended, reset),
        cmocka_unit_test_teardown(mended_text_is_strict, reset),
        cmocka_unit_test_teardown(deep_stored_text_is_shown, reset),
        cmocka_unit_test_teardown(depth_is_limited, reset),
        cmocka_unit_test_teardown(members_are_found_in_text, reset),
        cmocka_unit_test_teardown(long_keys_with_escapes_are_members, reset),
        cmocka_unit_test_teardown(walking_damaged_text_stays_inside, reset),
        cmocka_unit_test_teardown(escapes_are_decoded, reset),
        cmocka_unit_test_teardown(each_byte_comes_back, reset),
        cmocka_unit_test_teardown(both_styles_are_written, reset),
        cmocka_unit_test_teardown(numbers_keep_their_text, reset),
        cmocka_unit_test_teardown(numbers_that_are_none, reset),
        cmocka_unit_test_teardown(the_comma_behind_a_blank, reset),
        cmocka_unit_test_teardown(documents_are_completed, reset),
        cmocka_unit_test_teardown(updates_hold_what_was_given, reset),
        cmocka_unit_test_teardown(every_problem_is_told_with_its_place, reset),
        cmocka_unit_test_teardown(unions_prefer_the_values_own_type, reset),
        cmocka_unit_test_teardown(stored_documents_gain_their_defaults, reset),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
