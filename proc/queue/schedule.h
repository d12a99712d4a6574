/* When something is tried again: pure arithmetic. */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include <stdint.h>

#include "reason/catalogue.h"

struct schedule {
    uint32_t first, most; /* seconds: limits retry_first_seconds and retry_most_seconds */
    uint32_t random;      /* any: spreads what failed together */
};

/* Seconds until the next attempt after so many failed ones (1 and up): they grow from attempt to
 * attempt, as the reason allows. `wait` is what the other server asked for, 0: nothing; it is given
 * that and a little more. At least 1. */
uint32_t schedule_pause(const struct schedule *s, enum catalogue_retry retry, unsigned attempts,
                        uint32_t wait);

#endif
