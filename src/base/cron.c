#include "base/cron.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Reading ------------------------------------------------------------------------------------------------------------
 */

static const char *const MONTHS[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                     "AUG", "SEP", "OCT", "NOV", "DEC", NULL};
static const char *const WEEKDAYS[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL};

static const struct part {
    unsigned low, high;
    const char *const *names; /* of low, low + 1, ... */
    const char *problem;
} PARTS[] = {
    {0, 59, NULL, "its minute is not *, or a list of numbers from 0 to 59, ranges and steps"},
    {0, 23, NULL, "its hour is not *, or a list of numbers from 0 to 23, ranges and steps"},
    {1, 31, NULL, "its day of the month is not *, or a list of numbers from 1 to 31, ranges and steps"},
    {1, 12, MONTHS, "its month is not *, or a list of numbers from 1 to 12, names (JAN), ranges and steps"},
    {0, 7, WEEKDAYS, "its day of the week is not *, or a list of numbers from 0 to 7, names (SUN), ranges and steps"},
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, PART_COUNT };

static bool read_number(const char **at, unsigned *out)
{
    const char *s = *at;
    unsigned n = 0;
    for (; isdigit((unsigned char)*s); s++) {
        if (s - *at >= 4)
            return false;
        n = n * 10 + (unsigned)(*s - '0');
    }
    bool any = s > *at;
    *at = s;
    *out = n;
    return any;
}

static bool read_value(const struct part *p, const char **at, unsigned *out)
{
    for (unsigned i = 0; p->names && p->names[i]; i++)
        if (strncasecmp(*at, p->names[i], 3) == 0) {
            *at += 3;
            *out = p->low + i;
            return true;
        }
    return read_number(at, out) && *out >= p->low && *out <= p->high;
}

/* A star, a number, a name or a range, with its step; a number with a step is a range to the end. */
static bool read_item(const struct part *p, const char **at, uint64_t *bits)
{
    unsigned first = p->low, last = p->names == WEEKDAYS ? 6 : p->high, step = 1; /* Sunday once */
    bool single = false;
    if (**at == '*') {
        ++*at;
    } else if (!read_value(p, at, &first)) {
        return false;
    } else if (**at == '-') {
        ++*at;
        if (!read_value(p, at, &last) || last < first)
            return false;
    } else {
        single = true;
    }
    if (**at == '/') {
        ++*at;
        single = false;
        if (!read_number(at, &step) || step == 0)
            return false;
    }
    for (unsigned i = first; i <= (single || last < first ? first : last); i += step)
        *bits |= UINT64_C(1) << i;
    return true;
}

static bool read_part(const struct part *p, const char *at, uint64_t *bits)
{
    *bits = 0;
    do {
        if (!read_item(p, &at, bits))
            return false;
    } while (*at++ == ',');
    return at[-1] == '\0';
}

static const char *expand(const char *text)
{
    static const char *const words[][2] = {
        {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(text, words[i][0]) == 0)
            return words[i][1];
    return text;
}

const char *cron_read(const char *text, struct cron *out)
{
    enum { LONGEST = 255 };
    char copy[LONGEST + 1], *save, *field[PART_COUNT + 1] = {NULL};
    uint64_t bits[PART_COUNT];
    size_t count = 0;
    text = expand(text);
    if (strlen(text) > LONGEST)
        return "it is longer than 255 characters";
    memcpy(copy, text, strlen(text) + 1);
    for (char *f = strtok_r(copy, " \t", &save); f && count <= PART_COUNT; f = strtok_r(NULL, " \t", &save))
        field[count++] = f;
    if (count != PART_COUNT)
        return "it needs five fields: minute, hour, day of the month, month, day of the week";
    for (size_t i = 0; i < PART_COUNT; i++)
        if (!read_part(&PARTS[i], field[i], &bits[i]))
            return PARTS[i].problem;
    *out = (struct cron){.minutes = bits[MINUTE],
                         .hours = (uint32_t)bits[HOUR],
                         .days = (uint32_t)bits[DAY],
                         .months = (uint32_t)bits[MONTH],
                         .weekdays = (uint32_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f),
                         .both = *field[DAY] == '*' || *field[WEEKDAY] == '*'};
    return NULL;
}

/* Days ---------------------------------------------------------------------------------------------------------------
 */

enum { SECONDS_A_DAY = 86400 };

/* The end of the year 9999. */
static const int64_t LATEST = INT64_C(253402300799);

/* Days are counted from 1970-01-01, which was a Thursday; months here from January, which is 1. */
struct day {
    int64_t number;
    int year, month, day;
};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && is_leap(year));
}

static bool day_of(int64_t seconds, struct day *out)
{
    struct tm tm;
    const time_t t = (time_t)seconds;
    if (seconds < 0 || !gmtime_r(&t, &tm))
        return false;
    *out = (struct day){seconds / SECONDS_A_DAY, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday};
    return true;
}

static void forward(struct day *d)
{
    d->number++;
    if (d->day++ < days_in(d->year, d->month))
        return;
    d->day = 1;
    if (d->month++ < 12)
        return;
    d->month = 1;
    d->year++;
}

static void back(struct day *d)
{
    d->number--;
    if (--d->day > 0)
        return;
    if (--d->month == 0) {
        d->month = 12;
        d->year--;
    }
    d->day = days_in(d->year, d->month);
}

static bool fits(const struct cron *c, const struct day *d)
{
    bool month = c->months >> d->month & 1, day = c->days >> d->day & 1;
    bool weekday = c->weekdays >> ((d->number + 4) % 7) & 1;
    return month && (c->both ? day && weekday : day || weekday);
}

/* The first minute of a day that is `from` or later, and the last that is `from` or earlier; -1 when there is none. */
static int first_minute(const struct cron *c, int from)
{
    for (int hour = from / 60; hour < 24; hour++)
        for (int minute = hour == from / 60 ? from % 60 : 0; c->hours >> hour & 1 && minute < 60; minute++)
            if (c->minutes >> minute & 1)
                return hour * 60 + minute;
    return -1;
}

static int last_minute(const struct cron *c, int from)
{
    for (int hour = from / 60; hour >= 0; hour--)
        for (int minute = hour == from / 60 ? from % 60 : 59; c->hours >> hour & 1 && minute >= 0; minute--)
            if (c->minutes >> minute & 1)
                return hour * 60 + minute;
    return -1;
}

int64_t cron_next(const struct cron *c, int64_t after)
{
    struct day d;
    int64_t minute = after < 0 ? 0 : after / 60 + 1; /* the first that begins later */
    if (after > LATEST || !day_of(minute * 60, &d))
        return -1;
    int from = (int)(minute % (24 * 60));
    for (int year = d.year; d.year <= year + CRON_YEARS; forward(&d), from = 0) {
        int found = fits(c, &d) ? first_minute(c, from) : -1;
        if (found >= 0)
            return d.number * SECONDS_A_DAY + (int64_t)found * 60;
    }
    return -1;
}

int64_t cron_last(const struct cron *c, int64_t until)
{
    struct day d;
    if (until > LATEST || !day_of(until, &d))
        return -1;
    int from = (int)(until / 60 % (24 * 60));
    for (int year = d.year; d.number >= 0 && d.year >= year - CRON_YEARS; back(&d), from = 24 * 60 - 1) {
        int found = fits(c, &d) ? last_minute(c, from) : -1;
        if (found >= 0)
            return d.number * SECONDS_A_DAY + (int64_t)found * 60;
    }
    return -1;
}
