#include "base/utf8.h"

size_t
utf8_length(struct slice s)
{
    static const struct {
        uint8_t first, last, least, most; /* of the first octet; of the second */
        size_t len;
    } forms[] = {
        {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; s.len && i < COUNT(forms); i++) {
        if (s.at[0] < forms[i].first || s.at[0] > forms[i].last)
            continue;
        if (s.len < forms[i].len ||
            (forms[i].len > 1 && (s.at[1] < forms[i].least || s.at[1] > forms[i].most)))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((s.at[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

bool
utf8_ok(struct slice text)
{
    size_t n;

    for (size_t i = 0; i < text.len; i += n) {
        n = text.at[i] < 0x80 ? 1 : utf8_length(slice_tail(text, i));
        if (n == 0)
            return false;
    }
    return true;
}
