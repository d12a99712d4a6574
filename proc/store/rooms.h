/* The store role: deliveries from the queue into mailboxes, mailboxes to the access edges. The disk
 * is lib/store's; what waits for one of its syncs stands here. */
#ifndef STORE_ROOMS_H
#define STORE_ROOMS_H

#include "base/list.h"
#include "base/map.h"
#include "role/role.h"
#include "store/store.h"

enum {
    ROOMS_FLUSH_MS = 1000,        /* a delivery waits so long for others to share its sync */
    ROOMS_FLUSH_BYTES = 16 << 20, /* or until so much is pending */
    ROOMS_EXPUNGE_MAX = 4 << 20,  /* UIDs of one store_expunge */
    ROOMS_PACK_BYTES = 64 << 20,
    ROOMS_OPEN_ACCOUNTS = 128,
    ROOMS_IDLE_ACCOUNTS = 4, /* kept open when nothing happened for a while */
    ROOMS_IDLE_MS = 5000,
    ROOMS_PAUSE_BYTES = 32 << 20, /* pending: the queue keeps what follows until a batch begins */
    ROOMS_PENDING_BYTES = 64 << 20,
};

struct rooms {
    struct role *role;
    struct store *store;
    struct timer *flush, *idle;
    bool flush_due, flushing, stopping;
    struct store_batch *batch; /* being synced by a worker */
    struct list waiting;       /* struct waiter: what goes on after a sync */
    struct map locks;          /* lock id -> struct lock */
    struct map locked;         /* account -> struct lock */
    uint64_t last_lock, delivered, duplicates, flushes;
    struct map touched;  /* accounts whose usage is to be reported */
    struct buf outcomes; /* store_outcome items on their way to the queue */
};

/* main.c: after the last batch of a stop */
void rooms_close(struct rooms *s);

/* flush.c */
void flush_soon(struct rooms *s); /* within ROOMS_FLUSH_MS */
void flush_now(struct rooms *s);  /* as soon as the sync under way, if any, has ended */

/* fn runs after everything written up to now is synced; ok false: the sync failed. */
typedef void flush_then_fn(struct rooms *s, void *ctx, bool ok);
void flush_then(struct rooms *s, flush_then_fn *fn, void *ctx);

void rooms_outcome(struct rooms *s, uint64_t id, uint64_t account, uint32_t outcome);
void rooms_send_outcomes(struct rooms *s);

/* deliver.c: from the queue */
extern const struct chan_handler deliver_handlers[];

/* mailbox.c: from the access edges */
extern const struct chan_handler mailbox_handlers[];
void mailbox_edge_gone(struct rooms *s, unsigned index);

/* admin.c: from the command */
extern const struct chan_handler admin_handlers[];

#endif
