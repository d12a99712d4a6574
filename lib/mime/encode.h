/* Text as it is meant, written so that it travels: ASCII only, in short lines. decode.h and value.h
 * are the way back. Each `put` is false where the cap of out is reached. */
#ifndef MIME_ENCODE_H
#define MIME_ENCODE_H

#include "base/buf.h"

enum { MIME_LINE_MAX = 76 }; /* octets of a line that these write (RFC 2045 6.7, RFC 2047 2) */

/* A body as quoted-printable. Lines of text end in LF or CR LF and come out with CR LF; a CR of its
 * own is escaped, and so is what could be taken for a boundary. */
bool mime_quoted_printable_put(struct buf *out, struct slice text);

/* A body of any bytes as base 64, in lines that end in CR LF. */
bool mime_base64_put(struct buf *out, struct slice bytes);

/* Text for people as the value of a field (RFC 2047), folded: as it is where it is printable ASCII
 * that nobody mistakes for an encoded word, else as encoded words of UTF-8. `column` octets stand
 * before it on its line. A phrase is the name before an address; its rules are stricter. */
bool mime_unstructured_put(struct buf *out, struct slice text, size_t column);
bool mime_phrase_put(struct buf *out, struct slice text, size_t column);

#endif
