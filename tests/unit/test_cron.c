/* Cron expressions: what is read and refused, and when they fire. */
#include "unit.h"

#include "base/cron.h"
#include "base/text.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <time.h>

static int64_t at(const char *stamp)
{
    int64_t seconds = stamp_seconds(stamp);
    assert_true(seconds >= 0);
    return seconds;
}

static void assert_time(const char *what, int64_t seconds, const char *expected)
{
    char stamp[STAMP_LEN + 1] = "never";
    if (seconds >= 0)
        stamp_from_seconds(seconds, stamp);
    if (strcmp(stamp, expected) != 0)
        fail_msg("%s: %s, not %s", what, stamp, expected);
}

static struct cron cron_of(const char *text)
{
    struct cron c;
    const char *problem = cron_read(text, &c);
    if (problem)
        fail_msg("'%s': %s", text, problem);
    return c;
}

static void the_next_time(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        /* expression, a moment, the next time */
        {"* * * * *", "2026-11-26 04:39:00", "2026-11-26 04:40:00"},
        {"* * * * *", "2026-11-26 04:39:59", "2026-11-26 04:40:00"},
        {"* * * * *", "2026-12-31 23:59:00", "2027-01-01 00:00:00"},
        {"0 * * * *", "2026-11-26 04:00:00", "2026-11-26 05:00:00"},
        {"*/15 * * * *", "2026-11-26 04:16:00", "2026-11-26 04:30:00"},
        {"*/40 * * * *", "2026-11-26 04:41:00", "2026-11-26 05:00:00"},
        {"5/20 * * * *", "2026-11-26 04:26:00", "2026-11-26 04:45:00"},
        {"0 8-18/5 * * *", "2026-11-26 13:00:00", "2026-11-26 18:00:00"},
        {"0 8-18/5 * * *", "2026-11-26 18:00:00", "2026-11-27 08:00:00"},
        {"1,2,59 0 * * *", "2026-11-26 00:02:00", "2026-11-26 00:59:00"},
        {"30 3 * * *", "2026-11-26 03:29:59", "2026-11-26 03:30:00"},
        {"30 3 * * *", "2026-11-26 03:30:00", "2026-11-27 03:30:00"},
        {"0 0 1 * *", "2026-11-26 00:00:00", "2026-12-01 00:00:00"},
        {"0 0 31 * *", "2026-11-26 00:00:00", "2026-12-31 00:00:00"},
        {"0 0 31 * *", "2026-01-31 00:00:00", "2026-03-31 00:00:00"},
        {"0 0 1 1 *", "2026-01-01 00:00:00", "2027-01-01 00:00:00"},
        {"0 0 1 JAN,jul *", "2026-01-01 00:00:00", "2026-07-01 00:00:00"},
        {"0 0 1 FEB-apr *", "2026-04-01 00:00:00", "2027-02-01 00:00:00"},
        {"0 0 1 */5 *", "2026-06-01 00:00:00", "2026-11-01 00:00:00"},
        /* weekdays; 2026-11-26 is a Thursday */
        {"0 9 * * MON-FRI", "2026-11-27 09:00:00", "2026-11-30 09:00:00"},
        {"0 9 * * 4", "2026-11-26 08:00:00", "2026-11-26 09:00:00"},
        {"0 9 * * thu", "2026-11-26 09:00:00", "2026-12-03 09:00:00"},
        {"0 9 * * 0", "2026-11-26 09:00:00", "2026-11-29 09:00:00"},
        {"0 9 * * 7", "2026-11-26 09:00:00", "2026-11-29 09:00:00"},
        {"0 9 * * Sun", "2026-11-26 09:00:00", "2026-11-29 09:00:00"},
        {"0 9 * * 5-7", "2026-11-28 09:00:00", "2026-11-29 09:00:00"},
        {"0 9 * * 5-7", "2026-11-29 09:00:00", "2026-12-04 09:00:00"},
        {"0 9 * * 6/1", "2026-11-26 09:00:00", "2026-11-28 09:00:00"},
        {"0 9 * * */3", "2026-11-26 09:00:00", "2026-11-28 09:00:00"},
        /* one of the two fields about days is enough, unless one begins with a star */
        {"0 0 13 * FRI", "2026-11-26 00:00:00", "2026-11-27 00:00:00"},
        {"0 0 13 * FRI", "2026-12-11 00:00:00", "2026-12-13 00:00:00"},
        {"0 0 */13 * FRI", "2026-11-26 00:00:00", "2026-11-27 00:00:00"},
        {"0 0 */13 * FRI", "2026-11-27 00:00:00", "2027-01-01 00:00:00"},
        {"0 0 1 * *", "2026-11-01 00:00:00", "2026-12-01 00:00:00"},
        /* leap days */
        {"0 0 29 2 *", "2026-11-26 00:00:00", "2028-02-29 00:00:00"},
        {"0 0 29 2 *", "2028-02-29 00:00:00", "2032-02-29 00:00:00"},
        {"0 0 29 2 *", "2096-02-29 00:00:00", "2104-02-29 00:00:00"},
        {"0 0 29 2 *", "1999-01-01 00:00:00", "2000-02-29 00:00:00"},
        {"0 0 28 2 *", "2028-02-28 00:00:00", "2029-02-28 00:00:00"},
        {"59 23 31 12 *", "2026-12-31 23:59:00", "2027-12-31 23:59:00"},
        /* what never comes */
        {"0 0 30 2 *", "2026-11-26 00:00:00", "never"},
        {"0 0 31 2,4,6,9,11 *", "2026-11-26 00:00:00", "never"},
        /* summer time does not matter: clocks change on these nights in Europe and America */
        {"30 2 * * *", "2026-03-28 02:30:00", "2026-03-29 02:30:00"},
        {"30 2 * * *", "2026-03-29 02:30:00", "2026-03-30 02:30:00"},
        {"30 1 * * *", "2026-10-25 01:30:00", "2026-10-26 01:30:00"},
        {"30 * * * *", "2026-10-25 01:30:00", "2026-10-25 02:30:00"},
        {"30 2 * * *", "2026-03-08 02:29:00", "2026-03-08 02:30:00"},
        /* words */
        {"@hourly", "2026-11-26 04:39:00", "2026-11-26 05:00:00"},
        {"@daily", "2026-11-26 04:39:00", "2026-11-27 00:00:00"},
        {"@Midnight", "2026-11-26 04:39:00", "2026-11-27 00:00:00"},
        {"@weekly", "2026-11-26 04:39:00", "2026-11-29 00:00:00"},
        {"@monthly", "2026-11-26 04:39:00", "2026-12-01 00:00:00"},
        {"@yearly", "2026-11-26 04:39:00", "2027-01-01 00:00:00"},
        {"@annually", "2026-11-26 04:39:00", "2027-01-01 00:00:00"},
        /* blanks */
        {"  0\t12  *  *   * ", "2026-11-26 04:39:00", "2026-11-26 12:00:00"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cron c = cron_of(cases[i][0]);
        assert_time(cases[i][0], cron_next(&c, at(cases[i][1])), cases[i][2]);
    }
}

static void a_leap_day_on_a_sunday(void **state)
{
    (void)state;
    struct cron c = cron_of("0 0 29 2 */7"); /* the star makes both fields count */
    assert_time("in this century", cron_next(&c, at("2026-01-01 00:00:00")), "2032-02-29 00:00:00");
    assert_time("28 years later", cron_next(&c, at("2032-02-29 00:00:00")), "2060-02-29 00:00:00");
    assert_time("40 years later, as 2100 is no leap year", cron_next(&c, at("2088-02-29 00:00:00")),
                "2128-02-29 00:00:00");
}

static void the_last_time(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"* * * * *", "2026-11-26 04:39:59", "2026-11-26 04:39:00"},
        {"30 3 * * *", "2026-11-26 03:30:00", "2026-11-26 03:30:00"},
        {"30 3 * * *", "2026-11-26 03:29:59", "2026-11-25 03:30:00"},
        {"0 0 1 1 *", "2026-11-26 00:00:00", "2026-01-01 00:00:00"},
        {"0 0 29 2 *", "2026-11-26 00:00:00", "2024-02-29 00:00:00"},
        {"0 0 31 * *", "2026-03-30 00:00:00", "2026-01-31 00:00:00"},
        {"59 23 * * SAT", "2026-11-26 00:00:00", "2026-11-21 23:59:00"},
        {"0 0 30 2 *", "2026-11-26 00:00:00", "never"},
        {"0 0 1 1 *", "1970-01-01 00:00:00", "1970-01-01 00:00:00"},
        {"0 0 2 1 *", "1970-01-01 12:00:00", "never"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cron c = cron_of(cases[i][0]);
        assert_time(cases[i][0], cron_last(&c, at(cases[i][1])), cases[i][2]);
    }
}

/* What the manual of every cron says, minute for minute. */
static bool fires(const struct cron *c, int64_t seconds)
{
    struct tm tm;
    const time_t t = (time_t)seconds;
    gmtime_r(&t, &tm);
    bool day = c->days >> tm.tm_mday & 1, weekday = c->weekdays >> tm.tm_wday & 1;
    return c->minutes >> tm.tm_min & 1 && c->hours >> tm.tm_hour & 1 && c->months >> (tm.tm_mon + 1) & 1 &&
           (c->both ? day && weekday : day || weekday);
}

static void the_same_as_minute_by_minute(void **state)
{
    (void)state;
    static const char *const expressions[] = {
        "* * * * *",         "*/7 */5 * * *", "0,59 23 28-31 * *", "13 4 */2 2,3 *", "0 0 1,15 * MON",
        "5-50/9 6-22 * * 6", "0 12 29 2 *",   "30 2 31 * SUN",     "0 0 * * 1-5",    "17 17 17 */4 */2",
    };
    const int64_t from = at("2027-12-20 00:00:00"), to = at("2028-03-10 00:00:00");
    for (size_t i = 0; i < ARRAY_LEN(expressions); i++) {
        struct cron c = cron_of(expressions[i]);
        int64_t before = cron_last(&c, from - 1);
        for (int64_t t = from; t < to; t += 60) {
            if (!fires(&c, t))
                continue;
            assert_int_equal(cron_next(&c, before), t);
            assert_int_equal(cron_last(&c, t - 1), before);
            before = t;
        }
        assert_true(cron_next(&c, before) >= to);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "five fields"},
        {"* * * *", "five fields"},
        {"* * * * * *", "five fields"},
        {"@reboot", "five fields"},
        {"60 * * * *", "minute"},
        {"-1 * * * *", "minute"},
        {"a * * * *", "minute"},
        {"*/0 * * * *", "minute"},
        {"*/ * * * *", "minute"},
        {"1- * * * *", "minute"},
        {"5-3 * * * *", "minute"},
        {"1,,2 * * * *", "minute"},
        {"1, * * * *", "minute"},
        {"**  * * * *", "minute"},
        {"1.5 * * * *", "minute"},
        {"99999999999999999999 * * * *", "minute"},
        {"* 24 * * *", "hour"},
        {"* * 0 * *", "day of the month"},
        {"* * 32 * *", "day of the month"},
        {"* * L * *", "day of the month"},
        {"* * * 0 *", "month"},
        {"* * * 13 *", "month"},
        {"* * * JANUARY *", "month"},
        {"* * * * 8", "day of the week"},
        {"* * * * MO", "day of the week"},
        {"* * * * FRI-MON", "day of the week"},
        {"* * * * MON#2", "day of the week"},
        {"* * * * ?", "day of the week"},
    };
    struct cron c;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *problem = cron_read(bad[i][0], &c);
        if (!problem || !strstr(problem, bad[i][1]))
            fail_msg("'%s': %s, not %s", bad[i][0], problem ? problem : "taken", bad[i][1]);
    }
    char longer[400];
    memset(longer, ' ', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    memcpy(longer, "* * * * *", 9);
    assert_non_null(cron_read(longer, &c));
}

static void times_at_the_edges(void **state)
{
    (void)state;
    struct cron c = cron_of("* * * * *");
    assert_int_equal(cron_next(&c, -5), 0);
    assert_int_equal(cron_next(&c, -1), 0);
    assert_int_equal(cron_next(&c, 0), 60);
    assert_int_equal(cron_next(&c, INT64_MAX), -1);
    assert_int_equal(cron_last(&c, -1), -1);
    assert_int_equal(cron_last(&c, 0), 0);
    assert_int_equal(cron_last(&c, INT64_MAX), -1);
    assert_int_equal(cron_next(&c, INT64_MIN), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_time),   cmocka_unit_test(a_leap_day_on_a_sunday),
        cmocka_unit_test(the_last_time),   cmocka_unit_test(the_same_as_minute_by_minute),
        cmocka_unit_test(what_is_refused), cmocka_unit_test(times_at_the_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
