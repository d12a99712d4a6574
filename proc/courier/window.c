#include "window.h"

void
window_init(struct window *w)
{
    w->size = WINDOW_FIRST;
}

void
window_grow(struct window *w, unsigned most)
{
    if (w->size < most)
        w->size++;
    else
        w->size = most; /* the limit may have been lowered */
}

void
window_shrink(struct window *w)
{
    w->size = w->size > 1 ? w->size / 2 : 1;
}
