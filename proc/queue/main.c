/* queue: owns the journal and nothing else. docs/journal.md has what it keeps and in which order.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/log.h"
#include "commit.h"

static struct queue queue;

static void
on_tick(void *ctx)
{
    struct queue *q = ctx;

    send_due(q);
    commit_tidy(q);
    timer_restart(q->tick, QUEUE_TICK_MS);
}

static void
on_pump(void *ctx)
{
    struct queue *q = ctx;

    send_pump(q);
    timer_restart(q->pump, list_empty(&q->sending) ? QUEUE_TICK_MS : QUEUE_PUMP_MS);
}

static void
on_idle(void *ctx)
{
    commit_idle(ctx);
}

static void
on_old_message(void *ctx, const struct journal_message *old)
{
    struct queue *q = ctx;
    struct message *m = envelope_message(old->id, old->envelope, old->body_len);
    char id[ID_TEXT_LEN + 1];

    id_format(old->id, id);
    if (!m) { /* kept on disk; `valija check` tells of it */
        LOG(salvage, slice_of(id), log_string("what", "a message whose envelope is not readable"));
        return;
    }
    list_append(&q->all, &m->all);
    list_append(&q->sending, &m->waiting);
    map_put(&q->messages, m->id, m);
}

/* A deferral of an earlier run keeps its time; it is sent at once where that has passed. */
static void
on_old_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    struct queue *q = ctx;
    struct message *m = map_get(&q->messages, id);

    if (!m || c->recipient >= m->count || c->state != TARGET_DEFERRED)
        return;
    m->targets[c->recipient].state = TARGET_DEFERRED;
    m->targets[c->recipient].next = (uint32_t)c->when;
    m->targets[c->recipient].attempts = 1;
    m->targets[c->recipient].reason =
        slice_eq(c->reason, slice_of(send_reasons[STORE_FULL])) ? STORE_FULL : STORE_TRY_LATER;
    list_remove(&m->waiting);
    list_append(&q->deferred, &m->waiting);
}

static void
on_trouble(void *ctx, const struct journal_trouble *t)
{
    static const char *const kinds[] = {[JOURNAL_TORN] = "torn",
                                        [JOURNAL_DAMAGED] = "damaged",
                                        [JOURNAL_UNREADABLE] = "unreadable",
                                        [JOURNAL_ASIDE] = "moved-aside"};

    (void)ctx;
    if (t->kind != JOURNAL_TORN) /* the normal end of a batch that nobody was told of */
        LOG(salvage, SLICE(""), log_string("file", t->file), log_string("what", kinds[t->kind]),
            log_number("offset", t->offset), log_number("bytes", t->bytes));
}

static struct err
on_start(struct role *r)
{
    struct queue *q = &queue;
    struct journal_config config = {.journal_bytes = role_limit(r, LIMIT_journal_bytes),
                                    .reserve_bytes = role_limit(r, LIMIT_reserve_bytes)};
    struct journal_replay replay = {q, on_old_message, on_old_change, on_trouble};
    struct err e;

    q->role = r;
    r->state = q;
    list_init(&q->all);
    list_init(&q->sending);
    list_init(&q->deferred);
    list_init(&q->arrived);
    list_init(&q->batch);
    e = journal_open(&q->journal, AT_FDCWD, &config, &replay);
    if (err_is(e))
        return e;
    q->tick = loop_after(r->loop, QUEUE_TICK_MS, on_tick, q);
    q->pump = loop_after(r->loop, QUEUE_PUMP_MS, on_pump, q);
    q->idle = loop_after(r->loop, QUEUE_IDLE_MS, on_idle, q);
    return ERR_OK;
}

static void
on_peer_down(struct role *r, enum role_id id, unsigned index)
{
    if (id == ROLE_store)
        send_again(r->state, index);
}

static void
end(struct queue *q)
{
    struct err e = journal_finish(q->journal);

    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
    journal_close(q->journal);
    q->journal = NULL;
    role_end(q->role);
}

static void
on_stop(struct role *r, unsigned seconds)
{
    (void)seconds;
    commit_finish(r->state, end);
}

static void
on_status(struct role *r, struct buf *values)
{
    const struct queue *q = r->state;
    struct journal_stats stats;

    journal_stats_get(q->journal, &stats);
    role_put_value(values, "messages", q->messages.count);
    role_put_value(values, "accepted", q->accepted);
    role_put_value(values, "delivered", q->delivered);
    role_put_value(values, "deferrals", q->deferrals);
    role_put_value(values, "journal_bytes", stats.bytes);
    role_put_value(values, "journal_segments", stats.segments);
    role_put_value(values, "commits", stats.commits);
    role_put_value(values, "failed_commits", stats.failures);
}

static const struct role_door doors[] = {
    {ROLE_mx, submit_handlers, false},  {ROLE_access, submit_handlers, false},
    {ROLE_store, send_handlers, false}, {ROLE_courier, submit_handlers, false},
    {ROLE_trace, NULL, false},          {ROLE_ctl, show_handlers, false},
    {ROLE_parent, NULL, false}};
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
