/* Threads that do what would make the loop wait, and say through a descriptor that it is done.
 * libuv's own would be less code, but there the loop spins (uv__async_spin) until the thread that
 * woke it has run on, which on busy processors burns as much time as the work takes. */
#ifndef LOOP_CREW_H
#define LOOP_CREW_H

#include <stddef.h>

#include "loop/loop.h"

struct crew;

struct crew *crew_new(void);    /* no thread begins before there is work */
void crew_free(struct crew *c); /* waits for what runs; what has not begun is dropped */

void crew_put(struct crew *c, loop_fn *run, loop_fn *done, void *ctx);

/* Readable: crew_finish calls the done of what has ended. How many are still on their way? */
int crew_fd(const struct crew *c);
size_t crew_finish(struct crew *c);

#endif
