/* Writing UTF-8 a character at a time. */
#include "mime/utf8.h"

bool
mime_utf8_put(struct buf *out, uint32_t code)
{
    uint8_t bytes[4];
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0x00, 0xc0, 0xe0, 0xf0}; /* by length */

    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return buf_put(out, MIME_REPLACEMENT);
    for (size_t i = len; i-- > 1; code >>= 6)
        bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
    bytes[0] = (uint8_t)(leads[len] | code);
    return buf_put(out, slice_make(bytes, len));
}

bool
mime_utf8_put_most(struct buf *out, struct slice text)
{
    size_t n = buf_space(out);

    if (text.len <= n)
        return buf_put(out, text);
    while (n && (text.at[n] & 0xc0) == 0x80)
        n--;
    buf_put(out, slice_head(text, n));
    out->full = true;
    return false;
}
