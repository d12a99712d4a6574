/* Alarms by the second, for any number of things that wait: setting and cancelling cost the same
 * whether ten or a million do. Times are seconds since 1970. */
#ifndef QUEUE_WHEEL_H
#define QUEUE_WHEEL_H

#include <stdint.h>

#include "base/list.h"

enum { WHEEL_SLOTS = 4096 }; /* seconds of one turn; what is further away is passed over in each */

/* Lives in the thing that waits. */
struct alarm {
    struct list link; /* alone while it is not set */
    uint32_t at;
    uint8_t kind; /* for the owner to tell by what it is in */
};

struct wheel {
    uint32_t now; /* the last second that was turned to */
    struct list slots[WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint32_t now);
void alarm_init(struct alarm *a, uint8_t kind);

/* Anew where it was set before. A time that has passed is that of the next second. */
void wheel_set(struct wheel *w, struct alarm *a, uint32_t at);
void alarm_cancel(struct alarm *a);

static inline bool
alarm_is_set(const struct alarm *a)
{
    return !list_empty(&a->link);
}

/* Every alarm up to now rings once, and is then no longer set; fn may set and cancel any. A clock
 * that went back rings nothing until it has caught up. */
typedef void wheel_fn(void *ctx, struct alarm *a);
void wheel_turn(struct wheel *w, uint32_t now, wheel_fn *fn, void *ctx);

#endif
