/* Command lines cut out of a stream at CR LF, and only there (RFC 5321 2.3.8). */
#ifndef SMTP_LINE_H
#define SMTP_LINE_H

#include "base/buf.h"

enum { SMTP_LINE_MAX = 12288 }; /* CR LF included; AUTH needs most: rfc4954#4-j */

enum smtp_line_kind {
    SMTP_LINE_PARTIAL, /* all was consumed, and no line ended */
    SMTP_LINE_WHOLE,   /* *line is one, without its CR LF */
    SMTP_LINE_LONG,    /* a line of more than SMTP_LINE_MAX ended here */
    SMTP_LINE_BARE,    /* a CR or LF alone; the rest up to CR LF will be swallowed in silence */
};

struct smtp_line {
    struct secret kept; /* of a line that comes in pieces; it may be a password */
    enum { SMTP_LINE_READING, SMTP_LINE_SWALLOW_LONG, SMTP_LINE_SWALLOW_BARE } state;
    bool cr;       /* the last byte was a CR */
    bool is_given; /* kept was handed out, and is free again at the next call */
};

void smtp_line_init(struct smtp_line *l);
void smtp_line_clear(struct smtp_line *l);

/* Consumes up to the end of one line, says how many bytes that were and what it found. *line is
 * valid until the next call, and no longer than `in`. A bare CR or LF is told at once, not at the
 * end of the line: a client that ends its lines so never sends one. */
size_t smtp_line_take(struct smtp_line *l, struct slice in, enum smtp_line_kind *kind,
                      struct slice *line);

#endif
