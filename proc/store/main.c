/* store: the mailboxes of the accounts whose hash is this process's. docs/store.md has the formats.
 */
#include "base/log.h"
#include "rooms.h"

static struct rooms rooms;

static void
on_report(void *ctx, const struct store_report *report)
{
    (void)ctx;
    LOG(salvage, SLICE(""), log_number("account", report->account),
        log_string("what", store_finding_name(report->finding)),
        log_string("file", report->file ? report->file : ""), log_number("pack", report->pack));
}

/* Indexes stay open while their accounts are busy; an idle service holds few. */
static void
on_idle(void *ctx)
{
    struct rooms *s = ctx;
    static uint64_t flushes_before;

    if (s->flushes == flushes_before && !s->flushing)
        store_trim(s->store, ROOMS_IDLE_ACCOUNTS);
    flushes_before = s->flushes;
    timer_restart(s->idle, ROOMS_IDLE_MS);
}

static struct err
on_start(struct role *r)
{
    struct rooms *s = &rooms;
    struct store_config config;
    struct err e;

    s->role = r;
    r->state = s;
    list_init(&s->waiting);
    buf_init(&s->outcomes, MSG_FRAME_MAX - 64);
    store_config_init(&config);
    config.index = r->index;
    config.count = r->count;
    config.pack_bytes = ROOMS_PACK_BYTES;
    config.open_accounts = ROOMS_OPEN_ACCOUNTS;
    config.pending_bytes = ROOMS_PENDING_BYTES;
    config.report = on_report;
    e = store_open(&s->store, &config);
    if (!err_is(e))
        s->idle = loop_after(r->loop, ROOMS_IDLE_MS, on_idle, s);
    return e;
}

static void
on_peer_down(struct role *r, enum role_id id, unsigned index)
{
    if (id == ROLE_access)
        mailbox_edge_gone(r->state, index);
}

/* The orderly end is noted in every index: what is found different later is damage, not a crash. */
void
rooms_close(struct rooms *s)
{
    store_close(s->store);
    s->store = NULL;
    role_end(s->role);
}

static void
on_stop(struct role *r, unsigned seconds)
{
    struct rooms *s = r->state;

    (void)seconds;
    s->stopping = true;
    flush_now(s); /* its end is ours */
}

static void
on_status(struct role *r, struct buf *values)
{
    const struct rooms *s = r->state;

    role_put_value(values, "delivered", s->delivered);
    role_put_value(values, "duplicates", s->duplicates);
    role_put_value(values, "flushes", s->flushes);
    role_put_value(values, "pending_bytes", store_pending(s->store));
    role_put_value(values, "locked_mailboxes", s->locked.count);
}

static const struct role_door doors[] = {
    {.from = ROLE_queue, .handlers = deliver_handlers},
    {.from = ROLE_access, .handlers = mailbox_handlers},
    {.from = ROLE_accounts},
    {.from = ROLE_ctl, .handlers = admin_handlers},
    {.from = ROLE_parent},
};
static const struct role_spec spec = {
    .doors = doors,
    .start = on_start,
    .peer_down = on_peer_down,
    .stop = on_stop,
    .status = on_status,
};

int
main(int argc, char **argv)
{
    return role_main(argc, argv, &spec);
}
