#include "base/timestamp.h"

#include "base/buf.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 0001-01-01 00:00:00 and 9999-12-31 23:59:59. */
#define FIRST_SECOND INT64_C(-62135596800)
#define LAST_SECOND  INT64_C(253402300799)

/* Days since 1970-01-01 of a civil date (H. Hinnant's algorithm). */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (m + (m > 2 ? (unsigned)-3 : 9)) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int64_t)doe - 719468;
}

void stamp_from_seconds(int64_t seconds, char out[STAMP_LEN + 1])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, STAMP_LEN + 1, "%4Y-%m-%d %H:%M:%S", &tm); /* glibc: four digits, years before 1000 as well */
}

void stamp_now(char out[STAMP_LEN + 1])
{
    stamp_from_seconds((int64_t)time(NULL), out);
}

char *stamp_made(struct arena *a)
{
    char now[STAMP_LEN + 1];
    stamp_now(now);
    return arena_strdup(a, now);
}

static bool digits(const char *s, size_t n, unsigned *out)
{
    unsigned v = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            return false;
        v = v * 10 + (unsigned)(s[i] - '0');
    }
    *out = v;
    return true;
}

static bool date_ok(unsigned y, unsigned m, unsigned d)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (y < 1 || m < 1 || m > 12 || d < 1)
        return false;
    unsigned leap = m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    return d <= days[m - 1] + leap;
}

bool stamp_parse_exact(const char *s, size_t len, char out[STAMP_LEN + 1])
{
    unsigned y, mo, d, h, mi, se;
    if (len != STAMP_LEN || s[4] != '-' || s[7] != '-' || s[10] != ' ' || s[13] != ':' || s[16] != ':')
        return false;
    if (!digits(s, 4, &y) || !digits(s + 5, 2, &mo) || !digits(s + 8, 2, &d) || !digits(s + 11, 2, &h) ||
        !digits(s + 14, 2, &mi) || !digits(s + 17, 2, &se) || !date_ok(y, mo, d) || h > 23 || mi > 59 || se > 59)
        return false;
    memcpy(out, s, STAMP_LEN);
    out[STAMP_LEN] = '\0';
    return true;
}

int64_t stamp_seconds(const char *s)
{
    char exact[STAMP_LEN + 1], copy[STAMP_LEN + 1];
    if (!s || strlen(s) < STAMP_LEN)
        return -1;
    memcpy(copy, s, STAMP_LEN);
    copy[STAMP_LEN] = '\0';
    if (copy[10] == 'T')
        copy[10] = ' ';
    if (!stamp_parse_exact(copy, STAMP_LEN, exact))
        return -1;
    unsigned y = 0, mo = 0, d = 0, h = 0, mi = 0, se = 0;
    digits(copy, 4, &y), digits(copy + 5, 2, &mo), digits(copy + 8, 2, &d);
    digits(copy + 11, 2, &h), digits(copy + 14, 2, &mi), digits(copy + 17, 2, &se);
    return days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + se;
}

static bool unix_time(const char *s, size_t len, char out[STAMP_LEN + 1])
{
    char text[32], *end;
    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (!isdigit((unsigned char)text[i]) && !(i == 0 && text[i] == '-') && text[i] != '.')
            return false;
    double v = strtod(text, &end);
    if (*end || end == text)
        return false;
    if (fabs(v) > 2e10)
        v /= 1000;
    if (v < (double)FIRST_SECOND || v >= (double)LAST_SECOND + 1)
        return false;
    stamp_from_seconds((int64_t)floor(v), out);
    return true;
}

/* ±HH:MM or ±HHMM: how far the zone is ahead of UTC, in seconds. */
static bool zone(const char *s, size_t len, int *ahead)
{
    unsigned h, m;
    size_t colon = len == 6 && s[3] == ':';
    if (len - colon != 5 || !digits(s + 1, 2, &h) || !digits(s + 3 + colon, 2, &m) || h > 23 || m > 59)
        return false;
    *ahead = (s[0] == '-' ? -1 : 1) * (int)(h * 3600 + m * 60);
    return true;
}

/* What may follow the minutes: seconds, a fraction, a zone. Returns false on anything else. */
static bool time_tail(const char *s, size_t len, unsigned *sec, int *ahead)
{
    size_t i = 0;
    if (i < len && s[i] == ':') {
        if (len - i < 3 || !digits(s + i + 1, 2, sec) || *sec > 59)
            return false;
        i += 3;
        if (i < len && (s[i] == '.' || s[i] == ',')) {
            size_t start = ++i;
            while (i < len && isdigit((unsigned char)s[i]))
                i++;
            if (i == start)
                return false;
        }
    }
    if (i == len)
        return true;
    if (s[i] == 'Z' || s[i] == 'z')
        return i + 1 == len;
    return (s[i] == '+' || s[i] == '-') && zone(s + i, len - i, ahead);
}

bool stamp_parse(const char *s, size_t len, char out[STAMP_LEN + 1])
{
    unsigned y, mo, d, h = 0, mi = 0, se = 0;
    int ahead = 0;
    if (len < 10 || s[4] != '-' || s[7] != '-')
        return unix_time(s, len, out);
    if (!digits(s, 4, &y) || !digits(s + 5, 2, &mo) || !digits(s + 8, 2, &d) || !date_ok(y, mo, d))
        return false;
    if (len > 10) {
        if (len < 16 || !strchr("Tt _", s[10]) || !digits(s + 11, 2, &h) || s[13] != ':' || !digits(s + 14, 2, &mi) ||
            h > 23 || mi > 59 || !time_tail(s + 16, len - 16, &se, &ahead))
            return false;
    }
    int64_t utc = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + se - ahead;
    if (utc < FIRST_SECOND || utc > LAST_SECOND)
        return false;
    stamp_from_seconds(utc, out);
    return true;
}

/* [+-]P[nW][nD][T[nH][nM][nS]] */
static bool iso_duration(const char *p, double *seconds)
{
    double total = 0;
    bool time = false, any = false;
    for (p++; *p;) {
        if (*p == 'T' && !time) {
            time = true;
            p++;
            continue;
        }
        char *end;
        if (!isdigit((unsigned char)*p))
            return false;
        double v = strtod(p, &end);
        if (strspn(p, "0123456789.") != (size_t)(end - p)) /* strtod knows exponents and hexadecimals, too */
            return false;
        double unit = *end == 'Y' && !time   ? 31536000
                      : *end == 'M' && !time ? 2592000
                      : *end == 'W' && !time ? 604800
                      : *end == 'D' && !time ? 86400
                      : *end == 'H' && time  ? 3600
                      : *end == 'M' && time  ? 60
                      : *end == 'S' && time  ? 1
                                             : 0;
        if (unit <= 0)
            return false;
        total += v * unit;
        any = true;
        p = end + 1;
    }
    *seconds = total;
    return any;
}

/* [D day[s][,]] HH:MM[:SS[.f]] */
static bool clock_duration(const char *p, double *seconds)
{
    double total = 0;
    char *end;
    const char *day = strstr(p, "d");
    if (day) {
        total = strtod(p, &end) * 86400;
        if (end == p)
            return false;
        p = day + 1;
        while (*p == 'a' || *p == 'y' || *p == 's' || *p == ',' || *p == ' ')
            p++;
        if (!*p) {
            *seconds = total;
            return true;
        }
    }
    unsigned h, m, s = 0;
    int n = 0;
    double fraction = 0;
    if (sscanf(p, "%2u:%2u%n", &h, &m, &n) < 2 || m > 59) /* NOLINT(cert-err34-c): two digits cannot overflow */
        return false;
    p += n;
    if (*p == ':') {
        if (sscanf(p, ":%2u%n", &s, &n) < 1 || s > 59) /* NOLINT(cert-err34-c) */
            return false;
        p += n;
        if (*p == '.') {
            fraction = strtod(p, &end);
            p = end;
        }
    }
    if (*p)
        return false;
    *seconds = total + h * 3600.0 + m * 60.0 + s + fraction;
    return true;
}

bool duration_possible(double seconds)
{
    return fabs(seconds) < 86400e9; /* not so for NaN either */
}

bool duration_parse(const char *s, size_t len, double *seconds)
{
    char text[64], *end;
    if (len == 0 || len >= sizeof text || memchr(s, '\0', len))
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    double sign = text[0] == '-' ? -1 : 1;
    const char *p = text + (text[0] == '-' || text[0] == '+');
    if (*p == 'P') {
        if (!iso_duration(p, seconds))
            return false;
    } else {
        if (!isdigit((unsigned char)*p))
            return false;
        *seconds = strtod(p, &end);
        if (*end && !clock_duration(p, seconds))
            return false;
    }
    *seconds *= sign;
    return duration_possible(*seconds);
}

char *duration_format(struct arena *a, double seconds)
{
    struct buf b = {0};
    int64_t days = (int64_t)(fabs(seconds) / 86400), rest = llround((fabs(seconds) - (double)days * 86400) * 1e6);
    if (rest >= 86400000000) { /* rounded up to the next day */
        days++;
        rest = 0;
    }
    buf_adds(&b, seconds < 0 ? "-P" : "P");
    if (days >= 365)
        buf_addf(&b, "%lldY", (long long)(days / 365));
    if (days % 365)
        buf_addf(&b, "%lldD", (long long)(days % 365));
    if (rest || days == 0)
        buf_addc(&b, 'T');
    if (rest / 3600000000)
        buf_addf(&b, "%lldH", (long long)(rest / 3600000000));
    if (rest / 60000000 % 60)
        buf_addf(&b, "%lldM", (long long)(rest / 60000000 % 60));
    int64_t sec = rest % 60000000;
    if (sec || (rest == 0 && days == 0)) {
        buf_addf(&b, "%lld", (long long)(sec / 1000000));
        if (sec % 1000000) {
            buf_addf(&b, ".%06lld", (long long)(sec % 1000000));
            while (b.data[b.len - 1] == '0')
                b.data[--b.len] = '\0';
        }
        buf_addc(&b, 'S');
    }
    char *out = arena_strndup(a, b.data, b.len);
    buf_free(&b);
    return out;
}

double monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}
