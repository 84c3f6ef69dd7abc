/* Timestamps: naive UTC, whole seconds; `YYYY-MM-DD HH:MM:SS` in SQL and `YYYY-MM-DDTHH:MM:SS` on the wire. */
#ifndef KANSO_BASE_TIMESTAMP_H
#define KANSO_BASE_TIMESTAMP_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STAMP_LEN = 19 };

/* The present second in SQL form; stamp_made(): in the arena. */
void stamp_now(char out[STAMP_LEN + 1]);
char *stamp_made(struct arena *a);

/* Seconds since 1970 for a stamp of either form, -1 when it is none; and back. */
int64_t stamp_seconds(const char *stamp);
void stamp_from_seconds(int64_t seconds, char out[STAMP_LEN + 1]);

/* Reads what request bodies and plain filters accept: ISO 8601 date or date-time with T, t, _ or blank, optional
 * seconds, fraction and zone, or unix seconds/milliseconds. Writes SQL form, in UTC; false also when that is before the
 * year 1 or after 9999. */
bool stamp_parse(const char *s, size_t len, char out[STAMP_LEN + 1]);

/* Exactly `YYYY-MM-DD HH:MM:SS`, which filters with an operator demand; a real calendar date. */
bool stamp_parse_exact(const char *s, size_t len, char out[STAMP_LEN + 1]);

/* Durations: reads a number of seconds, `[D day[s],][ ]HH:MM[:SS[.f]]` or an ISO 8601 duration; writes ISO 8601. One
 * of a thousand million days or more is not possible. */
bool duration_parse(const char *s, size_t len, double *seconds);
bool duration_possible(double seconds);
char *duration_format(struct arena *a, double seconds);

/* Monotonic milliseconds, for measuring. */
double monotonic_ms(void);

#endif
