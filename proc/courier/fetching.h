/* Fetching a domain's MTA-STS policy: the addresses of the host that has it, then the fetch role,
 * and what came is learnt. Whoever waits for the same policy waits for the same fetching. */
#ifndef COURIER_FETCHING_H
#define COURIER_FETCHING_H

#include "courier.h"
#include "sts/sts.h"

enum { FETCHINGS_MAX = 200 }; /* at a time: fewer than the fetch role takes */

/* Who waits for one: embedded, all zero before. ready runs once, when all is learnt. */
struct fetching_wait {
    struct list link;
    void (*ready)(void *ctx);
    void *ctx;
};

/* Fetches what `a` names, unless that is under way. wait: who wants to hear of it, or NULL. False:
 * there are too many, and nothing comes of it. */
bool fetching_start(struct courier *c, const struct sts_answer *a, struct fetching_wait *wait);
void fetching_leave(struct fetching_wait *wait); /* ready will not run; fine if it has */

/* What its owner hears: the fetch role has come, or a second is over. */
void fetching_role_up(struct courier *c);
void fetching_sweep(struct courier *c);

#endif
