/*
 * Cron expressions: minute, hour, day of the month, month, day of the week; in UTC, so there is no summer time in them.
 *
 * A field is `*` or a list of numbers, ranges and names (JAN, SUN; any case), each with an optional step: `*` + `/15`,
 * `8-18/2`, `MON-FRI`. Sunday is 0 and 7. As in every cron, a day has to fit one of the two fields about days where
 * neither begins with `*`, and both otherwise. `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` and
 * `@annually` are there as well.
 */
#ifndef KANSO_BASE_CRON_H
#define KANSO_BASE_CRON_H

#include <stdbool.h>
#include <stdint.h>

struct cron {
    uint64_t minutes; /* bit n: minute n; likewise the others */
    uint32_t hours, days, months, weekdays;
    bool both; /* a day has to fit both fields about days */
};

/* Reads an expression. Returns NULL, or what is wrong, in a sentence's end: "its hour ...". */
const char *cron_read(const char *text, struct cron *out);

/* The first time after `after`, and the last one until `until`, in seconds since 1970; -1 when there is none within
 * CRON_YEARS years, as for the 30th of February. */
enum { CRON_YEARS = 41 }; /* 29 February is a Sunday again after 40 at the latest */
int64_t cron_next(const struct cron *c, int64_t after);
int64_t cron_last(const struct cron *c, int64_t until);

#endif
