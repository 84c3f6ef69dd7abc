#include "base/log.h"

#include "base/text.h"
#include "base/timestamp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum log_level log_threshold = LOG_INFO;
static const char *const LEVELS[] = {"error", "warn", "info", "debug"};
static const char *program = "kanso";
static _Thread_local const char *about;

void log_open(const char *name)
{
    program = name;
    const char *wanted = getenv("KANSO_LOG_LEVEL");
    for (size_t i = 0; wanted && i < ARRAY_LEN(LEVELS); i++)
        if (streq(wanted, LEVELS[i]))
            log_threshold = (enum log_level)i;
}

void log_about(const char *id)
{
    about = id;
}

/* What is logged may have been sent by anybody: it begins no line and moves no cursor of those who read the log. U+0080
 * to U+009F are control characters as well. */
static void blank_controls(char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i], next = (unsigned char)line[i + 1];
        if (c < ' ' || c == 0x7f)
            line[i] = ' ';
        else if (c == 0xc2 && next >= 0x80 && next <= 0x9f)
            line[i] = line[i + 1] = ' ';
    }
}

void log_write(enum log_level level, const char *fmt, ...)
{
    if (level > log_threshold)
        return;
    enum { ABOUT = 80 }; /* bytes for the end of a line, which stays whole however long the rest is */
    char line[2048], stamp[STAMP_LEN + 1];
    stamp_now(stamp);
    int n = snprintf(line, sizeof line, "%s %s[%d] %s: ", stamp, program, (int)getpid(), LEVELS[level]);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - (size_t)n - ABOUT, fmt, ap);
    va_end(ap);
    size_t len = strlen(line);
    if (about)
        len += (size_t)snprintf(line + len, ABOUT - 1, " [%.64s]", about);
    blank_controls(line, len);
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}
