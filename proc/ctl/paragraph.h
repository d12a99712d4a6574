/* Text for people to read in a terminal: lines of bounded width, lists with their items set in. */
#ifndef CTL_PARAGRAPH_H
#define CTL_PARAGRAPH_H

#include <stdio.h>

#include "base/slice.h"

enum { PARAGRAPH_WIDTH = 80 }; /* characters of a line; a longer word stands alone and sticks out */

/* Each line of text is broken into lines of its own, all of them set in by `indent` spaces; one
 * that begins with "- " is an item, whose further lines stand under its words. Control characters,
 * which could speak to the terminal, become question marks. */
void paragraph_print(FILE *to, unsigned indent, struct slice text);

#endif
