/* Pauses double from attempt to attempt up to a limit, with a tenth of chance so that what failed
 * together does not come back together (rfc5321#4.5.4.1-b). What the reason says decides where
 * they begin and end. */
#include "schedule.h"

enum {
    DOUBLINGS_MAX = 16,
    WAIT_MOST = 6 * 3600, /* of another server's wish; who asks for more is asked before that */
    WAIT_MARGIN = 2,      /* seconds: its clock is not ours */
};

/* In percent of first and most. */
static const struct {
    unsigned first, most;
} paces[CATALOGUE_RETRIES] = {
    [CATALOGUE_RETRY_no] = {100, 100},     [CATALOGUE_RETRY_soon] = {40, 50},
    [CATALOGUE_RETRY_slowly] = {300, 400}, [CATALOGUE_RETRY_throttle] = {100, 100},
    [CATALOGUE_RETRY_hold] = {100, 100},
};

static uint64_t
spread(uint64_t seconds, uint32_t random)
{
    return seconds + seconds * (random % 101) / 1000;
}

uint32_t
schedule_pause(const struct schedule *s, enum catalogue_retry retry, unsigned attempts,
               uint32_t wait)
{
    uint64_t pause = (uint64_t)s->first * paces[retry].first / 100;
    uint64_t most = (uint64_t)s->most * paces[retry].most / 100;
    unsigned doublings = attempts > 1 ? attempts - 1 : 0;

    pause <<= doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX;
    pause = spread(pause < most ? pause : most, s->random);
    if (wait)
        pause = (wait < WAIT_MOST ? wait : WAIT_MOST) + WAIT_MARGIN;
    return pause ? (uint32_t)pause : 1;
}
