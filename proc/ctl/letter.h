/* What programs feed to sendmail, made into a message: line ends CR LF, the fields every message
 * needs (RFC 5322 3.6) added where they are missing, Bcc gone, recipients found. Pure. */
#ifndef CTL_LETTER_H
#define CTL_LETTER_H

#include "base/buf.h"

enum {
    LETTER_FIELD_MAX = 1 << 20,      /* bytes of one header field */
    LETTER_RECIPIENTS_MAX = 4 << 20, /* bytes of all recipients */
};

/* Everything a letter depends on beside its text. */
struct letter_wish {
    const char *hostname;
    struct slice from; /* address for a missing From */
    const char *name;  /* and the person's name, or "" */
    bool dot_ends;     /* a line that is a dot ends the text */
    int64_t seconds;   /* now, for a missing Date */
    int offset;        /* minutes that local time is ahead of UTC */
    uint64_t id;       /* for a missing Message-ID */
};

struct letter {
    struct buf text;       /* the message; its cap is the caller's to choose */
    struct buf recipients; /* of To, Cc and Bcc, or of their Resent- forms where there are any */
    bool is_8bit;
};

void letter_init(struct letter *l, size_t text_max);
void letter_clear(struct letter *l);

/* False: a cap was reached. */
bool letter_make(struct letter *l, const struct letter_wish *wish, struct slice typed);

/* Appends the addresses of an address list (RFC 5322 3.4), each followed by a line end: groups and
 * names left out, comments and spaces removed, nothing checked. False: the cap of out is reached.
 */
bool letter_put_addresses(struct buf *out, struct slice list);

#endif
