/* To the stores and back. A store may be told the same delivery twice, it refuses the second: so
 * whatever is in doubt here is simply sent again. */
#include <unistd.h>

#include "base/shard.h"
#include "queue.h"
#include "role/spawn.h"
#include "schedule.h"

enum {
    TARGETS_ROOM = 24 * 1024,  /* bytes of targets in one delivery, beside the body */
    DELIVERY_BYTES = 16 << 20, /* to be written for one, so that a store can put off the next */
    OUTBOX_ROOM = MSG_FRAME_MAX - 64,
};

/* A message on its way to one store, in one delivery or, with many targets, several. */
struct parcel {
    struct queue *q;
    struct message *message;
    struct store_deliver delivery;
    struct buf targets; /* store_target items of this delivery */
    uint64_t bytes;     /* that the store writes for them */
    unsigned store, stores;
    int fd;
    bool failed;
};

/* Deliveries that wait for others to share their frame, until local_flush. */
static struct buf outboxes[ROLE_INSTANCES_MAX];

/* No transaction lasts longer, so no message with an older id can still come from an edge. */
uint64_t
queue_oldest_id(const struct queue *q)
{
    return role_message_id_floor(role_limit(q->role, LIMIT_transaction_seconds) +
                                 QUEUE_ID_MARGIN_SECONDS);
}

/* What the stores may forget: neither the journal nor an edge will ever bring an id below it. */
static uint64_t
queue_low_water(const struct queue *q)
{
    uint64_t replayed = journal_low_water(q->journal), oldest = queue_oldest_id(q);

    return replayed < oldest ? replayed : oldest;
}

static bool
send_outbox(struct queue *q, unsigned store, int fd)
{
    struct chan *c = role_peer(q->role, ROLE_store, store);
    struct store_deliveries m = {buf_slice(&outboxes[store])};
    bool sent = m.deliveries.len == 0 || (c && !err_is(chan_send(c, MSG_store_deliveries, &m, fd)));

    buf_reset(&outboxes[store]);
    return sent;
}

/* What could not be sent is sent again when the store is back: its channel has failed. */
void
local_flush(struct queue *q)
{
    for (unsigned i = 0; i < role_peer_count(q->role, ROLE_store); i++)
        (void)send_outbox(q, i, -1);
}

static void
put_delivery(struct parcel *p)
{
    struct buf *outbox = &outboxes[p->store];
    size_t before;

    if (p->targets.len == 0)
        return;
    p->delivery.targets = buf_slice(&p->targets);
    outbox->cap = OUTBOX_ROOM;
    before = outbox->len;
    if (p->fd >= 0 || !msg_items_put(outbox, MSG_store_deliver, &p->delivery)) {
        buf_cut(outbox, before);
        outbox->full = false;
        p->failed |= !send_outbox(p->q, p->store, -1);
        msg_items_put(outbox, MSG_store_deliver, &p->delivery);
    }
    if (p->fd >= 0)
        p->failed |= !send_outbox(p->q, p->store, p->fd);
    buf_reset(&p->targets);
    p->bytes = 0;
}

static void
put_target(void *ctx, const struct envelope_target *e)
{
    struct parcel *p = ctx;
    struct target *t = e->index < p->message->count ? &p->message->targets[e->index] : NULL;
    struct store_target item = {e->to.account, e->to.quota, e->address};

    if (!t || e->to.account == 0 || (t->state != TARGET_OPEN && t->state != TARGET_SENT) ||
        shard_owner(e->to.account, p->stores) != p->store)
        return;
    if (p->targets.len + e->address.len + 64 > TARGETS_ROOM ||
        p->bytes + p->message->size > DELIVERY_BYTES)
        put_delivery(p);
    p->bytes += p->message->size;
    msg_items_put(&p->targets, MSG_store_target, &item);
    t->state = TARGET_SENT;
}

/* Small bodies inside the frame, large ones as a descriptor of the segment they lie in. */
static bool
find_body(struct parcel *p, const struct slice *at_hand, struct buf *room)
{
    struct found_body found = {.fd = -1};
    bool small = p->message->size <= QUEUE_INLINE_MAX;

    if (at_hand && small)
        found.bytes = *at_hand;
    else if (!body_find(p->q, p->message, QUEUE_INLINE_MAX, room, &found))
        return false;
    p->delivery.body_size = p->message->size;
    p->delivery.body = found.bytes;
    p->delivery.offset = found.offset;
    p->fd = found.fd;
    return true;
}

static bool
goes_to(const struct message *m, unsigned store, unsigned stores)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->targets[i].state == TARGET_OPEN && m->targets[i].account &&
            shard_owner(m->targets[i].account, stores) == store)
            return true;
    return false;
}

static bool
send_to_stores(struct parcel *p, struct slice envelope)
{
    for (p->store = 0; p->store < p->stores; p->store++) {
        if (!goes_to(p->message, p->store, p->stores))
            continue;
        if (!role_peer(p->q->role, ROLE_store, p->store))
            return false;
        if (!envelope_targets(envelope, put_target, p))
            p->failed = true;
        put_delivery(p);
    }
    return !p->failed;
}

static void
set_waiting(struct list *list, struct message *m)
{
    list_remove(&m->waiting);
    list_append(list, &m->waiting);
}

static void
put_back(struct message *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->targets[i].state == TARGET_SENT && m->targets[i].account)
            m->targets[i].state = TARGET_OPEN;
}

static bool
windows_open(const struct queue *q)
{
    unsigned stores = role_peer_count(q->role, ROLE_store);

    for (unsigned i = 0; i < stores; i++) {
        const struct chan *c = role_peer(q->role, ROLE_store, i);

        if (c && chan_backlog(c) > QUEUE_WINDOW_BYTES)
            return false;
    }
    return stores > 0;
}

static bool
send_now(struct queue *q, struct message *m, const struct slice *envelope, const struct slice *body)
{
    static struct buf envelope_room = {.cap = JOURNAL_ENVELOPE_MAX};
    static struct buf body_room = {.cap = QUEUE_INLINE_MAX};
    struct queue_envelope e;
    struct slice from_journal = {NULL, 0};
    struct parcel p = {.q = q, .message = m, .fd = -1};
    bool sent;

    buf_reset(&envelope_room);
    buf_reset(&body_room);
    buf_init(&p.targets, TARGETS_ROOM);
    p.stores = role_peer_count(q->role, ROLE_store);
    p.delivery = (struct store_deliver){.id = m->id, .received = m->received};
    if (!envelope && envelope_read(q, m, &envelope_room)) {
        from_journal = buf_slice(&envelope_room);
        envelope = &from_journal;
    }
    sent = envelope && envelope_decode(*envelope, &e) && find_body(&p, body, &body_room);
    if (sent) {
        p.delivery.sender = e.sender;
        p.delivery.low_water = queue_low_water(q);
        sent = send_to_stores(&p, *envelope);
    }
    if (p.fd >= 0)
        close(p.fd);
    buf_clear(&p.targets);
    return sent;
}

void
local_send(struct queue *q, struct message *m, const struct slice *envelope,
           const struct slice *body)
{
    if (!windows_open(q) || !send_now(q, m, envelope, body)) {
        put_back(m);
        set_waiting(&q->sending, m);
    } else {
        list_remove(&m->waiting);
    }
}

/* One that cannot be sent now goes to the end and stops the round: its store is likely down. */
void
local_pump(struct queue *q)
{
    while (!list_empty(&q->sending) && windows_open(q)) {
        struct message *m = LIST_OF(q->sending.next, struct message, waiting);

        local_send(q, m, NULL, NULL);
        if (q->sending.prev == &m->waiting)
            break;
    }
    local_flush(q);
}

void
local_again(struct queue *q, unsigned store)
{
    unsigned stores = role_peer_count(q->role, ROLE_store);

    LIST_EACH(at, &q->all)
    {
        struct message *m = LIST_OF(at, struct message, all);
        bool any = false;

        for (uint32_t i = 0; i < m->count; i++) {
            struct target *t = &m->targets[i];

            if (!t->account || shard_owner(t->account, stores) != store || t->state != TARGET_SENT)
                continue;
            t->state = TARGET_OPEN;
            any = true;
        }
        if (any)
            set_waiting(&q->sending, m);
    }
    local_pump(q);
}

void
local_due(struct queue *q, struct message *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        struct target *t = &m->targets[i];

        if (t->account && t->state == TARGET_DEFERRED && t->next <= q->wheel.now)
            t->state = TARGET_OPEN;
    }
    local_resume(q, m);
}

void
local_resume(struct queue *q, struct message *m)
{
    uint32_t next = 0;
    bool open = false;

    for (uint32_t i = 0; i < m->count; i++) {
        const struct target *t = &m->targets[i];

        open |= t->account && t->state == TARGET_OPEN;
        if (t->account && t->state == TARGET_DEFERRED && (!next || t->next < next))
            next = t->next;
    }
    if (next)
        wheel_set(&q->wheel, &m->local, next);
    if (open && list_empty(&m->waiting))
        set_waiting(&q->sending, m);
}

/* ---- outcomes ---- */

/* What a store's word means, as an outcome. */
static const struct {
    const char *reason, *status;
} outcomes[] = {
    [STORE_SYNCED] = {"", "2.0.0"},
    [STORE_FULL] = {"mailbox-full", "4.2.2"},
    [STORE_TRY_LATER] = {"local-error", "4.3.0"},
};

static void
take_target(struct queue *q, struct message *m, uint32_t index, enum store_outcome_kind kind)
{
    static const struct schedule schedule = {QUEUE_LOCAL_FIRST_SECONDS, QUEUE_LOCAL_MOST_SECONDS,
                                             0};
    unsigned attempts = m->targets[index].attempts + 1u;
    struct attempt a = {.outcome = {.ours = 1,
                                    .tried = queue_now(),
                                    .reason = slice_of(outcomes[kind].reason),
                                    .status = slice_of(outcomes[kind].status)}};

    if (kind == STORE_SYNCED) {
        target_arrive(q, m, index, &a, false);
        return;
    }
    target_defer(q, m, index, &a,
                 q->wheel.now + schedule_pause(&schedule, CATALOGUE_RETRY_no, attempts, 0));
    local_resume(q, m);
    message_watch(q, m);
}

static void
take_outcome(struct queue *q, const struct store_result *o)
{
    struct message *m = map_get(&q->messages, o->id);

    for (uint32_t i = 0; m && i < m->count; i++) {
        const struct target *t = &m->targets[i];

        /* OPEN: it was to be sent again, as another store was not there */
        if (t->account != o->account || (t->state != TARGET_SENT && t->state != TARGET_OPEN))
            continue;
        take_target(q, m, i, (enum store_outcome_kind)o->outcome);
        return;
    }
}

static void
on_outcomes(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct queue *q = ((struct role *)ctx)->state;
    struct slice items = any->store_outcomes.outcomes;
    struct store_result o;

    (void)call;
    while (msg_items_take(&items, MSG_store_result, &o))
        if (o.outcome <= STORE_TRY_LATER)
            take_outcome(q, &o);
    local_pump(q);
}

const struct chan_handler local_handlers[] = {{MSG_store_outcomes, on_outcomes}, {MSG_NONE, NULL}};
