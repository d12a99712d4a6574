/* A delivery's way to disk, docs/store.md: for each account one write to its pack and one
 * transaction, then one sync for all, then the outcomes. */
#include "store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"

/* ---- one account ---- */

/* One write to a pack in the making. */
struct writing {
    struct account *a;
    struct pack *p;       /* NULL until something is to be written */
    struct pack before;   /* *p as it was */
    struct mailbox inbox; /* the account's as it was */
    uint64_t end;         /* of the pack, with what is written here */
    struct iovec *iov;    /* a pack head, then head, prefix and body of each entry */
    size_t iov_count;
    uint8_t
        *heads; /* PACK_ENTRY_HEAD bytes for each delivery of the line, PACK_HEAD for the pack */
    size_t head_len;
};

static uint8_t *
put_head(struct writing *w, size_t len)
{
    uint8_t *head = w->heads + w->head_len;

    w->head_len += len;
    w->iov[w->iov_count++] = (struct iovec){head, len};
    return head;
}

/* The pack that takes these entries, its file open in append_fd. */
static struct err
ready_pack(struct writing *w)
{
    struct account *a = w->a;
    char path[STORE_PATH_MAX];

    w->p = a->append ? account_pack(a, a->append) : NULL;
    if (!w->p || w->p->end >= a->st->config.pack_bytes)
        w->p = account_pack_begin(a);
    w->before = *w->p;
    w->end = w->p->end;
    if (a->append_fd < 0) {
        pack_path(path, a->id, w->p->number);
        a->append_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (a->append_fd < 0)
            return err_os(errno, "opening a pack");
    }
    if (w->end == 0) {
        pack_head_write(put_head(w, PACK_HEAD), w->p->mark);
        w->end = PACK_HEAD;
    }
    return ERR_OK;
}

static void
put_entry(struct writing *w, struct delivery *d)
{
    struct mailbox *m = &w->a->inbox;
    struct slice prefix = slice_make(d->prefix, d->prefix_len), shared = body_bytes(d->body);
    struct pack_entry e = {.delivery = d->id,
                           .date_us = d->date_us,
                           .offset = w->end + PACK_ENTRY_HEAD,
                           .size = (uint32_t)d->size};

    pack_entry_write(put_head(w, PACK_ENTRY_HEAD), w->p->mark, &e, prefix, shared);
    if (prefix.len)
        w->iov[w->iov_count++] = (struct iovec){d->prefix, prefix.len};
    if (shared.len)
        w->iov[w->iov_count++] = (struct iovec){(void *)(uintptr_t)shared.at, shared.len};
    index_run(&w->a->index, SQL_message_put,
              (int64_t[]){message_key(STORE_INBOX, m->uidnext), (int64_t)d->date_us, e.size,
                          w->p->number, (int64_t)e.offset, 0, (int64_t)m->modseq, (int64_t)d->id});
    w->end = e.offset + e.size;
    w->p->count++;
    w->p->bytes += e.size;
    m->uidnext++;
    m->count++;
    m->bytes += e.size;
}

/* In the order that matters: what was delivered before is a duplicate even where the quota is full.
 */
static enum store_outcome
decide(const struct account *a, const struct delivery *d, bool is_new)
{
    if (!is_new)
        return STORE_DUPLICATE;
    if (d->quota_bytes && account_bytes(a) + d->size > d->quota_bytes)
        return STORE_OVER_QUOTA;
    return a->inbox.uidnext < STORE_UID_END ? STORE_DELIVERED : STORE_FAILED;
}

static struct err
put_delivery(struct writing *w, struct delivery *d)
{
    struct index *ix = &w->a->index;
    struct err err = ERR_OK;

    index_run(ix, SQL_delivered_put, (int64_t[]){(int64_t)d->id});
    if (err_is(ix->err))
        return ERR_OK; /* it sticks, the commit tells */
    d->outcome = decide(w->a, d, index_changes(ix) > 0);
    if (d->outcome == STORE_DELIVERED) {
        if (!w->p)
            err = ready_pack(w);
        if (!err_is(err))
            put_entry(w, d);
    } else if (d->outcome != STORE_DUPLICATE) {
        index_run(ix, SQL_delivered_drop, (int64_t[]){(int64_t)d->id});
        if (d->outcome == STORE_FAILED)
            d->err = err_make(ERR_LIMIT, "giving a UID: the mailbox had 2^32 messages");
    }
    return err;
}

static struct err
put_line(struct writing *w, struct line *l)
{
    struct account *a = w->a;
    uint64_t *low_water = &a->inbox.low_water;
    struct err err;

    LIST_EACH(at, &l->deliveries)
    {
        struct delivery *d = LIST_OF(at, struct delivery, link);

        *low_water = d->low_water > *low_water ? d->low_water : *low_water;
        err = put_delivery(w, d);
        if (err_is(err) || err_is(a->index.err))
            return err;
    }
    index_run(&a->index, SQL_delivered_prune, (int64_t[]){(int64_t)*low_water});
    if (!w->p)
        return ERR_OK;
    err = pack_write(a->append_fd, w->iov, w->iov_count, w->p->end);
    w->p->end = w->end;
    w->p->dirty = true;
    w->p->gone = false;
    return err;
}

static void
take_back(struct writing *w)
{
    w->a->inbox = w->inbox;
    if (!w->p)
        return;
    *w->p = w->before;
    /* Where cutting fails too, the next opening finds what is there (states 3 and 4). */
    if (w->a->append_fd >= 0 && ftruncate(w->a->append_fd, (off_t)w->p->end) != 0)
        account_pack_end(w->a);
}

static struct err
write_line(struct account *a, struct line *l)
{
    struct writing w = {.a = a, .inbox = a->inbox};
    struct err err;

    w.iov = heap_take((l->count * 3 + 1) * sizeof(*w.iov));
    w.heads = heap_take(l->count * PACK_ENTRY_HEAD + PACK_HEAD);
    index_begin(&a->index);
    a->inbox.modseq++;
    err = put_line(&w, l);
    if (!err_is(err))
        account_save(a);
    err = index_commit(&a->index, err);
    if (err_is(err))
        take_back(&w);
    else
        account_committed(a);
    free(w.iov);
    free(w.heads);
    return err;
}

static void
flush_line(struct store *st, struct line *l)
{
    struct account *a;
    struct err err;
    bool again = false;

    do {
        err = account_get(st, l->account, true, &a);
        if (!err_is(err))
            err = write_line(a, l);
        again = !again && err_is(err) && a && a->index.damaged; /* getting it builds it again */
    } while (again);
    if (err_is(err)) {
        line_fail(st, l, err);
        return;
    }
    line_end(st, l);
    if (a->index.wal_frames >= STORE_FOLD_LATEST)
        (void)account_fold(a); /* a failure leaves the WAL, or puts the account in doubt */
}

/* ---- batches ---- */

static void
take_snapshots(struct store *st, struct store_batch *b)
{
    b->snapshots = heap_take((st->opened_count + 1) * sizeof(*b->snapshots));
    LIST_EACH(at, &st->accounts)
    {
        struct account *a = LIST_OF(at, struct account, link);
        struct pack *p = a->append ? account_pack(a, a->append) : NULL;

        if (a->shown != a->inbox.uidnext || a->written > st->synced)
            b->snapshots[b->snapshot_count++] = (struct snapshot){
                .account = a->id,
                .serial = a->serial,
                .uidnext = a->inbox.uidnext,
                .append = a->append,
                .last = account_pack_next(a) - 1,
                .end = p ? p->end : 0,
            };
    }
}

struct store_batch *
store_flush(struct store *st, size_t most)
{
    struct store_batch *b = heap_take(sizeof(*b));
    size_t done = 0;

    LIST_EACH(at, &st->lines)
    {
        if (most && done++ == most)
            break;
        flush_line(st, LIST_OF(at, struct line, link));
    }
    b->st = st;
    b->err = ERR_OK;
    b->seq = st->seq;
    list_init(&b->deliveries);
    LIST_EACH(at, &st->decided)
    {
        list_remove(at);
        list_append(&b->deliveries, at);
    }
    take_snapshots(st, b);
    list_append(&st->batches, &b->link);
    pthread_mutex_lock(&st->sync_lock);
    b->failures = st->failures;
    pthread_mutex_unlock(&st->sync_lock);
    return b;
}

struct err
store_batch_sync(struct store_batch *b)
{
    struct store *st = b->st;

    pthread_mutex_lock(&st->sync_lock);
    b->ran = true;
    if (b->failures != st->failures)
        b->err = err_make(ERR_TEMPORARY, "syncing the mailboxes: an earlier sync failed");
    else if (syncfs(st->sync_fd) != 0) {
        b->err = (struct err){ERR_TEMPORARY, errno, "syncing the mailboxes"};
        st->failures++;
    }
    pthread_mutex_unlock(&st->sync_lock);
    return b->err;
}

/* All packs but the one appended to are as they were when the batch began. */
static void
note_synced(struct account *a, const struct snapshot *s)
{
    if (s->uidnext > a->shown)
        a->shown = s->uidnext;
    for (size_t i = 0; i < a->pack_count; i++) {
        struct pack *p = &a->packs[i];
        uint64_t end = p->number == s->append ? s->end : p->end;

        if (p->number <= s->last && end > p->synced) {
            p->synced = end;
            p->dirty = true;
        }
    }
}

/* What can be done now that everything up to b->seq is durable. */
static void
go_on(struct store *st, const struct store_batch *b)
{
    size_t folds = 0;

    st->synced = b->seq > st->synced ? b->seq : st->synced;
    if (st->closed <= st->synced)
        doubt_forget(&st->unsynced);
    for (size_t i = 0; i < b->snapshot_count; i++) {
        struct account *a = map_get(&st->opened, b->snapshots[i].account);

        if (a && a->serial == b->snapshots[i].serial)
            note_synced(a, &b->snapshots[i]);
    }
    LIST_EACH(at, &st->accounts)
    {
        struct account *a = LIST_OF(at, struct account, link);

        if (a->move && move_seq(a->move) <= st->synced)
            move_finish(a);
        if (a->written > st->synced)
            continue;
        account_packs_unlink(a);
        if (a->index.wal_frames >= STORE_FOLD_FRAMES && folds++ < STORE_FOLDS_PER_BATCH)
            (void)account_fold(a);
    }
}

static void
batch_free(struct store_batch *b)
{
    LIST_EACH(at, &b->deliveries)
    free(LIST_OF(at, struct delivery, link));
    list_remove(&b->link);
    free(b->snapshots);
    free(b);
}

struct err
store_batch_done(struct store *st, struct store_batch *b, store_outcome_fn *fn, void *ctx)
{
    struct err err;
    unsigned failures;

    ensure(b->ran);
    pthread_mutex_lock(&st->sync_lock);
    failures = st->failures;
    pthread_mutex_unlock(&st->sync_lock);
    if (failures != st->doubted) {
        st->doubted = failures;
        doubt_everything(st); /* whichever batch it was: also this one */
    }
    err = err_is(b->err) || !b->doubted
              ? b->err
              : err_make(ERR_TEMPORARY, "syncing the mailboxes: another sync failed");
    if (!err_is(err))
        go_on(st, b);
    LIST_EACH(at, &b->deliveries)
    {
        struct delivery *d = LIST_OF(at, struct delivery, link);

        if (fn)
            fn(ctx, d->account, d->id, d->outcome, d->err);
    }
    batch_free(b);
    return err;
}
