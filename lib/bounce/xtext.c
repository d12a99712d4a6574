/* xtext               = *( printable ASCII but "+" and "=" / "+" 2HEX )         rfc3461#4-b
 * utf-8-address       = *( printable character but "\", "+", "=" / "\x{" 2*6HEX "}" )
 *                                                                               rfc6533#3-a
 * "+" is tried in both: some clients write one in the form of the other. */
#include "bounce/bounce_private.h"
#include "mime/utf8.h"

enum { POINT_DIGITS_MAX = 6 };

/* "+2B" at the front. */
static bool
take_byte(struct slice *text, uint8_t *byte)
{
    int high, low;

    if (text->len < 3 || text->at[0] != '+')
        return false;
    high = ascii_hex_value(text->at[1]);
    low = ascii_hex_value(text->at[2]);
    if (high < 0 || low < 0)
        return false;
    *byte = (uint8_t)(high << 4 | low);
    *text = slice_tail(*text, 3);
    return true;
}

/* "\x{F1}" at the front. */
static bool
take_point(struct slice *text, uint32_t *point)
{
    struct slice rest = *text;
    size_t n = 0;

    if (!slice_take_prefix(&rest, SLICE("\\x{")))
        return false;
    for (*point = 0; n < rest.len && n <= POINT_DIGITS_MAX && ascii_hex_value(rest.at[n]) >= 0; n++)
        *point = *point << 4 | (uint32_t)ascii_hex_value(rest.at[n]);
    if (n == 0 || n > POINT_DIGITS_MAX || n == rest.len || rest.at[n] != '}')
        return false;
    *text = slice_tail(rest, n + 1);
    return true;
}

void
xtext_put(struct buf *out, struct slice text)
{
    uint8_t byte;

    while (text.len && !out->full) {
        if (take_byte(&text, &byte)) {
            buf_put_byte(out, byte);
            continue;
        }
        buf_put_byte(out, text.at[0]);
        text = slice_tail(text, 1);
    }
}

void
xtext_put_address(struct buf *out, struct slice text)
{
    uint32_t point;
    uint8_t byte;

    while (text.len && !out->full) {
        if (take_point(&text, &point)) {
            mime_utf8_put(out, point);
        } else if (take_byte(&text, &byte)) {
            buf_put_byte(out, byte);
        } else {
            buf_put_byte(out, text.at[0]);
            text = slice_tail(text, 1);
        }
    }
}
