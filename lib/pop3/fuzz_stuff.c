/* Three bytes choose TOP's lines and how input and output are cut; the rest is a message. However
 * it is cut, the result is the same; and without the dots it is the message again, its line ends
 * repaired. */
#include <stdlib.h>

#include "base/ensure.h"
#include "pop3/stuff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
send(struct slice message, uint64_t lines, size_t in, size_t room, struct buf *all)
{
    struct pop3_stuff t;
    struct buf out;

    buf_init(&out, room);
    pop3_stuff_init(&t, lines);
    while (message.len && !t.over) {
        size_t taken = pop3_stuff_feed(&t, slice_head(message, in), &out);

        ensure(taken > 0 || t.over);
        message = slice_tail(message, taken);
        ensure(buf_put(all, buf_slice(&out)));
        buf_reset(&out);
    }
    ensure(pop3_stuff_end(&t, &out));
    ensure(buf_put(all, buf_slice(&out)));
    buf_clear(&out);
}

/* A byte at a time, the slow and obvious way. */
static void
repair(struct slice message, struct buf *all)
{
    uint8_t last = '\n';

    for (size_t i = 0; i < message.len; i++) {
        if (message.at[i] == '\n' && last != '\r')
            buf_put_byte(all, '\r');
        buf_put_byte(all, message.at[i]);
        last = message.at[i];
    }
    if (last != '\n')
        buf_put_string(all, "\r\n");
}

/* What a client does, which ends at the first line that is one dot. */
static void
unstuff(struct slice sent, struct buf *all)
{
    bool at_start = true;

    while (sent.len) {
        if (at_start && slice_eq(slice_head(sent, 3), SLICE(".\r\n"))) {
            ensure(sent.len == 3);
            return;
        }
        if (at_start && sent.at[0] == '.')
            sent = slice_tail(sent, 1);
        at_start = sent.len >= 2 && sent.at[0] == '\r' && sent.at[1] == '\n';
        buf_put(all, slice_head(sent, at_start ? 2 : 1));
        sent = slice_tail(sent, at_start ? 2 : 1);
    }
    ensure(false); /* no end */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice message = slice_tail(slice_make(data, size), 3);
    struct buf whole, cut, want, back;
    uint64_t lines;

    if (size < 3)
        return 0;
    lines = data[0] == 255 ? POP3_ALL_LINES : data[0];
    buf_init(&whole, 4 * size + 16);
    buf_init(&cut, 4 * size + 16);
    buf_init(&want, 4 * size + 16);
    buf_init(&back, 4 * size + 16);
    send(message, lines, size, 4 * size + 16, &whole);
    send(message, lines, 1 + data[1] % 64, 5 + data[2], &cut);
    ensure(slice_eq(buf_slice(&whole), buf_slice(&cut)));
    repair(message, &want);
    unstuff(buf_slice(&whole), &back);
    ensure(back.len <= want.len && (lines != POP3_ALL_LINES || back.len == want.len));
    ensure(slice_eq(buf_slice(&back), slice_head(buf_slice(&want), back.len)));
    buf_clear(&whole);
    buf_clear(&cut);
    buf_clear(&want);
    buf_clear(&back);
    return 0;
}
