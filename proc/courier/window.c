#include "window.h"

void
window_init(struct window *w)
{
    *w = (struct window){.size = WINDOW_FIRST};
}

void
window_grow(struct window *w, unsigned most)
{
    w->good++;
    if (w->size > most) /* the limit was lowered */
        w->size = most;
    if (w->size == most || (w->careful && w->good < w->size * WINDOW_CARE))
        return;
    w->size++;
    w->good = 0;
}

void
window_shrink(struct window *w, uint64_t now_ms)
{
    if (w->careful && now_ms - w->shrunk_ms < WINDOW_PAUSE_MS)
        return;
    w->size = w->size > 1 ? w->size / 2 : 1;
    w->careful = true;
    w->good = 0;
    w->shrunk_ms = now_ms;
}

void
window_stop(struct window *w, unsigned count)
{
    if (count < w->size)
        w->size = count ? count : 1;
    w->careful = true;
    w->good = 0;
}
