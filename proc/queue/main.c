/* queue: owns the journal and nothing else. docs/journal.md has what it keeps and in which order.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "commit.h"
#include "reasons.h"

static struct queue queue;

/* ---- what is due ---- */

static void
on_local_due(struct queue *q, struct alarm *a)
{
    local_due(q, LIST_OF(a, struct message, local));
}

static void
on_message_due(struct queue *q, struct alarm *a)
{
    message_attend(q, LIST_OF(a, struct message, message));
}

static void
on_job_due(struct queue *q, struct alarm *a)
{
    job_due(q, LIST_OF(a, struct job, again));
}

static void
on_site_due(struct queue *q, struct alarm *a)
{
    site_open(&q->sites, LIST_OF(a, struct site, again));
}

static void (*const due[ALARM_KINDS])(struct queue *q, struct alarm *a) = {
    [ALARM_LOCAL] = on_local_due,
    [ALARM_MESSAGE] = on_message_due,
    [ALARM_JOB] = on_job_due,
    [ALARM_SITE] = on_site_due,
};

static void
ring(void *ctx, struct alarm *a)
{
    due[a->kind](ctx, a);
}

static void
on_tick(void *ctx)
{
    struct queue *q = ctx;

    wheel_turn(&q->wheel, queue_now(), ring, q);
    local_pump(q);
    out_pump(q);
    commit_tidy(q);
    timer_restart(q->tick, QUEUE_TICK_MS);
}

static void
on_pump(void *ctx)
{
    struct queue *q = ctx;

    local_pump(q);
    timer_restart(q->pump, list_empty(&q->sending) ? QUEUE_TICK_MS : QUEUE_PUMP_MS);
}

static void
on_idle(void *ctx)
{
    commit_idle(ctx);
}

/* ---- what an earlier run left ---- */

/* A notice that is still in the queue: what it tells needs no further one. */
struct old_notice {
    struct list link;
    struct queue_envelope envelope; /* about, notice and told hold */
    uint8_t told[];
};

static void
keep_old_notice(struct list *notices, const struct queue_envelope *e)
{
    struct old_notice *n = heap_take(sizeof(*n) + e->told.len);

    n->envelope = *e;
    memcpy(n->told, e->told.at, e->told.len);
    n->envelope.told.at = n->told;
    list_append(notices, &n->link);
}

static void
on_old_message(void *ctx, const struct journal_message *old)
{
    struct queue *q = ctx;
    struct message *m = envelope_message(q, old->id, old->envelope, old->body_len);
    struct queue_envelope e;
    char id[ID_TEXT_LEN + 1];

    id_format(old->id, id);
    if (!m) { /* kept on disk; `valija check` tells of it */
        LOG(salvage, slice_of(id), log_string("what", "a message whose envelope is not readable"));
        return;
    }
    list_append(&q->all, &m->all);
    map_put(&q->messages, m->id, m);
    if (m->is_notice && envelope_decode(old->envelope, &e))
        keep_old_notice(&q->old_notices, &e);
}

/* A deferral of an earlier run keeps its time; it is sent at once where that has passed. */
static void
on_old_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    struct queue *q = ctx;
    struct message *m = map_get(&q->messages, id);
    struct target *t = m && c->recipient < m->count ? &m->targets[c->recipient] : NULL;
    struct slice items = c->reason;
    struct queue_outcome o = {.attempts = 0};

    if (!t || c->state > TARGET_HELD || c->state == TARGET_SENT)
        return;
    if (msg_items_take(&items, MSG_queue_outcome, &o)) {
        t->attempts = o.attempts < UINT8_MAX ? (uint8_t)o.attempts : UINT8_MAX;
        t->warned = o.warned != 0;
        t->reason = reasons_number(o.reason);
    }
    t->state = c->state;
    t->next = c->state == TARGET_DEFERRED ? (uint32_t)c->when : 0;
    t->by_command = c->state == TARGET_HELD && c->when;
    t->expired = c->state == TARGET_FAILED && c->when;
    t->relayed = c->state == TARGET_RELAYED && c->when;
}

static void
start_old_notices(struct queue *q)
{
    LIST_EACH(at, &q->old_notices)
    {
        struct old_notice *n = LIST_OF(at, struct old_notice, link);

        notice_kept(q, &n->envelope);
        list_remove(at);
        free(n);
    }
}

/* What the changes said is counted; true: that was all of it, but for the end of the message. */
static bool
was_all_done(struct queue *q, struct message *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        struct target *t = &m->targets[i];

        if (t->state == TARGET_FAILED || t->state == TARGET_RELAYED)
            notice_owe(q, m);
        if (t->state != TARGET_DONE)
            continue;
        m->open--;
        if (t->job && --t->job->open == 0)
            job_free(q, t->job);
    }
    if (m->open)
        return false;
    message_end(q, m);
    return true;
}

static void
start_old(struct queue *q)
{
    LIST_EACH(at, &q->all)
    {
        struct message *m = LIST_OF(at, struct message, all);

        if (was_all_done(q, m))
            continue;
        local_resume(q, m);
        message_start(q, m);
    }
    start_old_notices(q);
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
    list_init(&q->arrived);
    list_init(&q->batch);
    list_init(&q->acted);
    list_init(&q->old_notices);
    wheel_init(&q->wheel, queue_now());
    sites_init(&q->sites);
    e = journal_open(&q->journal, AT_FDCWD, &config, &replay);
    if (err_is(e))
        return e;
    q->lazy = loop_after(r->loop, QUEUE_LAZY_MS, commit_on_lazy, q);
    start_old(q);
    q->tick = loop_after(r->loop, QUEUE_TICK_MS, on_tick, q);
    q->pump = loop_after(r->loop, QUEUE_PUMP_MS, on_pump, q);
    q->idle = loop_after(r->loop, QUEUE_IDLE_MS, on_idle, q);
    return ERR_OK;
}

static void
on_peer_down(struct role *r, enum role_id id, unsigned index)
{
    if (id == ROLE_store)
        local_again(r->state, index);
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
    role_put_value(values, "sent", q->sent);
    role_put_value(values, "deferrals", q->deferrals);
    role_put_value(values, "given_up", q->failed);
    role_put_value(values, "notices", q->notices);
    role_put_value(values, "doubtful", q->doubtful);
    role_put_value(values, "under_way", q->sites.sent);
    role_put_value(values, "destinations", q->sites.by_key.count);
    role_put_value(values, "journal_bytes", stats.bytes);
    role_put_value(values, "journal_segments", stats.segments);
    role_put_value(values, "commits", stats.commits);
    role_put_value(values, "failed_commits", stats.failures);
}

/* The stores' frames leave at once, and so before the edges' answers. */
static const struct role_door doors[] = {
    {.from = ROLE_mx, .handlers = submit_handlers, .gathers = true},
    {.from = ROLE_access, .handlers = submit_handlers, .gathers = true},
    {.from = ROLE_store, .handlers = local_handlers},
    {.from = ROLE_courier, .handlers = submit_handlers},
    {.from = ROLE_trace},
    {.from = ROLE_ctl, .handlers = ctl_handlers},
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
