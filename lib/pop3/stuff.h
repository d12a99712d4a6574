/* A stored message as POP3 sends it (RFC 1939 section 3): a line that begins with a dot gets one
 * more, lines end in CR LF (a bare LF is repaired), and a line with one dot ends it. Streaming:
 * chunks may be cut anywhere, on both sides. */
#ifndef POP3_STUFF_H
#define POP3_STUFF_H

#include "base/buf.h"

#define POP3_ALL_LINES UINT64_MAX

struct pop3_stuff {
    uint64_t lines_left; /* of the body */
    uint64_t in_line;    /* bytes of the line begun */
    uint8_t last;        /* the last of them */
    bool in_header;
    bool over; /* TOP's lines are all there: the rest of the message need not be read */
};

/* lines: how many lines of the body follow the header and its blank line (TOP), or
 * POP3_ALL_LINES. */
void pop3_stuff_init(struct pop3_stuff *t, uint64_t lines);

/* Appends to out as much of the chunk as fits and returns how many bytes of it that was: all of
 * them unless out is nearly full; when `over` is set what is left does not matter. */
size_t pop3_stuff_feed(struct pop3_stuff *t, struct slice chunk, struct buf *out);

/* After the last chunk: the end of the last line, and the line with the dot. False, with nothing
 * appended, where out has too little room: call again. */
bool pop3_stuff_end(const struct pop3_stuff *t, struct buf *out);

#endif
