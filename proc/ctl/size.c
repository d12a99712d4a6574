/* size = digits [ ("K" / "M" / "G" / "T") [ ["i"] "B" ] ] / "none" */
#include "size.h"

#include <inttypes.h>
#include <stdio.h>

static const char units[] = "KMGT";

bool
size_parse(struct slice text, uint64_t *bytes)
{
    struct slice number = text;
    uint64_t factor = 1;

    if (slice_eq_nocase(text, SLICE("none"))) {
        *bytes = 0;
        return true;
    }
    while (number.len && !ascii_is_digit(number.at[number.len - 1]))
        number.len--;
    text = slice_tail(text, number.len);
    for (size_t i = 0; text.len && units[i]; i++) {
        factor <<= 10;
        if (ascii_lower(text.at[0]) != ascii_lower((uint8_t)units[i]))
            continue;
        text = slice_tail(text, 1);
        if (text.len && !slice_eq_nocase(text, SLICE("B")) && !slice_eq_nocase(text, SLICE("iB")))
            return false;
        return slice_to_u64(number, bytes) && !__builtin_mul_overflow(*bytes, factor, bytes);
    }
    return text.len == 0 && slice_to_u64(number, bytes);
}

void
size_format(uint64_t bytes, char text[SIZE_TEXT_MAX])
{
    double value = (double)bytes;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(text, SIZE_TEXT_MAX, "%" PRIu64, bytes);
        return;
    }
    for (value /= 1024; value >= 1023.5 && units[unit + 1]; unit++)
        value /= 1024;
    snprintf(text, SIZE_TEXT_MAX, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

void
size_format_age(uint64_t seconds, char text[SIZE_TEXT_MAX])
{
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

    if (days)
        snprintf(text, SIZE_TEXT_MAX, "%" PRIu64 "d%" PRIu64 "h", days, hours % 24);
    else if (hours)
        snprintf(text, SIZE_TEXT_MAX, "%" PRIu64 "h%" PRIu64 "m", hours, minutes % 60);
    else if (minutes)
        snprintf(text, SIZE_TEXT_MAX, "%" PRIu64 "m", minutes);
    else
        snprintf(text, SIZE_TEXT_MAX, "%" PRIu64 "s", seconds);
}
