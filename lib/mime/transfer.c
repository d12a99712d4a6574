/* Content-Transfer-Encoding (RFC 2045 section 6), as tolerant as reading allows. */
#include "base/base64.h"
#include "mime/decode.h"
#include "mime/private.h"

enum mime_encoding
mime_encoding_of(struct slice name)
{
    static const struct {
        const char *name;
        enum mime_encoding encoding;
    } rows[] = {
        {"", MIME_AS_IS},
        {"7bit", MIME_AS_IS},
        {"8bit", MIME_AS_IS},
        {"binary", MIME_AS_IS},
        {"quoted-printable", MIME_QUOTED_PRINTABLE},
        {"base64", MIME_BASE64},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (slice_eq_nocase(name, slice_of(rows[i].name))) /* rfc2045#6.1-a */
            return rows[i].encoding;
    return MIME_UNKNOWN;
}

bool
mime_escaped_put(struct buf *out, struct slice text, uint8_t escape, uint8_t space)
{
    for (size_t i = 0; i < text.len && !out->full; i++) {
        uint8_t c = text.at[i];
        int high = c == escape && i + 2 < text.len ? ascii_hex_value(text.at[i + 1]) : -1;
        int low = high >= 0 ? ascii_hex_value(text.at[i + 2]) : -1;

        if (low >= 0) {
            buf_put_byte(out, (uint8_t)(high << 4 | low));
            i += 2;
        } else {
            buf_put_byte(out, c == space ? ' ' : c);
        }
    }
    return !out->full;
}

/* A line's blanks at its end were added on the way, and "=" there joins it to the next.
 * rfc2045#6.7-b rfc2045#6.7-c */
static void
put_quoted_printable(struct buf *out, struct slice text)
{
    while (text.len && !out->full) {
        struct slice before = text, line, end;

        mime_line_take(&text, &line);
        end = slice_tail(slice_head(before, before.len - text.len), line.len);
        line = mime_trim_end(line);
        if (line.len && line.at[line.len - 1] == '=') {
            line.len--;
            end.len = 0;
        }
        mime_escaped_put(out, line, '=', ' ');
        buf_put(out, end);
    }
}

/* The whole bytes among the lowest `have` sextets of bits. */
static void
put_group(struct buf *out, uint32_t bits, unsigned have)
{
    unsigned rest = 6 * have;

    for (; rest >= 8; rest -= 8)
        buf_put_byte(out, (uint8_t)(bits >> (rest - 8)));
}

/* rfc2045#6.8-b: whatever is not of the alphabet is passed over */
static void
put_base64(struct buf *out, struct slice text)
{
    uint32_t bits = 0;
    unsigned have = 0;

    for (size_t i = 0; i < text.len && !out->full; i++) {
        int value = base64_value(text.at[i]);

        if (value >= 0) {
            bits = bits << 6 | (uint32_t)value;
            have++;
        }
        if (have == 4 || text.at[i] == '=') {
            put_group(out, bits, have);
            have = 0;
        }
    }
    put_group(out, bits, have);
}

static void
put_most(struct buf *out, struct slice bytes)
{
    struct slice most = slice_head(bytes, buf_space(out));

    buf_put(out, most);
    out->full = out->full || most.len < bytes.len;
}

/* rfc2045#6-a */
bool
mime_decoded_put(struct buf *out, struct slice bytes, enum mime_encoding encoding)
{
    switch (encoding) {
    case MIME_QUOTED_PRINTABLE:
        put_quoted_printable(out, bytes);
        break;
    case MIME_BASE64:
        put_base64(out, bytes);
        break;
    case MIME_AS_IS:
    case MIME_UNKNOWN:
        put_most(out, bytes);
        break;
    }
    return !out->full;
}
