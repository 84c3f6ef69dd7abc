/* The secrets store: the test vector of docs/contract/resources.md#secrets, and what is not to be decoded. */
#include "base/text.h"
#include "secrets/secrets.h"
#include "json/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char KEY[] = "abcdefabcdefabcdefabcdefabcdef12";
static const char PLAIN[] = "{\"username\": \"admin\", \"p\\u00e4ssword\": \"s3cr\\u20act\", \"n\": \"\"}";
static const char SEALED[] =
    "AAECAwQFBgcICQoLezKGvshQaKLIAhaCHOiVVHxZAdD2FqMXtrNLI0fr3gpaSvH45l7UIsH457UR7C27c+jKQcwaeQnhvc/"
    "ybtO62kQkpx+MRHZoLSjIeWhT";
static const char OPEN[] = "eyJ1c2VybmFtZSI6ICJhZG1pbiIsICJwXHUwMGU0c3N3b3JkIjogInMzY3JcdTIwYWN0IiwgIm4iOiAiIn0=";

static int begin(void **state)
{
    static struct arena a;
    a = (struct arena){0};
    *state = &a;
    return 0;
}

static int end(void **state)
{
    arena_free(*state);
    return 0;
}

static void expect_vector(struct arena *a, struct json_object *values)
{
    assert_non_null(values);
    assert_string_equal(json_text(a, values, true), PLAIN);
    assert_string_equal(json_object_get_string(json_object_object_get(values, "p\xc3\xa4ssword")), "s3cr\xe2\x82\xac"
                                                                                                   "t");
}

static void test_vector_with_key(void **state)
{
    struct arena *a = *state;
    assert_int_equal(strlen(PLAIN), 62);
    expect_vector(a, secret_values(a, KEY, SEALED, strlen(SEALED)));
}

static void test_vector_without_key(void **state)
{
    struct arena *a = *state;
    struct json_object *values = secret_values(a, NULL, OPEN, strlen(OPEN));
    expect_vector(a, values);
    assert_string_equal(secret_store(a, NULL, values), OPEN);
    assert_null(secret_values(a, NULL, SEALED, strlen(SEALED)));
}

static void test_round_trip(void **state)
{
    struct arena *a = *state;
    struct json_object *values = secret_values(a, KEY, SEALED, strlen(SEALED));
    const char *one = secret_store(a, KEY, values), *two = secret_store(a, KEY, values);
    assert_string_not_equal(one, two);
    assert_int_equal(strlen(one), strlen(SEALED));
    expect_vector(a, secret_values(a, KEY, one, strlen(one)));
    struct json_object *none = json_keep(a, json_object_new_object());
    one = secret_store(a, KEY, none);
    assert_int_equal(json_object_object_length(secret_values(a, KEY, one, strlen(one))), 0);
}

static void test_each_changed_bit_is_noticed(void **state)
{
    struct arena *a = *state;
    size_t len = 0;
    char *raw = base64_decode(a, SEALED, strlen(SEALED), &len);
    for (size_t i = 0; i < len * 8; i++) {
        raw[i / 8] = (char)(raw[i / 8] ^ 1 << i % 8);
        const char *stored = base64_encode(a, raw, len);
        assert_null(secret_values(a, KEY, stored, strlen(stored)));
        raw[i / 8] = (char)(raw[i / 8] ^ 1 << i % 8);
    }
}

static void test_shortened_and_damaged(void **state)
{
    struct arena *a = *state;
    size_t len = 0;
    char *raw = base64_decode(a, SEALED, strlen(SEALED), &len);
    for (size_t i = 0; i < len; i++) {
        const char *stored = base64_encode(a, raw, i);
        assert_null(secret_values(a, KEY, stored, strlen(stored)));
    }
    assert_null(secret_values(a, KEY, "!!!!", 4));
    assert_null(secret_values(a, KEY, SEALED, strlen(SEALED) - 1));
    assert_null(secret_values(a, "another key", SEALED, strlen(SEALED)));
}

static void test_only_objects_of_texts(void **state)
{
    static const char *const others[] = {
        "", "null", "[]", "\"text\"", "{\"a\": 1}", "{\"a\": null}", "{\"a\": \"b\"", "{'a': 'b'}"};
    struct arena *a = *state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        const char *stored = base64_encode(a, others[i], strlen(others[i]));
        assert_null(secret_values(a, NULL, stored, strlen(stored)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vector_with_key, begin, end),
        cmocka_unit_test_setup_teardown(test_vector_without_key, begin, end),
        cmocka_unit_test_setup_teardown(test_round_trip, begin, end),
        cmocka_unit_test_setup_teardown(test_each_changed_bit_is_noticed, begin, end),
        cmocka_unit_test_setup_teardown(test_shortened_and_damaged, begin, end),
        cmocka_unit_test_setup_teardown(test_only_objects_of_texts, begin, end),
    };
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
