/* What the writers of the part for people share. Lines end in LF; every line in which a stranger
 * has a say is set in. */
#ifndef BOUNCE_TELLING_H
#define BOUNCE_TELLING_H

#include "bounce/bounce_private.h"

/* A notice told in one language. */
struct telling {
    struct buf *out;
    const struct notice *n;
    struct slice language;
};

enum {
    TELLING_INDENT = 4,                                      /* of what stands under a heading */
    TELLING_MAX = CATALOGUE_VALUE_MAX + 4 * BOUNCE_SAID_MAX, /* octets of a paragraph */
};

/* text.c */
void telling_put_lines(struct buf *out, unsigned indent, struct slice text);
void telling_end_paragraph(const struct telling *t);

/* The word "bounce.name", filled. */
void telling_put_word(const struct telling *t, unsigned indent, const char *name,
                      const struct fill *fills, size_t count);
void telling_put_date(const struct telling *t, unsigned indent, const char *name, int64_t seconds);

/* group.c: what became of whom, and why. */
void groups_put(const struct telling *t);

/* said.c: the exact words, and whether some are kept back. In all languages at once. */
void said_put(struct buf *out, const struct notice *n);

#endif
