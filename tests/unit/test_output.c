/* What programs write: bounded, and text. */
#include "unit.h"

#include "template/output.h"

#include <stdio.h>

static const char *take(struct arena *a, size_t limit, const char *const *pieces)
{
    struct output o = {.limit = limit};
    for (; *pieces; pieces++)
        output_add(&o, *pieces, strlen(*pieces));
    const char *text = output_text(a, &o);
    assert_null(o.kept.data);
    return text;
}

static void keeps_the_end_from_a_line_on(void **state)
{
    struct arena a = {0};
    (void)state;
    assert_string_equal(take(&a, 100, (const char *const[]){"one\n", "two\n", NULL}), "one\ntwo\n");
    assert_string_equal(take(&a, 8, (const char *const[]){"one\n", "two\n", NULL}), "one\ntwo\n");
    assert_string_equal(take(&a, 6, (const char *const[]){"one\n", "two\n", NULL}), "two\n");
    assert_string_equal(take(&a, 6, (const char *const[]){"o", "n", "e", "\n", "t", "w", "o", "\n", "3", NULL}),
                        "two\n3");
    assert_string_equal(take(&a, 4, (const char *const[]){"no line at all", NULL}), " all");
    assert_string_equal(take(&a, 4, (const char *const[]){NULL}), "");
    arena_free(&a);
}

static void never_holds_more_than_twice_the_limit(void **state)
{
    struct output o = {.limit = 1000};
    (void)state;
    for (int i = 0; i < 10000; i++) {
        output_add(&o, "0123456789", 10);
        assert_true(o.kept.len <= 2 * o.limit);
    }
    assert_true(o.kept.cap <= 8 * o.limit);
    buf_free(&o.kept);
}

static void is_text(void **state)
{
    struct arena a = {0};
    struct output o = {.limit = 100};
    (void)state;
    output_add(&o, "a\0b\xff\xc3", 5);
    output_add(&o, "\xa4 \xe2\x82\xac \xe2\x82", 8);
    assert_string_equal(output_text(&a, &o), "a\xef\xbf\xbd"
                                             "b\xef\xbf\xbd\xc3\xa4 \xe2\x82\xac \xef\xbf\xbd\xef\xbf\xbd");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_end_from_a_line_on),
        cmocka_unit_test(never_holds_more_than_twice_the_limit),
        cmocka_unit_test(is_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
