/* How many connections a site may have: few at first, one more with each message that went well,
 * half as many at each trouble. Pure. */
#ifndef COURIER_WINDOW_H
#define COURIER_WINDOW_H

enum { WINDOW_FIRST = 2 };

struct window {
    unsigned size; /* at least 1 */
};

void window_init(struct window *w);
void window_grow(struct window *w, unsigned most); /* up to so many, and no more than that */
void window_shrink(struct window *w);

#endif
