/* Base 64 (RFC 4648 section 4), strict: padding required, no white space, no bits left over. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

bool base64_put(struct buf *out, struct slice bytes);   /* false: the cap of out is reached */
bool base64_decode(struct slice text, struct buf *out); /* false: malformed, or out's cap */

int base64_value(uint8_t c); /* the six bits c stands for; -1: not in the alphabet */

#endif
