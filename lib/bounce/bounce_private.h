/* What the files of this room share. */
#ifndef BOUNCE_BOUNCE_PRIVATE_H
#define BOUNCE_BOUNCE_PRIVATE_H

#include "bounce/bounce.h"

/* view.c: a recipient as the sender may see it: of a hidden forward nothing shows but what he wrote
 * himself. Everything below speaks from views alone. */
struct view {
    struct slice address;
    struct slice written; /* what the sender wrote, empty where that is the address */
    struct slice said, remote;
    bool is_withheld; /* there are words, but not for him */
    const struct catalogue_reason *reason;
    const struct bounce_recipient *of;
};

/* A notice being written. */
struct notice {
    const struct bounce *b;
    const struct catalogue *c;
    struct view *views;        /* as many as there are recipients */
    struct slice header, body; /* of the original */
};

void view_all(struct notice *n);
void view_clear(struct notice *n);

/* How many recipients this became of; the gravest there is. */
size_t view_count(const struct notice *n, enum bounce_action action);
enum bounce_action view_gravest(const struct notice *n);

/* What there is to know of an action beside its name. */
struct action_row {
    const char *word;   /* of RFC 3464 */
    const char *status; /* where a recipient has none that fits */
    bool is_success;
};
extern const struct action_row action_rows[BOUNCE_ACTIONS];

/* words.c: the catalogue's words, and what they speak of put into them. */
struct fill {
    const char *name; /* "{name}" stands for the value */
    struct slice value;
};

/* The word "group.name". Empty: there is none. */
struct slice word_find(const struct catalogue *c, struct slice language, const char *group,
                       const char *name);
void word_put(struct buf *out, struct slice word, const struct fill *fills, size_t count);

/* "22 November 2026 at 22:40 (UTC+01:00)", as the language writes it. */
void word_put_date(struct buf *out, const struct notice *n, struct slice language, int64_t seconds);

/* clean.c: any bytes made fit to be text. What `most` cuts off shows as " [...]". */
void clean_put(struct buf *out, struct slice bytes, size_t most); /* UTF-8, any lines */

/* As it is but for controls, and for what is not ASCII unless it is UTF-8 that is wanted: each
 * becomes "?". It stays on one line. */
void clean_put_exactly(struct buf *out, struct slice bytes, bool as_utf8);

/* Lines that end in LF or CR LF, as they are but all ending in CR LF. */
void clean_put_crlf(struct buf *out, struct slice lines);

/* xtext.c: addresses and ids as commands carry them (RFC 3461 4, RFC 6533 3). What is malformed
 * stands for itself. */
void xtext_put(struct buf *out, struct slice text);
void xtext_put_address(struct buf *out, struct slice text); /* of type utf-8 */

/* text.c: the part for people, lines ending in LF. */
void text_put(struct buf *out, const struct notice *n);

/* status.c: the part for programs. */
bool status_is_utf8(const struct notice *n); /* an address is not ASCII */
void status_put(struct buf *out, const struct notice *n);

/* original.c: what comes back of the message. */
struct original {
    const char *type;     /* "text/rfc822-headers"; NULL: nothing comes back */
    const char *encoding; /* "7bit", "8bit", "quoted-printable" */
    struct slice bytes;
};

/* Its subject as UTF-8, in one line, cut where it is too long; nothing where it has none. */
void original_put_subject(struct buf *out, const struct notice *n);

struct original original_choose(const struct notice *n);
void original_put(struct buf *out, const struct original *o);

#endif
