/* Mailboxes on disk: one folder per account with an SQLite index and append-only packs of messages.
 * Formats, order of writes and recovery: docs/store.md. One process owns an account at a time.
 *
 * A delivery waits in memory (store_deliver), is written with many others (store_flush) and is
 * durable after one syncfs for all of them (store_batch_sync, in any thread); only then is its
 * outcome told (store_batch_done), and only then may the queue forget it. Everything but
 * store_batch_sync belongs to one thread. All files are below the current directory.
 *
 * Errors: LIMIT is a full disk or another limit; TEMPORARY may work later (a damaged index is built
 * again at the next use); PERMANENT is an account that a later version wrote. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/err.h"
#include "base/shard.h"
#include "base/slice.h"
#include "mime/listing.h"

enum {
    STORE_BUCKETS = SHARD_BUCKETS, /* folders at the top, and units of ownership */
    STORE_INBOX = 1,               /* the mailbox id of INBOX in every account */
};

enum store_finding {
#define FINDING(name, level, help) STORE_FOUND_##name,
#include "store/finding.def"
#undef FINDING
    STORE_FINDING_COUNT
};

struct store_report {
    enum store_finding finding;
    uint64_t account;
    uint64_t uid, delivery; /* 0 where they are not known */
    uint32_t pack;
    uint64_t offset;
    const char *file; /* the name of an unknown or moved file, or "" */
};

typedef void store_report_fn(void *ctx, const struct store_report *report);

const char *store_finding_name(enum store_finding finding);
const char *store_finding_help(enum store_finding finding);
bool store_finding_is_error(enum store_finding finding);

struct store_config {
    unsigned index, count;   /* this process owns accounts with shard_owner(a, count) == index */
    uint64_t pack_bytes;     /* a pack that has reached this takes no more entries */
    size_t open_accounts;    /* most indexes kept open (about 100 KB and 3 descriptors each) */
    size_t pending_bytes;    /* deliveries kept in memory before store_deliver answers BUSY */
    store_report_fn *report; /* told what recovery finds while accounts are opened; may be NULL */
    void *ctx;
};

void store_config_init(struct store_config *c); /* process 0 of 1, and the usual limits */

struct store;

/* Locks this process's accounts in ./lock (an OFD lock: it dies with the process). AGAIN where
 * another living process owns one of them. */
struct err store_open(struct store **out, const struct store_config *config);
/* Flushes and syncs what is pending, telling nobody. All batches must be done. NULL is fine. */
void store_close(struct store *st);

/* ---- delivering ---- */

/* Bytes shared by many deliveries. Born with one reference, the caller's. */
struct store_body;
struct store_body *store_body_copy(struct slice bytes);
/* The bytes stay the caller's until release(ctx), called when the last reference is gone. */
struct store_body *store_body_borrow(struct slice bytes, void (*release)(void *), void *ctx);
void store_body_get(struct store_body *b); /* one more reference */
void store_body_put(struct store_body *b); /* one less; NULL is fine */

struct store_delivery {
    uint64_t account; /* not 0 */
    /* The journal's id: 1 to 2^63-1, once per message and account, and later ids are greater, also
     * after the folder moved to another machine: take them from the clock. */
    uint64_t id;
    uint64_t low_water;      /* no id below this will ever be delivered again */
    uint64_t date_us;        /* internal date, since 1970 */
    uint64_t quota_bytes;    /* the most the account may hold; 0: no limit */
    struct slice prefix;     /* lines of this recipient alone (Delivered-To); copied */
    struct store_body *body; /* takes a reference of its own */
};

enum store_answer {
    STORE_PENDING, /* the outcome follows from store_batch_done */
    STORE_BUSY,    /* pending_bytes is reached: flush, then ask again */
};

enum store_outcome {
    STORE_DELIVERED,  /* in the mailbox, on stable storage */
    STORE_DUPLICATE,  /* was delivered before, on stable storage (it may have been deleted since) */
    STORE_OVER_QUOTA, /* does not fit the quota; nothing was stored */
    STORE_FAILED,     /* nothing is stored; err tells whether to try again */
};

/* Touches no file, so it costs the same for an account that was never opened. */
enum store_answer store_deliver(struct store *st, const struct store_delivery *d);

size_t store_pending(const struct store *st); /* bytes the next full flush will write to packs */

/* True unless a delivery to the account waits for its flush or its sync. What is not settled is
 * not listed: a power loss could take it back, and its UID with it. True also where the account
 * does not exist or cannot be opened. */
bool store_settled(struct store *st, uint64_t account);

/* Writes what is pending of at most `most` accounts (0: of all): per account one write to its pack,
 * one transaction. Never NULL. The batch covers every write so far: also those of expunges,
 * compactions and earlier processes. */
struct store_batch;
struct store_batch *store_flush(struct store *st, size_t most);

/* One syncfs, from any thread; batches in flight are synced one after the other. An error fails
 * this batch and every other one not yet done, for good: a failed sync is never repeated. */
struct err store_batch_sync(struct store_batch *b);

/* Back in the store's thread, after the sync: tells each delivery's outcome, frees the batch, says
 * how the sync went. After a failure the deliveries are taken out of the mailboxes again. */
typedef void store_outcome_fn(void *ctx, uint64_t account, uint64_t id, enum store_outcome outcome,
                              struct err err);
struct err store_batch_done(struct store *st, struct store_batch *b, store_outcome_fn *fn,
                            void *ctx);

/* ---- reading and deleting ---- */

struct store_listing {
    int fd; /* a sealed memfd of `count` struct store_entry in the order of UIDs; the caller's */
    uint64_t count, bytes;
    uint32_t uidvalidity; /* 0 where the account never got a message: the listing is empty */
};

/* A snapshot of INBOX: all its messages that are on stable storage. Where store_settled() says no,
 * have a batch synced first, so that what was accepted is seen. */
struct err store_mailbox_open(struct store *st, uint64_t account, struct store_listing *out);

/* A read-only descriptor of a pack; stays readable when the pack is unlinked. */
struct err store_pack_open_read(struct store *st, uint64_t account, uint32_t pack, int *fd);

/* Deletes from INBOX in one transaction; UIDs that are not there are passed over. Durable with the
 * next batch that store_flush gives. Packs left without messages are unlinked after that. */
struct err store_expunge(struct store *st, uint64_t account, const uint64_t *uids, size_t n,
                         size_t *removed);

/* Copies the living messages out of one pack of which less than half lives. The index turns to the
 * copies in the store_batch_done of the next batch, the old pack goes with the one after. */
struct err store_compact(struct store *st, uint64_t account, bool *began);

/* What the account holds, counting what is pending. 0 and 0 where it does not exist. */
struct err store_usage(struct store *st, uint64_t account, uint64_t *bytes, uint64_t *count);

/* Deletes the account's folder; what is pending for it fails. */
struct err store_remove(struct store *st, uint64_t account);

/* Closes all but the `keep` latest used indexes and gives their memory back: when idle. */
void store_trim(struct store *st, size_t keep);

/* ---- checking ---- */

/* Every account on disk that this process owns, in no order. Stops when fn says false. */
struct err store_each(struct store *st, bool (*fn)(void *ctx, uint64_t account), void *ctx);

/* Reads everything and tells what is wrong with it, after healing what opening an account heals
 * anyway. With repair, what can be healed is: a damaged
 * index is built again, intact orphans go to INBOX, rows without bytes go, totals are set right. */
struct err store_check(struct store *st, uint64_t account, bool repair, store_report_fn *fn,
                       void *ctx);

#endif
