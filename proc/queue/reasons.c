/* There are some two hundred reasons in the catalogue, and only those that were met are here. They
 * are never forgotten: whoever could make up new ones is a courier, and so one of us. */
#include "reasons.h"

#include "base/ensure.h"
#include "queue.h"

static char *names[QUEUE_REASONS_MAX];
static uint16_t count = 1; /* names[0] stays NULL: no reason */

uint16_t
reasons_number(struct slice name)
{
    if (name.len == 0)
        return 0;
    for (uint16_t i = 1; i < count; i++)
        if (slice_eq(slice_of(names[i]), name))
            return i;
    if (count == QUEUE_REASONS_MAX)
        return 0;
    names[count] = heap_take(name.len + 1);
    slice_to_string(name, names[count], name.len + 1);
    return count++;
}

struct slice
reasons_name(uint16_t number)
{
    return number < count ? slice_of(names[number]) : SLICE("");
}
