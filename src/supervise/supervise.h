/* What the parts of kanso-supervise share. */
#ifndef KANSO_SUPERVISE_SUPERVISE_H
#define KANSO_SUPERVISE_SUPERVISE_H

/* "kanso-supervise: ..." on standard error, and the end of the process. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);

/* A descriptor in the place of `fd`, which is closed: out of the way of those that children get, and not theirs.
 * Dies when `fd` is negative. */
int own(int fd);

#endif
