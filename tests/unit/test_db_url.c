/* ZENML_STORE_URL: hosts, ports and addresses. */
#include "unit.h"

#include "base/text.h"
#include "db/db.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena mem;

static int reset(void **state)
{
    (void)state;
    arena_reset(&mem);
    return 0;
}

static const char *read_url(struct db_url *u, const char *authority)
{
    setenv("ZENML_STORE_URL", arena_printf(&mem, "mysql://u:p@%s/zenml", authority), 1);
    return db_url_from_env(&mem, u);
}

/* The hosts as "name port;..." */
static const char *hosts_of(const char *authority)
{
    struct db_url u;
    const char *text = "", *problem = read_url(&u, authority);
    assert_null(problem);
    for (size_t i = 0; i < u.host_count; i++)
        text = arena_printf(&mem, "%s%s %u;", text, u.hosts[i].name, u.hosts[i].port);
    return text;
}

static void hosts_and_ports_are_told_apart(void **state)
{
    (void)state;
    assert_string_equal(hosts_of("db"), "db 3306;");
    assert_string_equal(hosts_of("db:33"), "db 33;");
    assert_string_equal(hosts_of("10.0.0.1:65535"), "10.0.0.1 65535;");
    assert_string_equal(hosts_of("[::1]"), "::1 3306;");
    assert_string_equal(hosts_of("[::1]:33066"), "::1 33066;");
    assert_string_equal(hosts_of("[2001:db8::1:2]:1"), "2001:db8::1:2 1;");
    assert_string_equal(hosts_of("[fe80::1%25eth0]:33"), "fe80::1%eth0 33;");
    assert_string_equal(hosts_of("d%62.example:44"), "db.example 44;");
    assert_string_equal(hosts_of("a,b:1,[::1],[::2]:2"), "a 3306;b 1;::1 3306;::2 2;");
}

static void passwords_may_hold_what_hosts_are_made_of(void **state)
{
    (void)state;
    struct db_url u;
    setenv("ZENML_STORE_URL", "mysql://us%40er:p:[x],%2F@h%40@[::1]:33/zenml?ssl_ca=%2Fa:b", 1);
    assert_null(db_url_from_env(&mem, &u));
    assert_string_equal(u.user, "us@er");
    assert_string_equal(u.password, "p:[x],/@h@");
    assert_string_equal(u.hosts[0].name, "::1");
    assert_int_equal(u.hosts[0].port, 33);
    assert_string_equal(u.ssl_ca, "/a:b");
    setenv("ZENML_STORE_URL", "mysql+pymysql://u:100%#1?; @%0a@db/zenml", 1);
    assert_null(db_url_from_env(&mem, &u));
    assert_string_equal(u.password, "100%#1?; @\n");
    assert_string_equal(u.hosts[0].name, "db");
}

static void what_is_no_host_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"::1",    "::1:3306", "[::1",   "[::1]x",   "[::1]33", "[]",      "[]:33",
                                        "",       "db:",      "db:0",   "db:65536", "db:x",    "db:33:3", ",",
                                        "a,,b",   ",a",       "[::1]:", "[::1]:0",  "a,::1",   ":3306",   "a,:1",
                                        "a:1,b:", "[[::1]]",  "a#b",    "a?b=c",    "a b",     "a:-1",    "a:+1"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct db_url u;
        const char *problem = read_url(&u, wrong[i]);
        if (!problem)
            fail_msg("'%s' was taken", wrong[i]);
        assert_true(starts_with(problem, "ZENML_STORE_URL"));
    }
    struct db_url u;
    assert_non_null(read_url(&u, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"));
}

static void a_socket_needs_no_host(void **state)
{
    (void)state;
    struct db_url u;
    setenv("ZENML_STORE_URL", "mysql://u:p@/zenml?unix_socket=/run/x.sock", 1);
    assert_null(db_url_from_env(&mem, &u));
    assert_string_equal(u.unix_socket, "/run/x.sock");
    assert_int_equal(u.host_count, 0);
}

static void answers_are_waited_for_as_long_as_it_says(void **state)
{
    (void)state;
    struct db_url u;
    setenv("ZENML_STORE_URL", "mysql://u:p@h/zenml", 1);
    assert_null(db_url_from_env(&mem, &u));
    assert_int_equal(u.io_timeout, 0);
    setenv("ZENML_STORE_URL", "mysql://u:p@h/zenml?read_timeout=20", 1);
    assert_null(db_url_from_env(&mem, &u));
    assert_int_equal(u.io_timeout, 20);
    setenv("ZENML_STORE_URL", "mysql://u:p@h/zenml?read_timeout=0", 1);
    assert_non_null(db_url_from_env(&mem, &u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(hosts_and_ports_are_told_apart, reset),
        cmocka_unit_test_teardown(passwords_may_hold_what_hosts_are_made_of, reset),
        cmocka_unit_test_teardown(what_is_no_host_is_refused, reset),
        cmocka_unit_test_teardown(a_socket_needs_no_host, reset),
        cmocka_unit_test_teardown(answers_are_waited_for_as_long_as_it_says, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
