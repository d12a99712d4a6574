/* wait = number [sp / "-"] unit, in any of the languages servers speak; or [number ":"] number ":"
 * number, as in "00:05:00". A number of seconds only counts near a word that speaks of waiting, so
 * that "took 30 seconds" or "limit 20 per 60 s" is none. */
#include "wait.h"

uint32_t
wait_find(struct slice text)
{
    (void)text;
    return 0;
}
