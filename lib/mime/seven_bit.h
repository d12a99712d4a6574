/* A message for a server that takes no 8-bit text (rfc6152#3-b): every part that has such octets is
 * written as quoted-printable or base 64, and its header says so. Nobody loses anything by it but
 * signatures that count octets: a DKIM signature over the body holds no longer. Pure. */
#ifndef MIME_SEVEN_BIT_H
#define MIME_SEVEN_BIT_H

#include "base/buf.h"

enum mime_seven_bit {
    MIME_SEVEN_BIT_OK,     /* every octet put is ASCII */
    MIME_SEVEN_BIT_HEADER, /* a header is not ASCII: for that there is SMTPUTF8, and no encoding */
    MIME_SEVEN_BIT_SIGNED, /* a part that is signed as it is (rfc1847#2.1-a) */
    MIME_SEVEN_BIT_SHAPE,  /* a part that may not be encoded, or that nobody knows how to */
    MIME_SEVEN_BIT_ROOM,   /* the cap of out is reached */
};

/* Append the message, whose lines end in CR LF; as it is where it is ASCII already. Four times
 * its length, and 200 octets for each part, are always enough. Unless OK, out holds a part. */
enum mime_seven_bit mime_seven_bit_put(struct buf *out, struct slice message);

#endif
