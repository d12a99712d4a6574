/* Three bytes are four characters; what is left over is padded with '='. */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
base64_put(struct buf *out, struct slice bytes)
{
    size_t groups = (bytes.len + 2) / 3;
    uint8_t *to = buf_reserve(out, groups * 4);

    if (!to)
        return false;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t bits = (uint32_t)bytes.at[i] << 16;

        if (have > 1)
            bits |= (uint32_t)bytes.at[i + 1] << 8;
        if (have > 2)
            bits |= bytes.at[i + 2];
        *to++ = (uint8_t)alphabet[bits >> 18];
        *to++ = (uint8_t)alphabet[bits >> 12 & 63];
        *to++ = have > 1 ? (uint8_t)alphabet[bits >> 6 & 63] : '=';
        *to++ = have > 2 ? (uint8_t)alphabet[bits & 63] : '=';
    }
    buf_added(out, groups * 4);
    return true;
}

int
base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four characters with `have` of them before the padding. */
static bool
decode_group(const uint8_t *at, size_t have, struct buf *out)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < have; i++) {
        int value = base64_value(at[i]);

        if (value < 0)
            return false;
        bits |= (uint32_t)value << (18 - 6 * i);
    }
    if ((have == 2 && bits & 0xffff) || (have == 3 && bits & 0xff))
        return false; /* bits left over: not what an encoder writes */
    for (size_t i = 0; i + 1 < have; i++)
        if (!buf_put_byte(out, (uint8_t)(bits >> (16 - 8 * i))))
            return false;
    return true;
}

bool
base64_decode(struct slice text, struct buf *out)
{
    if (text.len % 4 != 0)
        return false;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t have = 4;

        if (i + 4 == text.len && text.at[i + 3] == '=')
            have = text.at[i + 2] == '=' ? 2 : 3;
        if (!decode_group(text.at + i, have, out))
            return false;
    }
    return true;
}
