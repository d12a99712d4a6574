/* Replies as servers send them (RFC 5321 4.2): "250-text" as often as they like, then "250 text".
 * What is met in the wild is taken as long as its meaning is clear: lines that end in a bare LF,
 * lines longer than the 512 octets of the standard, no text, any bytes in the text. */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/buf.h"

enum {
    SMTP_REPLY_LINE_MAX = 8192, /* octets of one line, without its end */
    SMTP_REPLY_LINES_MAX = 256, /* lines of one reply */
    SMTP_REPLY_TEXT_MAX = 8192, /* octets kept of a reply's text; what is more is passed over */
    SMTP_ENHANCED_MAX = 9,      /* "5.999.999" */
};

enum smtp_reply_kind {
    SMTP_REPLY_PARTIAL, /* all was consumed, and no reply ended */
    SMTP_REPLY_WHOLE,   /* code, enhanced and text are those of a reply that ended here */
    SMTP_REPLY_GARBAGE, /* this is no reply; nothing that follows can be understood */
    SMTP_REPLY_ENDLESS, /* a line or a reply beyond the limits; likewise */
};

struct smtp_reply {
    unsigned code;                        /* 200 to 599; that of the last line */
    char enhanced[SMTP_ENHANCED_MAX + 1]; /* "5.1.1" of the same class; or "" */
    struct buf text; /* what follows the codes; LF between lines, else no control character */

    struct buf line; /* of a line that comes in pieces */
    unsigned lines;  /* of the reply, so far */
    bool is_given;   /* the reply was handed out, and is forgotten at the next call */
};

void smtp_reply_init(struct smtp_reply *r);
void smtp_reply_clear(struct smtp_reply *r);

/* Consumes up to the end of one reply, and says how many bytes that were and what it found. */
size_t smtp_reply_take(struct smtp_reply *r, struct slice in, enum smtp_reply_kind *kind);

/* 2 to 5 */
static inline unsigned
smtp_reply_class(const struct smtp_reply *r)
{
    return r->code / 100;
}

#endif
