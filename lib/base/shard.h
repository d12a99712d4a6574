/* Which of several processes owns a key: both sides of a channel must agree. */
#ifndef BASE_SHARD_H
#define BASE_SHARD_H

#include <stdint.h>

enum { SHARD_BUCKETS = 256 };

/* count is 1 to SHARD_BUCKETS; the answer is below it. */
static inline unsigned
shard_owner(uint64_t key, unsigned count)
{
    return (unsigned)(key % SHARD_BUCKETS) % count;
}

#endif
