/* Every single time, kept and sorted: no buckets, no estimates. */
#include <stdlib.h>

#include "base/ensure.h"

#include "load.h"

void
timings_put(struct timings *t, uint64_t us)
{
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 4096;
        t->us = heap_grow(t->us, t->room * sizeof(*t->us));
    }
    t->us[t->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

double
timings_ms(struct timings *t, double part)
{
    if (t->count == 0)
        return 0;
    qsort(t->us, t->count, sizeof(*t->us), compare);
    return t->us[(size_t)(part * (double)(t->count - 1))] / 1000.0;
}

void
timings_clear(struct timings *t)
{
    free(t->us);
    *t = (struct timings){0};
}
