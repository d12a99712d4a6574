/* How many connections a site may have (rfc5321#4.5.4.1-d): few at first, and one more with each
 * message that went well. A trouble halves them, and from then on it takes many messages to have
 * one more. Pure. */
#ifndef COURIER_WINDOW_H
#define COURIER_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WINDOW_FIRST = 2,
    WINDOW_CARE = 10,      /* after a trouble: messages over each connection for one more */
    WINDOW_PAUSE_MS = 1000 /* troubles that come together are one */
};

struct window {
    unsigned size; /* at least 1 */
    bool careful;
    unsigned good; /* messages since it last grew */
    uint64_t shrunk_ms;
};

void window_init(struct window *w);
void window_grow(struct window *w, unsigned most); /* a message went well; never above most */
void window_shrink(struct window *w, uint64_t now_ms);
void window_stop(struct window *w, unsigned count); /* it takes so many, and no more */

#endif
