/* Every reply we can give, as data: a row of smtp.def or pop3.def. No reply line is written
 * anywhere else. */
#ifndef REASON_REASON_H
#define REASON_REASON_H

#include "base/buf.h"

enum reason {
    REASON_NONE, /* nothing to say */
#define REASON(name, code, detail, id, text) name,
#include "reason/pop3.def"
#include "reason/smtp.def"
#undef REASON
    REASON_COUNT
};

struct reason_row {
    const char *code;   /* "550", "-ERR", "+OK" */
    const char *detail; /* "5.1.1", "[IN-USE]", or "" */
    const char *id;     /* stable, for people and scripts: "no-mailbox" */
    const char *text;   /* one line; "{}" stands for the argument */
};

const struct reason_row *reason_row(enum reason r);

/* One whole reply line with its CR LF: "code detail text". The argument replaces "{}"; control and
 * non-ASCII bytes in it become '?', and it is cut so that the line stays within 512 octets
 * (RFC 5321 4.5.3.1.5). False: the cap of out is reached. */
bool reason_put(struct buf *out, enum reason r, struct slice argument);

/* The same as a line of a multi-line reply ("250-text") where more is true. */
bool reason_put_line(struct buf *out, enum reason r, struct slice argument, bool more);

/* 4yz: true for a row whose code begins with 4. */
bool reason_is_temporary(enum reason r);

#endif
