/* Counters that processes share. Each scenario has a directory of its own, and opens the file in children. */
#include "unit.h"

#include "base/metrics.h"
#include "base/timestamp.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[64], path[96];

static int fresh(void **state)
{
    (void)state;
    char tmp[80];
    snprintf(home, sizeof home, "/tmp/kanso-metrics-XXXXXX");
    assert_non_null(mkdtemp(home));
    snprintf(tmp, sizeof tmp, "%s/tmp", home);
    snprintf(path, sizeof path, "%s/metrics", tmp);
    assert_int_equal(mkdir(tmp, 0700), 0);
    return setenv("KANSO_HOME", home, 1);
}

static int gone(void **state)
{
    (void)state;
    char tmp[80];
    snprintf(tmp, sizeof tmp, "%s/tmp", home);
    unlink(path);
    rmdir(path);
    rmdir(tmp);
    return rmdir(home);
}

/* Runs in a child, whose status says whether all was as it should be. */
static pid_t start(bool (*scenario)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(scenario() ? 0 : 1);
    return pid;
}

static bool well(pid_t pid)
{
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool in_child(bool (*scenario)(void))
{
    return well(start(scenario));
}

enum { MANY = 20000, CHILDREN = 6 };

static bool count_many(void)
{
    if (metrics_open("worker"))
        return false;
    for (int i = 0; i < MANY; i++) {
        metric_add(M_CONNECTIONS);
        metric_request(3, 200, 4.9);
        metric_statement(1e9);
    }
    return true;
}

static bool find_many(void)
{
    struct metric_times t, s;
    bool ok = !metrics_open("reader");
    metric_request_times(3, &t);
    metric_statement_times(&s);
    return ok && metric_value(M_CONNECTIONS) == CHILDREN * MANY && metric_request_count(3, 0) == CHILDREN * MANY &&
           t.classes[2] == CHILDREN * MANY && s.classes[METRIC_CLASSES - 1] == CHILDREN * MANY && t.seconds > 587.9 &&
           t.seconds < 588.1;
}

static void nothing_is_lost_between_processes(void **state)
{
    (void)state;
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++)
        children[i] = start(count_many);
    for (int i = 0; i < CHILDREN; i++)
        assert_true(well(children[i]));
    assert_true(in_child(find_many));
}

static bool busy_for_ever(void)
{
    if (metrics_open("worker"))
        return false;
    metric_busy(monotonic_ms());
    for (;;)
        metric_request(1, 503, 0.1);
}

static bool find_none_busy(void)
{
    struct metric_process p[METRIC_NAMES];
    struct metric_times t;
    bool ok = !metrics_open("reader");
    size_t n = metric_processes(p);
    metric_request_times(1, &t);
    return ok && n == 2 && strcmp(p[0].name, "worker") == 0 && p[0].count == 0 && p[0].in_hand == 0 &&
           p[0].starts == 3 && p[1].count == 1 && p[1].resident > 100000 && t.classes[0] == metric_request_count(1, 14);
}

static void who_is_killed_leaves_nothing_wrong(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        pid_t pid = start(busy_for_ever);
        usleep(30000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    assert_true(in_child(find_none_busy));
}

static bool count_one(void)
{
    bool ok = !metrics_open("worker");
    metric_add(M_LOGINS_GRANTED);
    return ok;
}

static bool find_one(void)
{
    return !metrics_open("reader") && metric_value(M_LOGINS_GRANTED) == 1;
}

static bool find_zero(void)
{
    return !metrics_open("reader") && metric_value(M_LOGINS_GRANTED) == 0;
}

static bool is_refused(void)
{
    const char *why = metrics_open("worker");
    metric_add(M_LOGINS_GRANTED); /* for nobody, but without harm */
    metric_request(0, 200, 1);
    metric_busy(1);
    metric_idle();
    struct metric_process p[METRIC_NAMES];
    return why && metric_value(M_LOGINS_GRANTED) == 0 && metric_processes(p) == 0;
}

/* What stands at that place of the file is something else. */
static void spoil(off_t at)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0 && pwrite(fd, "another!", 8, at) == 8);
    close(fd);
}

static void another_meaning_begins_anew(void **state)
{
    (void)state;
    const off_t places[] = {0, 8, 16, 24}; /* what it is, layout, meaning, size */
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        unlink(path);
        assert_true(in_child(count_one));
        assert_true(in_child(find_one));
        spoil(places[i]);
        assert_true(in_child(find_zero));
    }
    assert_int_equal(truncate(path, 1000), 0);
    assert_true(in_child(find_zero));
    assert_true(in_child(count_one));
    assert_true(in_child(find_one));
}

static void what_is_not_ours_is_not_used(void **state)
{
    (void)state;
    assert_true(in_child(count_one));
    struct stat st;
    assert_true(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    chmod(path, 0640);
    assert_true(in_child(is_refused));
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_true(in_child(is_refused));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_true(in_child(is_refused));
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(in_child(is_refused));
    rmdir(path);
    setenv("KANSO_HOME", "/nowhere/at/all", 1);
    assert_true(in_child(is_refused));
}

static void nobody_waits_for_a_frozen_one(void **state)
{
    (void)state;
    assert_true(in_child(count_one));
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
    double before = monotonic_ms();
    assert_true(in_child(is_refused));
    assert_true(monotonic_ms() - before < 30000);
    close(fd);
    assert_true(in_child(find_one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_between_processes, fresh, gone),
        cmocka_unit_test_setup_teardown(who_is_killed_leaves_nothing_wrong, fresh, gone),
        cmocka_unit_test_setup_teardown(another_meaning_begins_anew, fresh, gone),
        cmocka_unit_test_setup_teardown(what_is_not_ours_is_not_used, fresh, gone),
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_frozen_one, fresh, gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
