/* Deliveries in memory: bodies that many share, and a line for each account with deliveries. */
#include "store/store_private.h"

#include <stdlib.h>

#include "base/ensure.h"

struct store_body {
    size_t references;
    struct slice bytes;
    void (*release)(void *);
    void *ctx;
};

struct store_body *
store_body_borrow(struct slice bytes, void (*release)(void *), void *ctx)
{
    struct store_body *b = heap_take(sizeof(*b));

    *b = (struct store_body){1, bytes, release, ctx};
    return b;
}

struct store_body *
store_body_copy(struct slice bytes)
{
    uint8_t *copy = heap_take(bytes.len ? bytes.len : 1);

    if (bytes.len)
        memcpy(copy, bytes.at, bytes.len);
    return store_body_borrow(slice_make(copy, bytes.len), free, copy);
}

void
store_body_get(struct store_body *b)
{
    b->references++;
}

void
store_body_put(struct store_body *b)
{
    if (!b || --b->references > 0)
        return;
    if (b->release)
        b->release(b->ctx);
    free(b);
}

struct slice
body_bytes(const struct store_body *b)
{
    return b->bytes;
}

static struct line *
line_to(struct store *st, uint64_t account)
{
    struct line *l = map_get(&st->line_of, account);

    if (l)
        return l;
    l = heap_take(sizeof(*l));
    l->account = account;
    list_init(&l->deliveries);
    list_append(&st->lines, &l->link);
    map_put(&st->line_of, account, l);
    return l;
}

enum store_answer
store_deliver(struct store *st, const struct store_delivery *d)
{
    struct slice bytes = body_bytes(d->body);
    uint64_t size = (uint64_t)d->prefix.len + bytes.len;
    struct delivery *own;
    struct line *l;

    ensure(d->account != 0 && shard_owner(d->account, st->config.count) == st->config.index);
    ensure(d->id != 0 && d->id <= INT64_MAX && d->low_water <= INT64_MAX && size <= UINT32_MAX);
    if (st->pending > 0 && st->pending + size > st->config.pending_bytes)
        return STORE_BUSY;
    own = heap_take(sizeof(*own) + d->prefix.len);
    own->account = d->account;
    own->id = d->id;
    own->low_water = d->low_water;
    own->date_us = d->date_us;
    own->quota_bytes = d->quota_bytes;
    own->size = size;
    own->err = ERR_OK;
    own->prefix_len = d->prefix.len;
    if (d->prefix.len)
        memcpy(own->prefix, d->prefix.at, d->prefix.len);
    own->body = d->body;
    store_body_get(d->body);
    l = line_to(st, d->account);
    list_append(&l->deliveries, &own->link);
    l->count++;
    l->bytes += size;
    st->pending += size + PACK_ENTRY_HEAD;
    return STORE_PENDING;
}

size_t
store_pending(const struct store *st)
{
    return st->pending;
}

void
line_end(struct store *st, struct line *l)
{
    LIST_EACH(at, &l->deliveries)
    {
        struct delivery *d = LIST_OF(at, struct delivery, link);

        store_body_put(d->body);
        d->body = NULL;
        st->pending -= d->size + PACK_ENTRY_HEAD;
        list_remove(at);
        list_append(&st->decided, at);
    }
    map_take(&st->line_of, l->account);
    list_remove(&l->link);
    free(l);
}

void
line_fail(struct store *st, struct line *l, struct err err)
{
    LIST_EACH(at, &l->deliveries)
    {
        struct delivery *d = LIST_OF(at, struct delivery, link);

        d->outcome = STORE_FAILED;
        d->err = err;
    }
    line_end(st, l);
}
