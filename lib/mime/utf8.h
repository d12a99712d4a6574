/* Writing UTF-8; base/utf8.h reads it. */
#ifndef MIME_UTF8_H
#define MIME_UTF8_H

#include "base/buf.h"
#include "base/utf8.h"

/* What stands where a character could not be read: U+FFFD. */
#define MIME_REPLACEMENT SLICE("\xef\xbf\xbd")

/* One character by its number; U+FFFD for a number that is none. False: the cap of out is reached.
 */
bool mime_utf8_put(struct buf *out, uint32_t code);

/* The front of text, as much as out has room for, cut between characters. False: not all. */
bool mime_utf8_put_most(struct buf *out, struct slice text);

#endif
