/* Dates as messages carry them (rfc5322#3.3-a). */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include "base/buf.h"

/* A day and a time of the civil calendar. */
struct mime_date {
    int year;
    int month;   /* 0 is January */
    int day;     /* from 1 */
    int weekday; /* 0 is Thursday, the day of 1970-01-01 */
    int hour, minute, second;
};

/* The moment `seconds` after 1970-01-01 UTC in local time that is `offset` minutes ahead of UTC
 * (less than a day either way). Years 1900 to 9999; a moment outside them is the nearest inside. */
struct mime_date mime_date_of(int64_t seconds, int offset);

/* "Thu, 01 Jan 1970 00:00:00 +0000": the same, as text. False: the cap of out is reached. */
bool mime_date_put(struct buf *out, int64_t seconds, int offset);

#endif
