/* Reading and writing UTF-8 a character at a time. */
#include "mime/utf8.h"

size_t
mime_utf8_length(struct slice text)
{
    static const struct {
        uint8_t first, last, least, most; /* of the first byte; of the second */
        size_t len;
    } forms[] = {
        {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < COUNT(forms); i++) {
        if (text.at[0] < forms[i].first || text.at[0] > forms[i].last)
            continue;
        if (text.len < forms[i].len ||
            (forms[i].len > 1 && (text.at[1] < forms[i].least || text.at[1] > forms[i].most)))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((text.at[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

bool
mime_utf8_ok(struct slice text)
{
    while (text.len) {
        size_t n = mime_utf8_length(text);

        if (n == 0)
            return false;
        text = slice_tail(text, n);
    }
    return true;
}

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
