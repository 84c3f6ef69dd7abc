#include "base/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

void memory_limit(size_t bytes)
{
#ifdef MEMORY_SANITIZED
    (void)bytes;
#else
    struct rlimit limit;
    if (bytes == 0 || getrlimit(RLIMIT_AS, &limit) != 0)
        return;
    if (limit.rlim_max == RLIM_INFINITY || bytes < limit.rlim_max)
        limit.rlim_cur = bytes;
    setrlimit(RLIMIT_AS, &limit);
#endif
}

static void (*last_words)(void);

void memory_on_exhausted(void (*fn)(void))
{
    last_words = fn;
}

/* Nothing of what this calls may need memory; what does all the same finds nobody to call any more. */
void memory_exhausted(void)
{
    void (*once)(void) = last_words;
    last_words = NULL;
    fputs("kanso: out of memory\n", stderr);
    if (once)
        once();
    _exit(EXIT_FAILURE);
}

/* Bytes of this process that are in memory; 0 where /proc does not say. */
static size_t resident(void)
{
    static int statm = -1;
    char text[128];
    if (statm < 0)
        statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = statm < 0 ? -1 : pread(statm, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    char *second;
    strtoul(text, &second, 10);
    return strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Returns what is free once this process has grown by more than `worth_it` bytes. */
static void trim(size_t worth_it)
{
    static size_t usual; /* after the last time, or less */
    size_t now = resident();
    if (now > usual + worth_it) {
        malloc_trim(0);
        usual = resident();
    } else if (now < usual) {
        usual = now;
    }
}

/* A process that has much to do needs next what it has just freed: the kernel would fill the same pages with zeros
 * again and again. */
void memory_trim(void)
{
    enum { WORTH_IT = 16 * 1024 * 1024 };
    trim(WORTH_IT);
}

void memory_trim_idle(void)
{
    enum { WORTH_IT = 256 * 1024 };
    trim(WORTH_IT);
}
