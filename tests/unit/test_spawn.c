/* Other programs: what they are given, what is read of them, and how they are ended. */
#include "unit.h"

#include "base/spawn.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static struct arena mem;

static int reset(void **state)
{
    (void)state;
    arena_free(&mem);
    return 0;
}

static struct spawned shell(const char *script, const char *input, size_t input_len, size_t max_output,
                            unsigned timeout)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct spawn s = {
        .argv = argv, .input = input, .input_len = input_len, .max_output = max_output, .timeout = timeout};
    return spawn(&mem, &s);
}

static void input_goes_in_and_output_comes_out(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 }; /* more than pipes hold, in both directions at once */
    char *big = arena_alloc(&mem, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        big[i] = (char)('a' + i % 26);
    struct spawned p = shell("cat; echo trouble >&2; exit 3", big, SIZE, SIZE, 60);
    assert_int_equal(p.end, SPAWN_EXITED);
    assert_int_equal(p.code, 3);
    assert_int_equal(p.output_len, SIZE);
    assert_memory_equal(p.output, big, SIZE);
    assert_string_equal(p.errors, "trouble\n");
}

static void input_that_nobody_reads_is_no_error(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    signal(SIGPIPE, SIG_IGN); /* as in workers */
    struct spawned p = shell("exec 0<&-; echo done", arena_alloc(&mem, SIZE), SIZE, 100, 60);
    assert_int_equal(p.end, SPAWN_EXITED);
    assert_string_equal(p.output, "done\n");
}

static void the_end_of_errors_is_kept(void **state)
{
    (void)state;
    struct spawned p = shell("i=0; while [ $i -lt 2000 ]; do echo line$i >&2; i=$((i+1)); done", "", 0, 100, 60);
    assert_int_equal(p.errors_len, SPAWN_ERRORS_KEPT);
    assert_string_equal(p.errors + p.errors_len - 9, "line1999\n");
}

static void a_program_that_is_not_there(void **state)
{
    (void)state;
    const char *const argv[] = {"/nowhere/program", NULL};
    const struct spawn s = {.argv = argv, .input = "", .max_output = 10, .timeout = 5};
    struct spawned p = spawn(&mem, &s);
    assert_int_equal(p.end, SPAWN_UNSTARTED);
    assert_int_equal(p.code, ENOENT);
}

static void signals_are_told_from_exits(void **state)
{
    (void)state;
    struct spawned p = shell("kill -TERM $$", "", 0, 10, 60);
    assert_int_equal(p.end, SPAWN_SIGNALLED);
    assert_int_equal(p.code, SIGTERM);
}

static void what_takes_too_long_is_killed_with_its_group(void **state)
{
    (void)state;
    struct spawned p = shell("sleep 1000 & echo $!; wait", "", 0, 100, 1);
    assert_int_equal(p.end, SPAWN_LATE);
    pid_t grandchild = (pid_t)strtol(p.output, NULL, 10);
    assert_true(grandchild > 1);
    for (int i = 0; i < 600 && kill(grandchild, 0) == 0; i++) /* its reaping is somebody else's work */
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    char state_of[64] = "";
    FILE *f = fopen(arena_printf(&mem, "/proc/%d/stat", grandchild), "r");
    if (f) { /* a zombie where nobody reaps */
        assert_int_equal(fscanf(f, "%*d %*s %60s", state_of), 1);
        fclose(f);
    }
    assert_true(!f || streq(state_of, "Z"));
}

static void what_writes_too_much_is_killed(void **state)
{
    (void)state;
    struct spawned p = shell("while :; do echo 0123456789; done", "", 0, 100000, 60);
    assert_int_equal(p.end, SPAWN_FLOOD);
}

static void the_background_is_not_waited_for(void **state)
{
    (void)state;
    struct spawned p = shell("sleep 1000 & echo $!", "", 0, 100, 500);
    assert_int_equal(p.end, SPAWN_EXITED);
    pid_t background = (pid_t)strtol(p.output, NULL, 10);
    assert_int_equal(kill(background, 0), 0);
    kill(background, SIGKILL);
}

static void descriptors_signals_and_limits_are_a_shells(void **state)
{
    (void)state;
    sigset_t block;
    struct rlimit limit;
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_AS, &limit);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    /* Signals 32 and 33 are the C library's own, whatever the caller of this test has made of them. */
    struct spawned p = shell("ls /proc/self/fd | wc -l; grep -E 'SigBlk|SigIgn' /proc/self/status | "
                             "sed 's/[01][08]0000000$/000000000/'; ulimit -v",
                             "", 0, 1000, 60);
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    close(fds[0]);
    close(fds[1]);
    /* 0, 1, 2 and the directory that ls reads */
    assert_string_equal(p.output, arena_printf(&mem, "4\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n%s\n",
                                               limit.rlim_max == RLIM_INFINITY
                                                   ? "unlimited"
                                                   : arena_printf(&mem, "%lu", (unsigned long)limit.rlim_max / 1024)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(input_goes_in_and_output_comes_out, reset),
        cmocka_unit_test_teardown(input_that_nobody_reads_is_no_error, reset),
        cmocka_unit_test_teardown(the_end_of_errors_is_kept, reset),
        cmocka_unit_test_teardown(a_program_that_is_not_there, reset),
        cmocka_unit_test_teardown(signals_are_told_from_exits, reset),
        cmocka_unit_test_teardown(what_takes_too_long_is_killed_with_its_group, reset),
        cmocka_unit_test_teardown(what_writes_too_much_is_killed, reset),
        cmocka_unit_test_teardown(the_background_is_not_waited_for, reset),
        cmocka_unit_test_teardown(descriptors_signals_and_limits_are_a_shells, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
