/*
 * One line per event on standard error, which the supervisor keeps: text, or with KANSO_LOG_FORMAT=json an object. What
 * was sent by others begins no line, moves no cursor and ends no text. Secrets never go in here.
 */
#ifndef KANSO_BASE_LOG_H
#define KANSO_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* The least important level that is written; KANSO_LOG_LEVEL sets it (error, warn, info, debug). */
extern enum log_level log_threshold;

/* Sets the name that begins each line (the worker's or tool's) and reads KANSO_LOG_LEVEL and
 * KANSO_LOG_FORMAT. */
void log_open(const char *name);

/* That name. */
const char *log_program(void);

/* What the lines of this thread are about from now on, until it is NULL: the id of a request, which ends each line. It
 * must live until then. */
void log_about(const char *id);
const char *log_subject(void);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
