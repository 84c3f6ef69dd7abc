/* Opening files below a directory, by the kernel's rule and name by name: both refuse the same. */
#include "artifact/beneath.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int (*const OPENERS[])(int, const char *, int) = {open_beneath, open_stepwise};

static char directory[] = "/tmp/kanso-unit-XXXXXX";

static void write_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static int make_tree(void **state)
{
    static int dir;
    if (!mkdtemp(directory))
        return -1;
    dir = open(directory, O_PATH | O_DIRECTORY);
    assert_int_equal(mkdirat(dir, "root", 0700) || mkdirat(dir, "root/sub", 0700) || mkdirat(dir, "out", 0700), 0);
    write_file(dir, "root/sub/file");
    write_file(dir, "root/file");
    write_file(dir, "out/file");
    assert_int_equal(symlinkat("../out", dir, "root/link") || symlinkat("sub", dir, "root/inner") ||
                         symlinkat("../out/file", dir, "root/sub/file-link") || symlinkat("/", dir, "root/top"),
                     0);
    *state = &dir;
    return 0;
}

static int remove_tree(void **state)
{
    static const char *const names[] = {"root/sub/file-link", "root/top",  "root/inner",   "root/link",
                                        "out/file",           "root/file", "root/sub/file"};
    static const char *const directories[] = {"out", "root/sub", "root"};
    int dir = *(int *)*state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(dir, names[i], 0);
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        unlinkat(dir, directories[i], AT_REMOVEDIR);
    close(dir);
    return rmdir(directory);
}

static void opens_what_is_below(void **state)
{
    static const char *const paths[] = {"file", "sub/file", "sub"};
    int root = openat(*(int *)*state, "root", O_PATH | O_DIRECTORY);
    for (size_t o = 0; o < 2; o++)
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            int fd = OPENERS[o](root, paths[i], O_RDONLY);
            assert_true(fd >= 0);
            assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
            close(fd);
        }
    close(root);
}

static void follows_nothing_and_leaves_never(void **state)
{
    static const struct {
        const char *path;
        int error;
    } cases[] = {
        {"link/file", ELOOP},
        {"inner/file", ELOOP},
        {"sub/file-link", ELOOP},
        {"link", ELOOP},
        {"top/etc/passwd", ELOOP},
        {"../out", EXDEV},
        {"../out/file", EXDEV},
        {"sub/../../out/file", EXDEV},
        {"/etc/passwd", EXDEV},
        {"nothing", ENOENT},
        {"", ENOENT},
        {"file/x", ENOTDIR},
    };
    int root = openat(*(int *)*state, "root", O_PATH | O_DIRECTORY);
    for (size_t o = 0; o < 2; o++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            errno = 0;
            assert_int_equal(OPENERS[o](root, cases[i].path, O_RDONLY), -1);
            assert_int_equal(errno, cases[i].error);
        }
    close(root);
}

static void follows_no_magic_link(void **state)
{
    (void)state;
    char name[32];
    int fds = open("/proc/self/fd", O_PATH | O_DIRECTORY), top = open("/", O_PATH | O_DIRECTORY);
    snprintf(name, sizeof name, "%d", top);
    for (size_t o = 0; o < 2; o++) {
        assert_int_equal(OPENERS[o](fds, name, O_RDONLY | O_DIRECTORY), -1);
        assert_int_equal(OPENERS[o](top, "proc/self/root/etc", O_RDONLY), -1);
        assert_int_equal(errno, ELOOP);
    }
    close(fds);
    close(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(opens_what_is_below),
                                       cmocka_unit_test(follows_nothing_and_leaves_never),
                                       cmocka_unit_test(follows_no_magic_link)};
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
