/* One batch is on its way to the disk at a time: written here, synced by a worker thread, told to
 * the queue here. What arrives meanwhile is the next batch. */
#include <stdlib.h>

#include "base/ensure.h"
#include "base/log.h"
#include "rooms.h"

struct waiter {
    struct list link;
    bool in_batch; /* what it waits for is in the batch being synced */
    flush_then_fn *fn;
    void *ctx;
};

static void begin(struct rooms *s);

void
rooms_send_outcomes(struct rooms *s)
{
    struct chan *queue = role_peer(s->role, ROLE_queue, 0);
    struct store_outcomes m = {buf_slice(&s->outcomes)};

    if (s->outcomes.len && queue)
        chan_send(queue, MSG_store_outcomes, &m, -1);
    buf_reset(&s->outcomes);
}

void
rooms_outcome(struct rooms *s, uint64_t id, uint64_t account, uint32_t outcome)
{
    struct store_result o = {id, account, outcome};

    if (s->outcomes.len + 64 > s->outcomes.cap)
        rooms_send_outcomes(s);
    msg_items_put(&s->outcomes, MSG_store_result, &o);
}

static void
on_outcome(void *ctx, uint64_t account, uint64_t id, enum store_outcome outcome, struct err err)
{
    static const uint32_t told[] = {[STORE_DELIVERED] = STORE_SYNCED,
                                    [STORE_DUPLICATE] = STORE_SYNCED,
                                    [STORE_OVER_QUOTA] = STORE_FULL,
                                    [STORE_FAILED] = STORE_TRY_LATER};
    struct rooms *s = ctx;
    static char there;

    if (outcome == STORE_FAILED)
        LOG(storage, SLICE(""), log_number("account", account), log_err(err));
    s->delivered += outcome == STORE_DELIVERED;
    s->duplicates += outcome == STORE_DUPLICATE;
    map_put(&s->touched, account, &there);
    rooms_outcome(s, id, account, told[outcome]);
}

/* The directory wants to know what mailboxes hold, for the quota at RCPT. */
static void
report_usage(struct rooms *s)
{
    struct chan *accounts = role_peer(s->role, ROLE_accounts, 0);

    for (size_t i = 0; i < s->touched.room; i++) {
        struct accounts_usage m = {.account = s->touched.entries[i].key};

        if (m.account && accounts &&
            !err_is(store_usage(s->store, m.account, &m.bytes, &m.messages)))
            chan_send(accounts, MSG_accounts_usage, &m, -1);
    }
    map_clear(&s->touched);
}

static void
run_waiters(struct rooms *s, bool ok)
{
    LIST_EACH(at, &s->waiting)
    {
        struct waiter *w = LIST_OF(at, struct waiter, link);

        if (!w->in_batch)
            continue;
        list_remove(&w->link);
        w->fn(s, w->ctx, ok);
        free(w);
    }
}

static void
sync_batch(void *ctx)
{
    struct rooms *s = ctx;

    store_batch_sync(s->batch); /* store_batch_done says how it went */
}

static void
batch_done(void *ctx)
{
    struct rooms *s = ctx;
    struct err e = store_batch_done(s->store, s->batch, on_outcome, s);

    s->flushing = false;
    s->batch = NULL;
    s->flushes++;
    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
    rooms_send_outcomes(s);
    report_usage(s);
    run_waiters(s, !err_is(e));
    if (s->flush_due || !list_empty(&s->waiting))
        begin(s);
    else if (s->stopping)
        rooms_close(s);
}

/* What was pending is written when this returns. */
static void
begin(struct rooms *s)
{
    struct chan *queue = role_peer(s->role, ROLE_queue, 0);

    s->flush_due = false;
    s->flushing = true;
    LIST_EACH(at, &s->waiting)
    LIST_OF(at, struct waiter, link)->in_batch = true;
    s->batch = store_flush(s->store, 0);
    if (queue)
        chan_pause(queue, false);
    loop_work(s->role->loop, sync_batch, batch_done, s);
}

void
flush_now(struct rooms *s)
{
    s->flush_due = true;
    if (!s->flushing)
        begin(s);
}

static void
on_flush_timer(void *ctx)
{
    struct rooms *s = ctx;

    if (s->flush_due && !s->flushing)
        begin(s);
}

void
flush_soon(struct rooms *s)
{
    if (store_pending(s->store) >= ROOMS_FLUSH_BYTES) {
        flush_now(s);
    } else if (!s->flush_due) {
        s->flush_due = true;
        if (s->flush)
            timer_restart(s->flush, ROOMS_FLUSH_MS);
        else
            s->flush = loop_after(s->role->loop, ROOMS_FLUSH_MS, on_flush_timer, s);
    }
}

void
flush_then(struct rooms *s, flush_then_fn *fn, void *ctx)
{
    struct waiter *w = heap_take(sizeof(*w));

    *w = (struct waiter){.fn = fn, .ctx = ctx};
    list_append(&s->waiting, &w->link);
    if (!s->flushing)
        begin(s);
}
