/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
#ifndef MIME_UTF8_H
#define MIME_UTF8_H

#include "base/buf.h"

/* What stands where a character could not be read: U+FFFD. */
#define MIME_REPLACEMENT SLICE("\xef\xbf\xbd")

/* How many bytes the character at the front of text (not empty) has; 0: it is malformed. */
size_t mime_utf8_length(struct slice text);

/* Every byte belongs to a well-formed character. */
bool mime_utf8_ok(struct slice text);

/* One character by its number; U+FFFD for a number that is none. False: the cap of out is reached.
 */
bool mime_utf8_put(struct buf *out, uint32_t code);

/* The front of text, as much as out has room for, cut between characters. False: not all. */
bool mime_utf8_put_most(struct buf *out, struct slice text);

#endif
