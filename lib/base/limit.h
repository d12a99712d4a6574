/* The named limits as numbers. limit.def is the table; the parent hands each role its values. */
#ifndef BASE_LIMIT_H
#define BASE_LIMIT_H

#include "base/slice.h"

enum limit {
#define LIMIT(name, unit, fallback, least, most, help) LIMIT_##name,
#include "base/limit.def"
#undef LIMIT
    LIMIT_COUNT
};

enum limit_unit { UNIT_NUMBER, UNIT_BYTES, UNIT_MILLISECONDS, UNIT_SECONDS };

struct limit_row {
    const char *name;
    enum limit_unit unit;
    uint64_t fallback, least, most;
    const char *help;
};

extern const struct limit_row limit_rows[LIMIT_COUNT];

struct limits {
    uint64_t value[LIMIT_COUNT];
};

void limits_init(struct limits *l); /* every limit at its default */

#endif
