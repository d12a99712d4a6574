/* The parts of a message (RFC 2046), in the order they stand in it: a container before what it
 * contains, a message/rfc822 before the message in it. One pass over the bytes, however deep they
 * are nested, and no memory but the caller's array. Any bytes are a message: without a header all
 * of it is the body of a text/plain; a boundary nobody ended ends with what it stands in. */
#ifndef MIME_WALK_H
#define MIME_WALK_H

#include "mime/decode.h"

enum {
    MIME_DEPTH_MAX = 100,    /* a container as deep as this is not looked into */
    MIME_PARTS_MAX = 1000,   /* what readers of whole messages should have room for */
    MIME_BOUNDARY_MAX = 200, /* RFC 2046 5.1.1 has 70; a longer one is none */
};

/* All slices are views of the message, but for types that it leaves out: those are literals. */
struct mime_part {
    size_t parent;       /* its index; the first part is its own */
    unsigned depth;      /* of the first part 0 */
    struct slice header; /* without the blank line after it */
    struct slice body;   /* without the line end before the next boundary */
    struct slice type, subtype;
    struct slice content_type; /* the value of the field, for its parameters; may be empty */
    enum mime_encoding encoding;
};

/* Fills parts[room] and returns how many there are: at least one where there is room. Parts beyond
 * the room are left out. */
size_t mime_walk(struct slice message, struct mime_part *parts, size_t room);

/* Is it of that type, and subtype unless that is empty? In any case of letters. */
bool mime_part_is(const struct mime_part *part, struct slice type, struct slice subtype);

/* The body as UTF-8: transfer encoding and charset decoded, line ends as they are. False: the cap
 * of out is reached, and out holds the front. */
bool mime_text_put(struct buf *out, const struct mime_part *part);

#endif
