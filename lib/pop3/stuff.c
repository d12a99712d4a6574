/* Runs of bytes that need nothing are found line by line with memchr and copied in one piece. A
 * byte of input is at most two of output, which is how room is reckoned. */
#include "pop3/stuff.h"

#include <string.h>

enum { END_MAX = 5 }; /* CR LF "." CR LF */

void
pop3_stuff_init(struct pop3_stuff *t, uint64_t lines)
{
    *t = (struct pop3_stuff){.lines_left = lines, .in_header = true};
}

static uint8_t *
copy(uint8_t *to, const uint8_t *from, const uint8_t *end)
{
    memcpy(to, from, (size_t)(end - from));
    return to + (end - from);
}

/* A line has ended; blank: it had nothing in it. rfc1939#7-b */
static void
count_line(struct pop3_stuff *t, bool blank)
{
    if (t->in_header)
        t->in_header = !blank;
    else
        t->lines_left--;
    t->over = !t->in_header && t->lines_left == 0;
    t->in_line = 0;
}

/* The whole piece, into room for twice as much, unless `over` comes before its end. Returns the
 * bytes written; *piece becomes what was not wanted. */
static size_t
stuff(struct pop3_stuff *t, struct slice *piece, uint8_t *room)
{
    const uint8_t *at = piece->at, *end = at + piece->len, *from = at;
    uint8_t *to = room;

    while (at < end && !t->over) {
        const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
        uint64_t length = t->in_line + (uint64_t)((lf ? lf : end) - at);
        bool cr = length && (lf > at ? lf[-1] : t->last) == '\r';

        if (t->in_line == 0 && *at == '.') { /* rfc1939#3-d */
            to = copy(to, from, at);
            *to++ = '.';
            from = at;
        }
        if (!lf) {
            t->in_line = length;
            t->last = end[-1];
            at = end;
            break;
        }
        if (!cr) {
            to = copy(to, from, lf);
            *to++ = '\r';
            from = lf;
        }
        at = lf + 1;
        count_line(t, length == (cr ? 1 : 0));
    }
    *piece = slice_make(at, (size_t)(end - at));
    to = copy(to, from, at);
    return (size_t)(to - room);
}

size_t
pop3_stuff_feed(struct pop3_stuff *t, struct slice chunk, struct buf *out)
{
    size_t taken = 0;

    while (taken < chunk.len && !t->over && buf_space(out) >= 2) {
        struct slice piece = slice_head(slice_tail(chunk, taken), buf_space(out) / 2);
        size_t offered = piece.len;
        uint8_t *to = buf_reserve(out, 2 * offered);

        if (!to)
            break; /* out was `full` before we came */
        buf_added(out, stuff(t, &piece, to));
        taken += offered - piece.len;
    }
    return taken;
}

bool
pop3_stuff_end(const struct pop3_stuff *t, struct buf *out)
{
    if (out->full || buf_space(out) < END_MAX)
        return false;
    if (t->in_line)
        buf_put_string(out, "\r\n");
    return buf_put_string(out, ".\r\n");
}
