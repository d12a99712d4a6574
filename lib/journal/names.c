/* Names of the files in the journal's folder. docs/journal.md section 1. */
#include <stdio.h>

#include "journal/journal_private.h"

void
segment_name(const struct segment *s, char name[JOURNAL_NAME])
{
    snprintf(name, JOURNAL_NAME, "segment-%08x-%016llx", s->number, (unsigned long long)s->nonce);
}

void
spare_name(uint32_t number, char name[JOURNAL_NAME])
{
    snprintf(name, JOURNAL_NAME, "spare-%08x", number);
}

/* Exactly `digits` of lower-case hex at *at, then moved over. */
static bool
take_hex(const char **at, size_t digits, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++, (*at)++) {
        char c = **at;

        if (ascii_is_digit((uint8_t)c))
            *value = *value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool
take_number(const char **at, uint32_t *number)
{
    uint64_t value;

    if (!take_hex(at, 8, &value) || value == 0 || value > SEGMENT_NUMBER_LAST)
        return false;
    *number = (uint32_t)value;
    return true;
}

bool
segment_name_read(const char *name, uint32_t *number, uint64_t *nonce)
{
    if (strncmp(name, "segment-", 8) != 0)
        return false;
    name += 8;
    return take_number(&name, number) && *name++ == '-' && take_hex(&name, 16, nonce) &&
           *name == '\0';
}

bool
spare_name_read(const char *name, uint32_t *number)
{
    if (strncmp(name, "spare-", 6) != 0)
        return false;
    name += 6;
    return take_number(&name, number) && *name == '\0';
}
