/* The event loop: watches, timers, work for later, work for another thread. Over libuv's core, and
 * the only header that the rest of the tree knows of it. Everything runs on the thread of loop_run,
 * but for the work of loop_work. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct watch;
struct timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_fd_fn(void *ctx,
                        unsigned ready); /* ready: LOOP_READ and LOOP_WRITE, or both on error */
typedef void loop_fn(void *ctx);

struct loop *loop_new(void);
void loop_free(struct loop *l); /* after loop_run returned; frees what is still being watched */
void loop_run(struct loop *l);  /* until loop_stop */
void loop_stop(struct loop *l);

/* Watch a descriptor, level-triggered. want may be 0. The descriptor stays the caller's and is
 * closed after watch_free, never before. */
struct watch *loop_watch(struct loop *l, int fd, unsigned want, loop_fd_fn *fn, void *ctx);
void watch_want(struct watch *w, unsigned want);
void watch_free(struct watch *w); /* NULL is fine; safe in its own callback */

/* Once, after ms milliseconds. The timer stays the caller's after it ran: start it anew or free it.
 */
struct timer *loop_after(struct loop *l, uint32_t ms, loop_fn *fn, void *ctx);
void timer_restart(struct timer *t, uint32_t ms);
void timer_stop(struct timer *t);
void timer_free(struct timer *t); /* NULL is fine; safe in its own callback */

/* After everything that is ready in this turn had its callback: the end of a batch, or a free. */
void loop_later(struct loop *l, loop_fn *fn, void *ctx);

/* After those too, before the loop sleeps or ends: what leaves together. It may not fail. */
void loop_last(struct loop *l, loop_fn *fn, void *ctx);

/* work on a thread of its own pool, then done here. Both get ctx. */
void loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *ctx);

void loop_on_signal(struct loop *l, int signal, loop_fn *fn, void *ctx);

uint64_t loop_now_ms(const struct loop *l); /* steady; the time this turn began */

#endif
