/* Sizes as people write them. */
#ifndef CTL_SIZE_H
#define CTL_SIZE_H

#include "base/slice.h"

/* Digits with an optional K, M, G or T (1024 each; "B" or "iB" may follow it), either case; or
 * "none", which is 0. False on anything else and on overflow. */
bool size_parse(struct slice text, uint64_t *bytes);

enum { SIZE_TEXT_MAX = 32 };

/* "812", "9.8K", "1.5G": three digits at most before the letter. */
void size_format(uint64_t bytes, char text[SIZE_TEXT_MAX]);

/* Whole seconds as "45s", "12m", "3h20m", "9d4h". */
void size_format_age(uint64_t seconds, char text[SIZE_TEXT_MAX]);

#endif
