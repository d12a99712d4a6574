/* An event is a descriptor that may become ready, a time that may pass, or both. Once it happened
 * it is over, unless it is persistent; then its time begins anew. A callback may free the event it
 * came from, so nothing touches an event after its callback. */
#include "events.h"

#include <stdlib.h>
#include <sys/time.h>

#include "base/ensure.h"

struct base {
    struct ub_event_base head; /* first: libunbound knows the base by it */
    struct loop *loop;
};

typedef void event_fn(int fd, short bits, void *arg);

struct event {
    struct ub_event head; /* first, too */
    struct loop *loop;
    int fd;
    short bits;
    event_fn *fn;
    void *arg;
    struct watch *watch; /* NULL: not watched now */
    struct timer *timer; /* NULL: never needed so far */
    uint32_t ms;         /* 0: no time is set */
};

static struct event *
event_of(struct ub_event *e)
{
    return (struct event *)(void *)e;
}

static void
stop(struct event *e)
{
    watch_free(e->watch);
    e->watch = NULL;
    if (e->timer)
        timer_stop(e->timer);
    e->ms = 0;
}

static void
happen(struct event *e, short bits)
{
    if (!(e->bits & UB_EV_PERSIST))
        stop(e);
    else if (e->ms)
        timer_restart(e->timer, e->ms);
    e->fn(e->fd, bits, e->arg);
}

static void
on_ready(void *ctx, unsigned ready)
{
    struct event *e = ctx;
    short bits =
        (short)((ready & LOOP_READ ? UB_EV_READ : 0) | (ready & LOOP_WRITE ? UB_EV_WRITE : 0));

    happen(e, (short)(bits & e->bits));
}

static void
on_time(void *ctx)
{
    happen(ctx, UB_EV_TIMEOUT);
}

static void
set_time(struct event *e, const struct timeval *after)
{
    e->ms = (uint32_t)(after->tv_sec * 1000 + (after->tv_usec + 999) / 1000);
    e->ms = e->ms ? e->ms : 1;
    if (e->timer)
        timer_restart(e->timer, e->ms);
    else
        e->timer = loop_after(e->loop, e->ms, on_time, e);
}

static int
add(struct ub_event *event, struct timeval *after)
{
    struct event *e = event_of(event);
    unsigned want =
        (e->bits & UB_EV_READ ? LOOP_READ : 0u) | (e->bits & UB_EV_WRITE ? LOOP_WRITE : 0u);

    stop(e);
    if (want)
        e->watch = loop_watch(e->loop, e->fd, want, on_ready, e);
    if (after)
        set_time(e, after);
    return 0;
}

static int
del(struct ub_event *event)
{
    stop(event_of(event));
    return 0;
}

static int
add_timer(struct ub_event *event, struct ub_event_base *base, event_fn *fn, void *arg,
          struct timeval *after)
{
    struct event *e = event_of(event);

    (void)base;
    e->fn = fn;
    e->arg = arg;
    return add(event, after);
}

static void
add_bits(struct ub_event *event, short bits)
{
    struct event *e = event_of(event);

    e->bits = (short)(e->bits | bits);
}

static void
del_bits(struct ub_event *event, short bits)
{
    struct event *e = event_of(event);

    e->bits = (short)(e->bits & ~bits);
}

static void
set_fd(struct ub_event *event, int fd)
{
    event_of(event)->fd = fd;
}

static void
free_event(struct ub_event *event)
{
    struct event *e = event_of(event);

    stop(e);
    timer_free(e->timer);
    free(e);
}

static struct ub_event *
new_event(struct ub_event_base *base, int fd, short bits, event_fn *fn, void *arg)
{
    static struct ub_event_vmt methods = {
        .add_bits = add_bits,
        .del_bits = del_bits,
        .set_fd = set_fd,
        .free = free_event,
        .add = add,
        .del = del,
        .add_timer = add_timer,
        .del_timer = del,
    };
    struct event *e = heap_take(sizeof(*e));

    *e = (struct event){.head = {UB_EVENT_MAGIC, &methods},
                        .loop = ((struct base *)(void *)base)->loop,
                        .fd = fd,
                        .bits = bits,
                        .fn = fn,
                        .arg = arg};
    return &e->head;
}

struct ub_event_base *
events_new(struct loop *l)
{
    static struct ub_event_base_vmt methods = {.new_event = new_event};
    struct base *base = heap_take(sizeof(*base));

    *base = (struct base){{UB_EVENT_MAGIC, &methods}, l};
    return &base->head;
}

void
events_free(struct ub_event_base *base)
{
    free(base);
}
