/* Dates as messages carry them (rfc5322#3.3-a). */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include "base/buf.h"

/* "Thu, 01 Jan 1970 00:00:00 +0000": the moment `seconds` after 1970-01-01 UTC, told in local time
 * that is `offset` minutes ahead of UTC (less than a day either way). Years 1900 to 9999; a moment
 * outside them is told as the nearest inside. False: the cap of out is reached. */
bool mime_date_put(struct buf *out, int64_t seconds, int offset);

#endif
