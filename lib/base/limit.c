/* limit.def as a table. */
#include "base/limit.h"

const struct limit_row limit_rows[LIMIT_COUNT] = {
#define LIMIT(name, unit, fallback, least, most, help)                                             \
    {#name, UNIT_##unit, fallback, least, most, help},
#include "base/limit.def"
#undef LIMIT
};

void
limits_init(struct limits *l)
{
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        l->value[i] = limit_rows[i].fallback;
}
