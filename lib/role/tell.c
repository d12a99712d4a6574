/* Invariant: the timer runs exactly while events have gathered. */
#include "role/tell.h"

#include "base/clock.h"

static struct {
    struct buf events; /* trace_event items */
    uint64_t dropped;  /* since the last frame that was sent */
    struct timer *timer;
    bool due;
} self = {.events = {.cap = TELL_FRAME_MAX}};

void
tell_flush(struct role *r)
{
    struct chan *c = role_peer(r, ROLE_trace, 0);
    struct trace_events m = {self.dropped, buf_slice(&self.events)};

    if (m.events.len == 0 || !c || chan_backlog(c) + m.events.len > TELL_BACKLOG_MAX)
        return;
    if (!err_is(chan_send(c, MSG_trace_events, &m, -1)))
        self.dropped = 0;
    buf_clear(&self.events);
}

static void
on_due(void *ctx)
{
    tell_flush(ctx);
    self.due = self.events.len > 0; /* kept for a trace that comes back */
    if (self.due)
        timer_restart(self.timer, TELL_AFTER_MS);
}

static void
flush_soon(struct role *r)
{
    if (self.due)
        return;
    self.due = true;
    if (self.timer)
        timer_restart(self.timer, TELL_AFTER_MS);
    else
        self.timer = loop_after(r->loop, TELL_AFTER_MS, on_due, r);
}

static bool
put(const struct trace_event *e)
{
    size_t before = self.events.len;

    if (msg_items_put(&self.events, MSG_trace_event, e))
        return true;
    buf_cut(&self.events, before);
    self.events.full = false;
    return false;
}

void
tell_event(struct role *r, struct trace_event *e)
{
    if (e->time == 0)
        e->time = clock_now_us();
    if (!put(e)) {
        tell_flush(r);
        self.dropped += !put(e);
    }
    flush_soon(r);
}
