/* Command lines cut out of a stream at CR LF, and only there (RFC 5321 2.3.8). */
#ifndef SMTP_LINE_H
#define SMTP_LINE_H

#include "base/buf.h"

enum { SMTP_LINE_MAX = 12288 + 2 }; /* CR LF included; AUTH needs most (RFC 4954 4) */

enum smtp_line_kind {
    SMTP_LINE_PARTIAL,  /* all was consumed, no end yet */
    SMTP_LINE_WHOLE,    /* *line is one, without its CR LF */
    SMTP_LINE_TOO_LONG, /* the end of a line longer than SMTP_LINE_MAX */
    SMTP_LINE_BARE,     /* a CR or LF alone; the rest up to CR LF will be swallowed in silence */
};

/* What is kept of a line that came in pieces. It may be a password, so it is wiped. */
struct smtp_line {
    struct secret kept;
    enum { SMTP_LINE_READ, SMTP_LINE_SWALLOW_LONG, SMTP_LINE_SWALLOW_BARE } state;
    bool cr;    /* the last byte was a CR */
    bool given; /* kept was handed out */
};

void smtp_line_init(struct smtp_line *l);
void smtp_line_clear(struct smtp_line *l);

/* Consumes up to the end of one line and says what it found. *line is valid until the next call,
 * and no longer than `in`. */
size_t smtp_line_take(struct smtp_line *l, struct slice in, enum smtp_line_kind *kind,
                      struct slice *line);

#endif
