/* Well-formed UTF-8 (RFC 3629). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

/* How many octets the sequence at the front has. 0 where there is none: overlong forms, surrogates
 * and what is beyond U+10FFFF are malformed. */
size_t utf8_length(struct slice s);

/* Every octet belongs to a well-formed sequence. */
bool utf8_ok(struct slice text);

#endif
