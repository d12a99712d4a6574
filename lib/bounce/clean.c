/* What strangers said, made fit to stand among our own words. */
#include "base/utf8.h"
#include "bounce/bounce_private.h"
#include "mime/decode.h"

static const char cut_mark[] = " [...]";

/* The front, not ending within a character of UTF-8. */
static struct slice
front_of(struct slice bytes, size_t most)
{
    struct slice front = slice_head(bytes, most);

    for (int i = 0; i < 3 && front.len < bytes.len && front.len; i++) {
        if ((bytes.at[front.len] & 0xc0) != 0x80)
            break;
        front.len--;
    }
    return front;
}

void
clean_put(struct buf *out, struct slice bytes, size_t most)
{
    struct slice front = front_of(bytes, most);
    size_t begin = out->len;

    mime_charset_put(out, front, SLICE(""));
    for (size_t i = out->start + begin; i < out->start + out->len; i++)
        if (out->at[i] == '\r')
            out->at[i] = ' ';
    if (front.len < bytes.len)
        buf_put_string(out, cut_mark);
}

void
clean_put_exactly(struct buf *out, struct slice bytes, bool as_utf8)
{
    while (bytes.len && !out->full) {
        size_t n = utf8_length(bytes);
        bool fine = n == 1 ? bytes.at[0] >= ' ' && bytes.at[0] != 0x7f : n > 1 && as_utf8;

        n = n ? n : 1;
        buf_put(out, fine ? slice_head(bytes, n) : SLICE("?"));
        bytes = slice_tail(bytes, n);
    }
}

void
clean_put_crlf(struct buf *out, struct slice lines)
{
    struct slice line;

    while (lines.len && !out->full) {
        if (slice_cut(&lines, '\n', &line) && line.len && line.at[line.len - 1] == '\r')
            line.len--;
        buf_put(out, line);
        buf_put_string(out, "\r\n");
    }
}
