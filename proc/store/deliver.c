/* Deliveries from the queue. Nothing is answered here: each outcome follows its batch's sync. */
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/shard.h"
#include "rooms.h"

enum { PREFIX_MAX = 2048 };

static void
free_bytes(void *bytes)
{
    free(bytes);
}

/* A large body comes as a descriptor of the journal's segment. */
static struct store_body *
read_body(const struct store_deliver *m, int fd)
{
    uint8_t *bytes;
    size_t done = 0;

    if (fd < 0 || m->body_size > SIZE_MAX / 2)
        return NULL;
    bytes = heap_grow(NULL, m->body_size);
    while (done < m->body_size) {
        ssize_t n = pread(fd, bytes + done, m->body_size - done, (off_t)(m->offset + done));

        if (n <= 0) {
            free(bytes);
            return NULL;
        }
        done += (size_t)n;
    }
    return store_body_borrow(slice_make(bytes, done), free_bytes, bytes);
}

static struct store_body *
take_body(const struct store_deliver *m, int fd)
{
    if (m->body.len == m->body_size)
        return store_body_copy(m->body);
    return m->body.len == 0 ? read_body(m, fd) : NULL;
}

/* Return-Path: what RFC 5321 4.4 asks of the last step; Delivered-To: whom the sender named. */
static struct slice
prefix_of(const struct store_deliver *m, const struct store_target *t, struct buf *room)
{
    buf_reset(room);
    buf_put_string(room, "Return-Path: <");
    buf_put(room, m->sender);
    buf_put_string(room, ">\r\nDelivered-To: ");
    buf_put(room, t->recipient);
    buf_put_string(room, "\r\n");
    return room->full ? (struct slice){NULL, 0} : buf_slice(room);
}

static void
deliver(struct rooms *s, const struct store_deliver *m, const struct store_target *t,
        struct store_body *body, struct buf *prefix)
{
    struct store_delivery d = {.account = t->account,
                               .id = m->id,
                               .low_water = m->low_water,
                               .date_us = m->received * 1000000,
                               .quota_bytes = t->quota,
                               .prefix = prefix_of(m, t, prefix),
                               .body = body};

    if (store_deliver(s->store, &d) != STORE_PENDING)
        rooms_outcome(s, m->id, t->account, STORE_TRY_LATER); /* memory is full */
}

static bool
is_ours(const struct rooms *s, uint64_t account)
{
    return account != 0 && shard_owner(account, s->role->count) == s->role->index;
}

static void
deliver_to_all(struct rooms *s, const struct store_deliver *m, int fd)
{
    struct slice targets = m->targets;
    struct store_body *body = take_body(m, fd);
    struct store_target t;
    struct buf prefix;

    buf_init(&prefix, PREFIX_MAX);
    while (msg_items_take(&targets, MSG_store_target, &t)) {
        if (body && is_ours(s, t.account))
            deliver(s, m, &t, body, &prefix);
        else
            rooms_outcome(s, m->id, t.account, STORE_TRY_LATER);
    }
    buf_clear(&prefix);
    store_body_put(body);
}

static void
on_deliveries(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct rooms *s = ((struct role *)ctx)->state;
    struct slice deliveries = any->store_deliveries.deliveries;
    struct store_deliver m;

    while (msg_items_take(&deliveries, MSG_store_deliver, &m))
        deliver_to_all(s, &m, call->fd);
    if (store_pending(s->store) >= ROOMS_PAUSE_BYTES)
        chan_pause(call->chan, true); /* begin() in flush.c goes on */
    flush_soon(s);
}

const struct chan_handler deliver_handlers[] = {{MSG_store_deliveries, on_deliveries},
                                                {MSG_NONE, NULL}};
