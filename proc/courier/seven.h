/* A message for a server that takes no 8-bit octets: its parts encoded, all else as it was (RFC
 * 6152 3). Pure. */
#ifndef COURIER_SEVEN_H
#define COURIER_SEVEN_H

#include "base/buf.h"

enum { SEVEN_MAX = 64 << 20 }; /* bytes of a message that is converted, and of what it becomes */

/* Appends it. False, with a part of it in out: it cannot be said in 7 bits, as the octets have no
 * name (no MIME header, a header field) or are signed, or out's cap is reached. */
bool seven_bit_put(struct buf *out, struct slice message);

#endif
