/* Telling senders what became of their mail. The queue knows what is to be told; a courier writes
 * it and submits it as a message of its own, whose envelope says whom it tells of: so the notice is
 * durable before those targets are done, and no crash makes a second one.
 *
 * One notice about a message is under way at a time. What fails within a moment shares one. */
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "commit.h"

enum { TOLD_MAX = 50, TOLD_BYTES = 48 * 1024 };

/* A notice being put together, and then under way. */
struct notice {
    struct queue *q;
    uint64_t id; /* of the message it is about */
    enum notice_kind kind;
    const struct queue_outcome *outcomes;
    struct buf told; /* courier_told */
    unsigned count;
};

void
notice_owe(struct queue *q, struct message *m)
{
    if (m->tell_at == 0)
        m->tell_at = q->wheel.now + QUEUE_GATHER_SECONDS;
}

/* ---- who is to be told what ---- */

static bool
owes(const struct queue *q, const struct message *m, const struct target *t, enum notice_kind kind)
{
    switch (kind) {
    case NOTICE_FAILED:
        return t->state == TARGET_FAILED;
    case NOTICE_SUCCESS:
        return t->state == TARGET_RELAYED;
    case NOTICE_DELAYED:
        return message_must_warn(q, m, t);
    case NOTICE_HELD:
        return t->state == TARGET_HELD && !t->by_command &&
               q->wheel.now - q->held_told[t->reason] > QUEUE_HELD_TELL_SECONDS;
    default:
        return false;
    }
}

static bool
find_kind(const struct queue *q, const struct message *m, enum notice_kind *kind)
{
    static const enum notice_kind kinds[] = {NOTICE_FAILED, NOTICE_SUCCESS, NOTICE_HELD,
                                             NOTICE_DELAYED};

    for (size_t k = 0; k < COUNT(kinds); k++)
        for (uint32_t i = 0; i < m->count; i++)
            if (owes(q, m, &m->targets[i], kinds[k])) {
                *kind = kinds[k];
                return true;
            }
    return false;
}

static void
put_told(void *ctx, const struct envelope_target *t)
{
    struct notice *n = ctx;
    const struct message *m = map_get(&n->q->messages, n->id);
    const struct target *to = t->index < m->count ? &m->targets[t->index] : NULL;
    uint8_t bytes[JOURNAL_REASON_MAX + 64];
    struct buf outcome = {.at = bytes, .room = sizeof(bytes), .cap = sizeof(bytes)};
    struct courier_told told;
    struct queue_outcome o;
    size_t before = n->told.len;

    if (!to || n->count == TOLD_MAX || !owes(n->q, m, to, n->kind))
        return;
    o = target_outcome(to, n->outcomes, t->index);
    msg_items_put(&outcome, MSG_queue_outcome, &o);
    told = (struct courier_told){.index = t->index,
                                 .address = t->address,
                                 .written = t->recipient.address,
                                 .orcpt = t->recipient.orcpt,
                                 .hidden = (t->to.flags & QUEUE_HIDDEN) != 0,
                                 .relayed = to->relayed,
                                 .expired = to->expired,
                                 .outcome = buf_slice(&outcome)};
    n->count += msg_items_put(&n->told, MSG_courier_told, &told);
    if (n->told.full) { /* the rest is told in a further one */
        buf_cut(&n->told, before);
        n->told.full = false;
    }
}

/* ---- there ---- */

static void on_notified(void *ctx, const union msg_any *answer, int fd);

static bool
ask(struct notice *n, struct message *m, struct slice envelope)
{
    struct chan *c = role_peer(n->q->role, ROLE_courier, 0);
    struct courier_notify ask = {.id = m->id, .kind = n->kind, .until = message_until(n->q, m)};
    struct queue_envelope e;
    int fd;

    if (!c || !envelope_decode(envelope, &e) || !envelope_targets(envelope, put_told, n) ||
        n->count == 0 || err_is(journal_open_body(n->q->journal, m->id, &fd, &ask.offset)))
        return false;
    ask.sender = e.sender;
    ask.envid = e.envid;
    ask.ret = e.ret;
    ask.received = e.received;
    ask.flags = e.flags;
    ask.recipients = buf_slice(&n->told);
    ask.body_size = m->size;
    chan_ask(c, MSG_courier_notify, &ask, fd, MSG_courier_notified, on_notified, n);
    close(fd);
    return true;
}

static void
free_notice(struct notice *n)
{
    buf_clear(&n->told);
    free(n);
}

static bool
begin(struct queue *q, struct message *m, enum notice_kind kind)
{
    struct notice *n = heap_take(sizeof(*n));
    struct arena *a = arena_new("notice", QUEUE_OUTCOMES_BYTES);
    struct buf envelope;
    bool begun;

    *n = (struct notice){.q = q, .id = m->id, .kind = kind, .outcomes = target_outcomes(q, m, a)};
    buf_init(&n->told, TOLD_BYTES);
    buf_init(&envelope, JOURNAL_ENVELOPE_MAX);
    begun = n->outcomes && envelope_read(q, m, &envelope) && ask(n, m, buf_slice(&envelope));
    n->outcomes = NULL;
    buf_clear(&envelope);
    arena_free(a);
    if (!begun)
        free_notice(n);
    return begun;
}

void
notice_tell(struct queue *q, struct message *m)
{
    enum notice_kind kind;

    m->tell_at = 0;
    if (find_kind(q, m, &kind)) {
        if (begin(q, m, kind))
            m->telling = true;
        else
            m->tell_at = q->wheel.now + QUEUE_NOTICE_AGAIN_SECONDS;
    }
    message_watch(q, m);
}

/* ---- and back ---- */

/* True: the message is no more. */
static bool
told(struct queue *q, struct message *m, uint32_t index, enum notice_kind kind)
{
    struct target *t = &m->targets[index];

    if (kind == NOTICE_FAILED && t->state == TARGET_FAILED)
        return message_settle(q, m, index);
    if (kind == NOTICE_SUCCESS && t->state == TARGET_RELAYED)
        return message_settle(q, m, index);
    if (kind == NOTICE_DELAYED)
        t->warned = true;
    if (kind == NOTICE_HELD)
        q->held_told[t->reason] = q->wheel.now;
    return false;
}

void
notice_kept(struct queue *q, const struct queue_envelope *notice)
{
    struct message *m = map_get(&q->messages, notice->about);
    struct slice items = notice->told;
    struct queue_index i;

    q->notices++;
    while (m && msg_items_take(&items, MSG_queue_index, &i))
        if (i.index < m->count && told(q, m, i.index, (enum notice_kind)notice->notice))
            m = NULL;
}

/* A warning is noted with what it was about, so that a restart does not repeat it. */
static void
note_warned(const struct notice *n, struct message *m)
{
    struct slice items = buf_slice(&n->told);
    struct courier_told t;
    struct queue_outcome o;

    while (msg_items_take(&items, MSG_courier_told, &t))
        if (msg_items_take(&t.outcome, MSG_queue_outcome, &o) &&
            m->targets[t.index].state == TARGET_DEFERRED)
            target_note_warned(n->q, m, t.index, &o);
}

/* There is nobody to tell. */
static void
give_up(const struct notice *n)
{
    struct message *m = map_get(&n->q->messages, n->id);
    struct slice items = buf_slice(&n->told);
    struct courier_told t;

    while (m && msg_items_take(&items, MSG_courier_told, &t))
        if (told(n->q, m, t.index, n->kind))
            m = NULL;
}

static void
on_notified(void *ctx, const union msg_any *answer, int fd)
{
    struct notice *n = ctx;
    struct queue *q = n->q;
    uint32_t result = answer ? answer->courier_notified.result : NOTICE_LATER;
    struct message *m = map_get(&q->messages, n->id);

    if (fd >= 0)
        close(fd);
    if (m && result == NOTICE_KEPT && n->kind == NOTICE_DELAYED)
        note_warned(n, m);
    if (m && result == NOTICE_NOWHERE)
        give_up(n);
    m = map_get(&q->messages, n->id);
    if (m) {
        m->telling = false;
        m->tell_at = q->wheel.now + (result == NOTICE_LATER ? QUEUE_NOTICE_AGAIN_SECONDS : 1);
        message_watch(q, m);
    }
    free_notice(n);
}
