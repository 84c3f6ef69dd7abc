/* Libraries that are loaded when they are first used. */
#include "unit.h"

#include "base/arena.h"
#include "base/library.h"
#include "base/memory.h"
#include "http/fetch.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int this_is_nowhere(void);
double cos(double);

#define NONE(X) X(cos)
LIBRARY(no_library, "libkanso-none.so.1", "tests", NONE);

#define TOO_MANY(X) X(cos) X(this_is_nowhere)
LIBRARY(old_library, "libm.so.6", "tests", TOO_MANY);

#define SOME(X) X(cos)
LIBRARY(mathematics, "libm.so.6", "tests", SOME);

static bool is_loaded(const char *soname)
{
    void *handle = dlopen(soname, RTLD_NOLOAD | RTLD_LAZY);
    if (handle)
        dlclose(handle);
    return handle;
}

static struct fetched fetch_nothing(struct arena *a)
{
    const struct fetch f = {.method = "GET", .url = "http://127.0.0.1:1/", .direct = true, .timeout_ms = 5000};
    return fetch(a, &f);
}

static void libcurl_comes_with_the_first_request(void **state)
{
    (void)state;
    struct arena mem = {0};
    assert_false(is_loaded("libcurl.so.4"));
    assert_false(is_loaded("libssh.so.4"));
    struct fetched got = fetch_nothing(&mem);
    assert_true(is_loaded("libcurl.so.4"));
    assert_false(is_loaded("libssh.so.4"));
    assert_int_equal(got.failure, FETCH_UNSENT);
    assert_null(strstr(got.error, "libcurl"));
    assert_int_equal(fetch_nothing(&mem).failure, FETCH_UNSENT);
    arena_free(&mem);
}

static void functions_can_be_called(void **state)
{
    (void)state;
    assert_null(library_load(&mathematics_library));
    assert_null(library_load(&mathematics_library));
    assert_true(mathematics.cos(0) == 1);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *problem = library_load(&no_library_library);
        assert_non_null(problem);
        assert_non_null(strstr(problem, "libkanso-none.so.1"));
        problem = library_load(&old_library_library);
        assert_non_null(problem);
        assert_non_null(strstr(problem, "this_is_nowhere"));
    }
}

#ifndef MEMORY_SANITIZED /* no limit there */

/* Pages that this process has. */
static size_t address_space(void)
{
    char text[64] = "";
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    return strtoul(text, NULL, 10);
}

static void lack_of_memory_is_no_lack_of_the_library(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct arena mem = {0};
        memory_limit((address_space() + 64) * (size_t)sysconf(_SC_PAGESIZE));
        fetch_nothing(&mem); /* ends the process */
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef MEMORY_SANITIZED
        cmocka_unit_test(lack_of_memory_is_no_lack_of_the_library),
#endif
        cmocka_unit_test(libcurl_comes_with_the_first_request),
        cmocka_unit_test(functions_can_be_called),
        cmocka_unit_test(what_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
