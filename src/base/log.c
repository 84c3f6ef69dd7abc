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
static bool json;
static _Thread_local const char *about;

void log_open(const char *name)
{
    program = name;
    const char *wanted = getenv("KANSO_LOG_LEVEL");
    for (size_t i = 0; wanted && i < ARRAY_LEN(LEVELS); i++)
        if (streq(wanted, LEVELS[i]))
            log_threshold = (enum log_level)i;
    const char *format = getenv("KANSO_LOG_FORMAT");
    json = format && streq(format, "json");
}

void log_about(const char *id)
{
    about = id;
}

const char *log_program(void)
{
    return program;
}

const char *log_subject(void)
{
    return about;
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

/* What is no UTF-8, such as a text that was cut within a character, is not passed on: readers of JSON refuse it. */
static void blank_invalid(char *line, size_t len)
{
    if (utf8_valid(line, len))
        return;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] >= 0x80)
            line[i] = '?';
}

static size_t as_text(char *to, size_t room, const char *stamp, const char *level, const char *message)
{
    int n = snprintf(to, room, "%s %s[%d] %s: %s", stamp, program, (int)getpid(), level, message);
    if (about)
        n += snprintf(to + n, room - (size_t)n, " [%.64s]", about);
    return (size_t)n;
}

static size_t as_json(char *to, size_t room, const char *stamp, const char *level, const char *message)
{
    int n = snprintf(to, room, "{\"time\":\"%.10sT%sZ\",\"process\":\"%s\",\"pid\":%d,\"level\":\"%s\",\"message\":\"",
                     stamp, stamp + 11, program, (int)getpid(), level);
    char *p = to + n;
    for (; *message; message++) {
        if (*message == '"' || *message == '\\')
            *p++ = '\\';
        *p++ = *message;
    }
    n = about ? snprintf(p, room - (size_t)(p - to), "\",\"request_id\":\"%.64s\"}", about)
              : snprintf(p, room - (size_t)(p - to), "\"}");
    return (size_t)(p - to + n);
}

void log_write(enum log_level level, const char *fmt, ...)
{
    enum { MESSAGE = 2000, AROUND = 300 };
    if (level > log_threshold)
        return;
    char message[MESSAGE], line[2 * MESSAGE + AROUND], stamp[STAMP_LEN + 1];
    stamp_now(stamp);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    size_t len = strlen(message);
    blank_controls(message, len);
    if (json)
        blank_invalid(message, len);
    len = json ? as_json(line, sizeof line, stamp, LEVELS[level], message)
               : as_text(line, sizeof line, stamp, LEVELS[level], message);
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}
