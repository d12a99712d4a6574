/* The Sender Rewriting Scheme: a forwarded message gets a return address of the forwarder's own, so
 * that SPF holds for it, and what comes back to that address goes to where it belongs. The address
 * carries the original one, a day, and a keyed hash of both, so that nobody can make one up and
 * send mail to anybody through us. */
#ifndef BOUNCE_SRS_H
#define BOUNCE_SRS_H

#include "base/buf.h"

enum {
    SRS_KEYS = 2,
    SRS_KEY_MIN = 16,    /* octets of a key */
    SRS_DAYS_MAX = 1000, /* of validity: days are counted to 1024, and begin anew */
};

struct srs {
    struct slice keys[SRS_KEYS]; /* the first makes addresses, each may verify them: so keys can be
                                  * changed. The second may be empty. */
    struct slice domain;         /* at which the addresses are: one of ours */
    unsigned valid_days;
};

enum srs_verdict {
    SRS_GOOD,
    SRS_OTHER,   /* no address of this scheme, or not in our form of it */
    SRS_FORGED,  /* its hash is not ours */
    SRS_EXPIRED, /* older than valid_days */
};

/* Append the return address for forwarding what `sender` sent; now is seconds since 1970-01-01. The
 * null sender stays null, and our own addresses stay as they are. One that another forwarder made
 * is not wrapped again, but handed back to it when it comes back (SRS1). False, with nothing
 * appended: not an address, too long to be wrapped, or the cap of out is reached.
 *
 * Local parts are often longer than the 64 octets that all systems must take; most take them. */
bool srs_forward_put(struct buf *out, const struct srs *s, struct slice sender, int64_t now);

/* Append the address to which mail for `address` goes; nothing unless it is SRS_GOOD. Letters may
 * have changed their case on the way. */
enum srs_verdict srs_reverse_put(struct buf *out, const struct srs *s, struct slice address,
                                 int64_t now);

#endif
