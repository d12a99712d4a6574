/* From bytes as they travelled to bytes as they were meant, and from those to UTF-8. Nothing fails:
 * what is malformed is passed over, kept, or becomes U+FFFD, and the rest is read. Each `put` is
 * false where the cap of out is reached; out then holds the front of the result. */
#ifndef MIME_DECODE_H
#define MIME_DECODE_H

#include "base/buf.h"

enum mime_encoding {
    MIME_AS_IS, /* 7bit, 8bit, binary; or none named */
    MIME_QUOTED_PRINTABLE,
    MIME_BASE64,
    MIME_UNKNOWN, /* an encoding we cannot read: decoded as if it were MIME_AS_IS */
};

/* By the name that Content-Transfer-Encoding gives, in any case of letters. */
enum mime_encoding mime_encoding_of(struct slice name);

/* Base64 takes only the characters of its alphabet and begins anew after padding. Quoted-printable
 * keeps what is no escape. The result is never longer than the input. */
bool mime_decoded_put(struct buf *out, struct slice bytes, enum mime_encoding encoding);

/* Text of that charset as UTF-8. The names and their variants are the rows of charset.def; of
 * text in any other, what is not ASCII becomes U+FFFD. Where no charset is named (empty, US-ASCII
 * and the like) it is UTF-8 if it mostly reads as such, and else Windows-1252.
 *
 * ASCII and UTF-8 need nothing. Any other charset is a file that the C library loads when it is
 * first met, and which stays until the process ends; a process that may not open files reads it
 * like an unknown one. Not for threads. */
bool mime_charset_put(struct buf *out, struct slice bytes, struct slice charset);

#endif
