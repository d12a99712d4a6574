/* What was delivered lately. The queue notes what it is told a moment later than it is told: where
 * it dies in between, its successor sends the same again, and must hear that it is done. Only what
 * was told to an earlier queue counts, as no queue sends twice what it was told. */
#ifndef COURIER_LATELY_H
#define COURIER_LATELY_H

#include "finding.h"

enum {
    LATELY_MAX = 8192,     /* recipients remembered: a second or more, at any speed */
    LATELY_TEXT_MAX = 160, /* bytes of a server's name and words that are kept of each */
};

/* To that recipient of that message, and queue number so and so was told. */
void lately_put(uint64_t message, uint32_t index, uint32_t queue, const struct finding *f);

/* False: not that anybody knows. queue: who asks. */
bool lately_find(uint64_t message, uint32_t index, uint32_t queue, struct finding *f);

#endif
