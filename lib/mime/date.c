/* The civil calendar without the C library's time zone: a pure function of its arguments. */
#include "mime/date.h"

#include "base/ensure.h"

enum { DAY_SECONDS = 86400, DAY_MINUTES = 1440 };

/* 1900-01-01 and 9999-12-31 23:59:59, a day short of each end so that an offset stays inside. */
#define FIRST_SECOND (INT64_C(-2208988800) + DAY_SECONDS)
#define LAST_SECOND  (INT64_C(253402300799) - DAY_SECONDS)

static const char days[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"}; /* of day 0 on */
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static bool
is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
month_length(int64_t year, int month)
{
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return lengths[month] + (month == 1 && is_leap(year));
}

/* The days from 1970-01-01 to the first of January of that year. */
static int64_t
year_start(int64_t year)
{
    int64_t y = year - 1;

    return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

struct mime_date
mime_date_of(int64_t seconds, int offset)
{
    struct mime_date d = {0};
    int64_t day, rest;
    int second;

    ensure(offset > -DAY_MINUTES && offset < DAY_MINUTES);
    seconds = seconds < FIRST_SECOND ? FIRST_SECOND : seconds > LAST_SECOND ? LAST_SECOND : seconds;
    seconds += (int64_t)offset * 60;
    day = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0); /* rounded down */
    second = (int)(seconds - day * DAY_SECONDS);
    d.year = (int)(1970 + day / 366); /* at or near the year; never past it after 1970 */
    while (year_start(d.year) > day)
        d.year--;
    while (year_start(d.year + 1) <= day)
        d.year++;
    rest = day - year_start(d.year);
    for (; rest >= month_length(d.year, d.month); d.month++)
        rest -= month_length(d.year, d.month);
    d.day = (int)rest + 1;
    d.weekday = (int)((day % 7 + 7) % 7);
    d.hour = second / 3600;
    d.minute = second / 60 % 60;
    d.second = second % 60;
    return d;
}

bool
mime_date_put(struct buf *out, int64_t seconds, int offset)
{
    struct mime_date d = mime_date_of(seconds, offset);
    int ahead = offset < 0 ? -offset : offset;

    return buf_put_format(out, "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d", days[d.weekday], d.day,
                          months[d.month], d.year, d.hour, d.minute, d.second,
                          offset < 0 ? '-' : '+', ahead / 60, ahead % 60);
}
