/* Mailboxes for POP3 sessions: one at a time, by a lock that ends with the session or its edge. */
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/shard.h"
#include "rooms.h"

struct lock {
    uint64_t id, account;
    unsigned edge;
};

/* A question that waits for a sync: where its answer goes. */
struct waiting_call {
    struct chan *chan;
    uint32_t serial;
    unsigned edge;
    uint64_t account, lock;
    uint64_t removed;
};

static struct waiting_call *
keep_call(const struct chan_call *call, unsigned edge)
{
    struct waiting_call *w = heap_take(sizeof(*w));

    *w = (struct waiting_call){.chan = call->chan, .serial = call->serial, .edge = edge};
    return w;
}

/* The edge may be gone, or another one in its place, by the time there is an answer. */
static bool
call_is_open(const struct rooms *s, const struct waiting_call *w, struct chan_call *call)
{
    *call = (struct chan_call){.chan = w->chan, .serial = w->serial, .fd = -1};
    return role_peer(s->role, ROLE_access, w->edge) == w->chan;
}

static struct lock *
lock_account(struct rooms *s, uint64_t account, unsigned edge)
{
    struct lock *l = heap_take(sizeof(*l));

    *l = (struct lock){++s->last_lock, account, edge};
    map_put(&s->locks, l->id, l);
    map_put(&s->locked, account, l);
    return l;
}

static void
unlock(struct rooms *s, struct lock *l)
{
    map_take(&s->locks, l->id);
    map_take(&s->locked, l->account);
    free(l);
}

void
mailbox_edge_gone(struct rooms *s, unsigned index)
{
    struct lock *l;

    for (size_t at = 0; (l = map_next(&s->locks, &at)) != NULL;)
        if (l->edge == index) {
            unlock(s, l);
            at = 0; /* the map moved its entries */
        }
}

static void
answer_opened(struct rooms *s, const struct chan_call *call, struct lock *l)
{
    struct store_opened answer = {.verdict = STORE_OK, .lock = l->id};
    struct store_listing listing;
    struct err e = store_mailbox_open(s->store, l->account, &listing);

    if (err_is(e)) {
        LOG(storage, SLICE(""), log_number("account", l->account), log_err(e));
        unlock(s, l);
        answer = (struct store_opened){.verdict = STORE_TEMPORARY};
        chan_answer(call, MSG_store_opened, &answer, -1);
        return;
    }
    answer.uid_validity = listing.uidvalidity;
    answer.count = listing.count;
    chan_answer(call, MSG_store_opened, &answer, listing.fd);
    close(listing.fd);
}

static void
open_after_sync(struct rooms *s, void *ctx, bool ok)
{
    struct waiting_call *w = ctx;
    struct lock *l = map_get(&s->locks, w->lock);
    struct chan_call call;

    (void)ok; /* what the disk refused is still in the queue; the rest of the mailbox can be read */
    if (l && call_is_open(s, w, &call))
        answer_opened(s, &call, l);
    else if (l)
        unlock(s, l);
    free(w);
}

/* A session that has ended may have said so on a channel that was not read yet. */
static bool
is_locked(struct rooms *s, uint64_t account)
{
    const struct lock *l = map_get(&s->locked, account);
    struct chan *edge = l ? role_peer(s->role, ROLE_access, l->edge) : NULL;

    if (edge)
        chan_drain(edge);
    return map_get(&s->locked, account) != NULL;
}

/* What the queue sent before the session asked is in the mailbox when the session looks. */
static void
on_open(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct rooms *s = ((struct role *)ctx)->state;
    uint64_t account = any->store_open_mailbox.account;
    struct chan *queue = role_peer(s->role, ROLE_queue, 0);
    struct store_opened refused = {.verdict = STORE_TEMPORARY};
    struct waiting_call *w;
    unsigned edge;

    if (queue)
        chan_drain(queue);
    if (is_locked(s, account))
        refused.verdict = STORE_IN_USE;
    if (account == 0 || refused.verdict == STORE_IN_USE ||
        shard_owner(account, s->role->count) != s->role->index ||
        !role_peer_is(s->role, call->chan, ROLE_access, &edge)) {
        chan_answer(call, MSG_store_opened, &refused, -1);
        return;
    }
    if (store_settled(s->store, account)) {
        answer_opened(s, call, lock_account(s, account, edge));
        return;
    }
    w = keep_call(call, edge);
    w->lock = lock_account(s, account, edge)->id;
    flush_then(s, open_after_sync, w);
}

static void
on_pack(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct rooms *s = ((struct role *)ctx)->state;
    struct lock *l = map_get(&s->locks, any->store_pack.lock);
    struct store_pack_answer answer = {STORE_NOT_LOCKED};
    int fd = -1;

    if (l) {
        struct err e = store_pack_open_read(s->store, l->account, any->store_pack.pack, &fd);

        answer.verdict = err_is(e) ? STORE_TEMPORARY : STORE_OK;
        if (err_is(e))
            LOG(storage, SLICE(""), log_number("account", l->account), log_err(e));
    }
    chan_answer(call, MSG_store_pack_answer, &answer, fd);
    if (fd >= 0)
        close(fd);
}

static void
compact(struct rooms *s, uint64_t account)
{
    bool began = false;
    struct err e = store_compact(s->store, account, &began);

    if (err_is(e))
        LOG(storage, SLICE(""), log_number("account", account), log_err(e));
    if (began)
        flush_soon(s);
}

static void
answer_expunged(struct rooms *s, void *ctx, bool ok)
{
    struct waiting_call *w = ctx;
    struct store_expunged answer = {ok ? STORE_OK : STORE_TEMPORARY, w->removed};
    struct chan_call call;

    if (call_is_open(s, w, &call))
        chan_answer(&call, MSG_store_expunged, &answer, -1);
    compact(s, w->account);
    free(w);
}

static uint64_t *
read_uids(uint64_t count, int fd)
{
    size_t size = count * sizeof(uint64_t);
    uint64_t *uids;

    if (count == 0 || count > ROOMS_EXPUNGE_MAX || fd < 0)
        return NULL;
    uids = heap_grow(NULL, size);
    if (pread(fd, uids, size, 0) == (ssize_t)size)
        return uids;
    free(uids);
    return NULL;
}

static void
on_expunge(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct rooms *s = ((struct role *)ctx)->state;
    struct lock *l = map_get(&s->locks, any->store_expunge.lock);
    uint64_t *uids = read_uids(any->store_expunge.count, call->fd);
    struct store_expunged refused = {l ? STORE_TEMPORARY : STORE_NOT_LOCKED, 0};
    struct waiting_call *w;
    size_t removed = 0;
    static char there;

    if (!l || !uids ||
        err_is(store_expunge(s->store, l->account, uids, any->store_expunge.count, &removed))) {
        chan_answer(call, MSG_store_expunged, &refused, -1);
    } else {
        w = keep_call(call, l->edge);
        w->account = l->account;
        w->removed = removed;
        map_put(&s->touched, l->account, &there);
        flush_then(s, answer_expunged, w);
    }
    free(uids);
}

static void
on_close(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct rooms *s = ((struct role *)ctx)->state;
    struct lock *l = map_get(&s->locks, any->store_close.lock);

    (void)call;
    if (l)
        unlock(s, l);
}

const struct chan_handler mailbox_handlers[] = {{MSG_store_open_mailbox, on_open},
                                                {MSG_store_pack, on_pack},
                                                {MSG_store_expunge, on_expunge},
                                                {MSG_store_close, on_close},
                                                {MSG_NONE, NULL}};
