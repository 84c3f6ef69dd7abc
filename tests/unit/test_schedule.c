/* Schedules of triggers: which times they name. */
#include "unit.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "jobs/schedule.h"

static struct arena mem;

static int reset(void **state)
{
    (void)state;
    arena_free(&mem);
    return 0;
}

static int64_t at(const char *stamp)
{
    return streq(stamp, "never") ? -1 : stamp_seconds(stamp);
}

static struct schedule schedule_of(const char *text)
{
    struct schedule s;
    const char *problem = schedule_read(&mem, (struct span){text, strlen(text)}, &s);
    if (problem)
        fail_msg("%s: %s", text, problem);
    return s;
}

static void next_and_last_times(void **state)
{
    (void)state;
    static const char hourly[] = "{\"start_time\": \"2026-01-01T00:10:00\", \"interval_second\": \"PT1H\"}";
    static const char ended[] = "{\"start_time\": \"2026-01-01T00:10:00\", \"interval_second\": 3600.0, "
                                "\"end_time\": \"2026-01-01T02:10:00\"}";
    static const char once[] = "{\"run_once_start_time\": \"2026-01-01T00:10:00\"}";
    static const char cron[] = "{\"cron_expression\": \"0 3 * * *\", \"start_time\": \"2026-01-02T03:00:00\", "
                               "\"end_time\": \"2026-01-04T02:59:59\"}";
    static const char both[] = "{\"cron_expression\": \"0 3 * * *\", \"start_time\": \"2026-01-01T00:00:00\", "
                               "\"interval_second\": \"PT60S\", \"run_once_start_time\": \"2026-01-01T00:10:00\"}";
    static const char zone[] = "{\"run_once_start_time\": \"2026-01-01T00:10:00+02:00\"}";
    static const struct {
        const char *text, *moment, *next, *last;
    } cases[] = {
        {hourly, "2025-12-31 00:00:00", "2026-01-01 00:10:00", "never"},
        {hourly, "2026-01-01 00:09:59", "2026-01-01 00:10:00", "never"},
        {hourly, "2026-01-01 00:10:00", "2026-01-01 01:10:00", "2026-01-01 00:10:00"},
        {hourly, "2026-01-01 01:09:59", "2026-01-01 01:10:00", "2026-01-01 00:10:00"},
        {hourly, "2026-07-01 12:30:00", "2026-07-01 13:10:00", "2026-07-01 12:10:00"},
        {ended, "2026-01-01 01:10:00", "2026-01-01 02:10:00", "2026-01-01 01:10:00"},
        {ended, "2026-01-01 02:10:00", "never", "2026-01-01 02:10:00"},
        {ended, "2026-03-01 00:00:00", "never", "2026-01-01 02:10:00"},
        {once, "2026-01-01 00:09:59", "2026-01-01 00:10:00", "never"},
        {once, "2026-01-01 00:10:00", "never", "2026-01-01 00:10:00"},
        {once, "2027-01-01 00:00:00", "never", "2026-01-01 00:10:00"},
        {cron, "2026-01-01 00:00:00", "2026-01-02 03:00:00", "never"},
        {cron, "2026-01-02 03:00:00", "2026-01-03 03:00:00", "2026-01-02 03:00:00"},
        {cron, "2026-01-03 03:00:00", "never", "2026-01-03 03:00:00"},
        {cron, "2026-02-01 00:00:00", "never", "2026-01-03 03:00:00"},
        {both, "2026-01-01 00:00:00", "2026-01-01 03:00:00", "never"},
        {zone, "2025-12-31 00:00:00", "2025-12-31 22:10:00", "never"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct schedule s = schedule_of(cases[i].text);
        assert_int_equal(schedule_next(&s, at(cases[i].moment)), at(cases[i].next));
        assert_int_equal(schedule_last(&s, at(cases[i].moment)), at(cases[i].last));
    }
}

static void intervals_in_all_forms(void **state)
{
    (void)state;
    static const struct {
        const char *interval;
        int64_t seconds;
    } cases[] = {{"\"PT90S\"", 90},      {"\"P1D\"", 86400}, {"90", 90},       {"90.0", 90},
                 {"\"01:00:00\"", 3600}, {"0.25", 1},        {"\"PT1.5S\"", 1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct schedule s = schedule_of(arena_printf(
            &mem, "{\"start_time\": \"2026-01-01T00:00:00\", \"interval_second\": %s}", cases[i].interval));
        assert_int_equal(s.interval, cases[i].seconds);
    }
    assert_false(schedule_of("{\"cron_expression\": \"@daily\"}").catchup);
    assert_false(schedule_of("{\"cron_expression\": \"@daily\", \"catchup\": false}").catchup);
    assert_true(schedule_of("{\"cron_expression\": \"@daily\", \"catchup\": true}").catchup);
}

static void times_before_1970(void **state)
{
    (void)state;
    struct schedule s = schedule_of("{\"start_time\": \"1900-01-01T00:00:00\", \"interval_second\": \"PT60S\"}");
    assert_int_equal(schedule_next(&s, 0), 60);
    assert_int_equal(schedule_next(&s, -1), 0);
}

static void what_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"cron_expression\": \"\"}",
        "{\"cron_expression\": \"nonsense\"}",
        "{\"start_time\": \"2026-01-01T00:00:00\"}",
        "{\"interval_second\": \"PT60S\"}",
        "{\"start_time\": \"2026-01-01T00:00:00\", \"interval_second\": \"PT0S\"}",
        "{\"start_time\": \"2026-01-01T00:00:00\", \"interval_second\": -5}",
        "{\"start_time\": \"2026-01-01T00:00:00\", \"interval_second\": \"soon\"}",
        "{\"start_time\": \"2026-01-01T00:00:00\", \"interval_second\": 1e300}",
        "{\"start_time\": \"when\", \"interval_second\": 60}",
        "{\"run_once_start_time\": 7}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct schedule s;
        if (!schedule_read(&mem, (struct span){bad[i], strlen(bad[i])}, &s))
            fail_msg("%s: taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(next_and_last_times, reset),
        cmocka_unit_test_teardown(intervals_in_all_forms, reset),
        cmocka_unit_test_teardown(times_before_1970, reset),
        cmocka_unit_test_teardown(what_is_refused, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
