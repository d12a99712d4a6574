/* "Did you mean": what somebody who wrote a word that nobody knows probably meant. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "base/slice.h"

enum { SUGGEST_NAME_MAX = 32 }; /* bytes of the longest name that may be suggested */

/* The one of the names that `word` is probably a misspelling of, or an empty slice. */
struct slice suggest_name(struct slice word, const char *const *names, size_t count);

#endif
