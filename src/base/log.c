#include "base/log.h"

#include "base/text.h"
#include "base/timestamp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum log_level log_threshold = LOG_INFO;
static const char *const LEVELS[] = {"error", "warn", "info", "debug"};
static const char *program = "kanso";

void log_open(const char *name)
{
    program = name;
    const char *wanted = getenv("KANSO_LOG_LEVEL");
    for (size_t i = 0; wanted && i < ARRAY_LEN(LEVELS); i++)
        if (streq(wanted, LEVELS[i]))
            log_threshold = (enum log_level)i;
}

void log_write(enum log_level level, const char *fmt, ...)
{
    if (level > log_threshold)
        return;
    char line[2048], stamp[STAMP_LEN + 1];
    stamp_now(stamp);
    int n = snprintf(line, sizeof line, "%s %s[%d] %s: ", stamp, program, (int)getpid(), LEVELS[level]);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
    va_end(ap);
    size_t len = 0;
    for (; line[len]; len++)
        if (line[len] == '\n' || line[len] == '\r')
            line[len] = ' ';
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}
