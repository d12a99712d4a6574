/* What waits in the queue, for `valija queue`. */
#include <unistd.h>

#include "queue.h"
#include "reasons.h"

enum { PAGE_MAX = 200, ENVELOPE_SHOWN = 24 * 1024, OPEN_SHOWN = 16 * 1024 };

/* How a target stands, for people: what waits for its destination is deferred like what waits by
 * itself. */
static struct queue_target_state
state_of(const struct target *t)
{
    struct queue_target_state s = {.account = t->account,
                                   .state = QUEUE_ACTIVE,
                                   .attempts = t->attempts,
                                   .reason = reasons_name(t->reason)};
    const struct site *site = t->job ? t->job->site : NULL;

    if (t->state == TARGET_HELD) {
        s.state = QUEUE_HELD;
    } else if (t->state == TARGET_DEFERRED) {
        s.state = QUEUE_DEFERRED;
        s.next = t->next;
    } else if (t->state == TARGET_OPEN && site && site_is_waiting(site)) {
        s.state = QUEUE_DEFERRED;
        s.next = site->again.at;
        s.reason = t->reason ? s.reason : reasons_name(site->reason);
    }
    return s;
}

/* What is active speaks for the message, then the soonest next try, then what is held. */
static struct queue_entry
entry_of(const struct message *m)
{
    struct queue_entry e = {.id = m->id,
                            .received = m->received,
                            .size = m->size,
                            .sender = slice_of(m->sender),
                            .recipients = m->count,
                            .open = m->open,
                            .state = QUEUE_HELD};

    for (uint32_t i = 0; i < m->count; i++) {
        struct queue_target_state s = state_of(&m->targets[i]);

        if (m->targets[i].state == TARGET_DONE || s.state > e.state)
            continue;
        if (s.state == QUEUE_DEFERRED && e.state == s.state && e.next && e.next <= s.next)
            continue;
        e.state = s.state;
        e.next = s.next;
        e.reason = s.reason;
    }
    return e;
}

/* Where a page begins: behind `after` in the order of arrival, or, where that one has been
 * delivered meanwhile, at the first later id. */
static struct list *
first_after(struct queue *q, uint64_t after)
{
    const struct message *m = after ? map_get(&q->messages, after) : NULL;

    if (m)
        return m->all.next;
    LIST_EACH(at, &q->all)
    if (LIST_OF(at, struct message, all)->id > after)
        return at;
    return &q->all;
}

static void
on_list(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct queue *q = ((struct role *)ctx)->state;
    uint32_t most = any->queue_list.most < PAGE_MAX ? any->queue_list.most : PAGE_MAX;
    struct list *at = first_after(q, any->queue_list.after);
    struct buf items;

    buf_init(&items, MSG_FRAME_MAX - 64);
    for (uint32_t n = 0; n < most && at != &q->all; n++, at = at->next) {
        struct queue_entry e = entry_of(LIST_OF(at, struct message, all));
        size_t before = items.len;

        if (msg_items_put(&items, MSG_queue_entry, &e))
            continue;
        buf_cut(&items, before);
        break;
    }
    chan_answer(call, MSG_queue_list_answer, &(struct queue_list_answer){buf_slice(&items)}, -1);
    buf_clear(&items);
}

struct open_targets {
    const struct message *message;
    const struct queue_outcome *outcomes; /* NULL: they cannot be read now */
    struct buf items;
};

static void
put_open(void *ctx, const struct envelope_target *e)
{
    struct open_targets *o = ctx;
    const struct target *t = e->index < o->message->count ? &o->message->targets[e->index] : NULL;
    struct queue_target_state s;
    size_t before = o->items.len;

    if (!t || t->state == TARGET_DONE)
        return;
    s = state_of(t);
    s.address = e->address;
    if (o->outcomes && s.reason.len) {
        struct queue_outcome known = target_outcome(t, o->outcomes, e->index);

        s.remote = known.remote;
        s.said = known.said;
    }
    if (!msg_items_put(&o->items, MSG_queue_target_state, &s))
        buf_cut(&o->items, before);
}

static void
answer_show(struct queue *q, struct chan_call *call, const struct message *m, struct slice envelope)
{
    struct arena *arena = arena_new("show", QUEUE_OUTCOMES_BYTES);
    struct queue_entry e = entry_of(m);
    struct queue_show_answer answer = {.found = 1};
    struct open_targets open = {.message = m, .outcomes = target_outcomes(q, m, arena)};
    struct buf entry;
    int fd = -1;

    buf_init(&entry, 4096);
    buf_init(&open.items, OPEN_SHOWN);
    msg_items_put(&entry, MSG_queue_entry, &e);
    envelope_targets(envelope, put_open, &open);
    answer.entry = buf_slice(&entry);
    answer.open = buf_slice(&open.items);
    if (envelope.len <= ENVELOPE_SHOWN)
        answer.envelope = envelope;
    (void)journal_open_body(q->journal, m->id, &fd, &answer.body_offset); /* or without the body */
    chan_answer(call, MSG_queue_show_answer, &answer, fd);
    if (fd >= 0)
        close(fd);
    buf_clear(&entry);
    buf_clear(&open.items);
    arena_free(arena);
}

static void
on_show(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct queue *q = ((struct role *)ctx)->state;
    const struct message *m = map_get(&q->messages, any->queue_show.id);
    struct buf envelope;

    buf_init(&envelope, JOURNAL_ENVELOPE_MAX);
    if (m && envelope_read(q, m, &envelope))
        answer_show(q, call, m, buf_slice(&envelope));
    else
        chan_answer(call, MSG_queue_show_answer, &(struct queue_show_answer){.found = 0}, -1);
    buf_clear(&envelope);
}

const struct chan_handler ctl_handlers[] = {{MSG_queue_list, on_list},
                                            {MSG_queue_show, on_show},
                                            {MSG_queue_act, act_on_ask},
                                            {MSG_NONE, NULL}};
