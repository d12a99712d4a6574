/* What waits in the queue, for `valija queue`. */
#include <unistd.h>

#include "base/ensure.h"
#include "queue.h"

enum { PAGE_MAX = 200, ENVELOPE_SHOWN = 24 * 1024, OPEN_SHOWN = 16 * 1024 };

/* The soonest next try speaks for the message. */
static struct queue_entry
entry_of(const struct message *m)
{
    struct queue_entry e = {.id = m->id,
                            .received = m->received,
                            .size = m->size,
                            .sender = slice_of(m->sender),
                            .recipients = m->count,
                            .open = m->open,
                            .state = QUEUE_ACTIVE};

    for (uint32_t i = 0; i < m->count; i++) {
        const struct target *t = &m->targets[i];

        if (t->state != TARGET_DEFERRED || (e.next && e.next <= t->next))
            continue;
        e.state = QUEUE_DEFERRED;
        e.next = t->next;
        e.reason = slice_of(send_reasons[t->reason]);
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
    struct buf items;
};

static void
put_open(void *ctx, uint32_t index, const struct queue_target *mailbox, struct slice address)
{
    struct open_targets *o = ctx;
    const struct target *t = index < o->message->count ? &o->message->targets[index] : NULL;
    struct queue_target_state s = {.address = address, .account = mailbox->account};
    size_t before = o->items.len;

    if (!t || t->state == TARGET_DONE)
        return;
    s.attempts = t->attempts;
    if (t->state == TARGET_DEFERRED) {
        s.next = t->next;
        s.reason = slice_of(send_reasons[t->reason]);
    }
    if (!msg_items_put(&o->items, MSG_queue_target_state, &s))
        buf_cut(&o->items, before);
}

static void
answer_show(struct queue *q, struct chan_call *call, const struct message *m, struct slice envelope)
{
    struct queue_entry e = entry_of(m);
    struct queue_show_answer answer = {.found = 1};
    struct open_targets open = {.message = m};
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
}

static void
on_show(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct queue *q = ((struct role *)ctx)->state;
    const struct message *m = map_get(&q->messages, any->queue_show.id);
    uint64_t envelope_len = 0, body_len;
    struct buf envelope;
    uint8_t *to;

    buf_init(&envelope, JOURNAL_ENVELOPE_MAX);
    to = m && journal_get(q->journal, m->id, &envelope_len, &body_len)
             ? buf_reserve(&envelope, envelope_len)
             : NULL;
    if (to && !err_is(journal_read_envelope(q->journal, m->id, 0, to, envelope_len)))
        answer_show(q, call, m, slice_make(to, envelope_len));
    else
        chan_answer(call, MSG_queue_show_answer, &(struct queue_show_answer){.found = 0}, -1);
    buf_clear(&envelope);
}

const struct chan_handler show_handlers[] = {
    {MSG_queue_list, on_list}, {MSG_queue_show, on_show}, {MSG_NONE, NULL}};
