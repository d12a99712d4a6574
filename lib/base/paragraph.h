/* Text for people to read in lines of bounded width: in a terminal, in a message. */
#ifndef BASE_PARAGRAPH_H
#define BASE_PARAGRAPH_H

#include "base/buf.h"

struct paragraph {
    unsigned indent;  /* spaces before each line */
    unsigned width;   /* most characters of a line, those spaces with it */
    unsigned longest; /* characters up to which a word (a link) stands alone and sticks out; one
                       * longer than this and a line is broken. 0: none is */
};

/* Each line of text is broken into lines of its own; one that begins with "- " is an item, whose
 * further lines stand under its words. Runs of spaces are one. Control characters, which could
 * speak to a terminal, become question marks. Lines end in LF. False: the cap of out is reached. */
bool paragraph_put(struct buf *out, const struct paragraph *p, struct slice text);

#endif
