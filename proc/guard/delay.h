/* The login delay of POP3 (rfc2449#6.5-a): when each account may log in again. Pure. */
#ifndef GUARD_DELAY_H
#define GUARD_DELAY_H

#include "base/list.h"
#include "base/map.h"

struct delays {
    size_t most;
    struct map accounts;
    struct list order; /* oldest login first */
};

void delays_init(struct delays *d, size_t most);
void delays_clear(struct delays *d);

/* May this account log in now, seconds after its last login? 0: yes, and its delay begins anew.
 * More: the seconds until it may. Where `most` wait already, the oldest one need not wait any
 * longer. */
uint32_t delays_login(struct delays *d, uint64_t account, uint32_t seconds, uint64_t now_ms);

#endif
