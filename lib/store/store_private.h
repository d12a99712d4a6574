/* What the files of this room share. docs/store.md explains every term used here. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include <pthread.h>

#include "base/list.h"
#include "base/map.h"
#include "store/index.h"
#include "store/pack.h"
#include "store/store.h"

enum {
    STORE_PATH_MAX = 128,       /* the longest path below the store's folder, with its NUL */
    STORE_UID_END = UINT32_MAX, /* no UID reaches this (RFC 9051 2.3.1.1: 32 bits) */
    STORE_FOLD_FRAMES = 256,    /* a WAL this long is folded into its index after the next sync */
    STORE_FOLD_LATEST = 2048,   /* ... and whatever else is going on at this length */
    STORE_FOLDS_PER_BATCH = 4,  /* so that no store_batch_done takes long */
};

/* ---- one open account (account.c) ---- */

struct pack {
    uint32_t number;
    uint64_t mark;
    uint64_t end, synced;  /* as in the table */
    uint64_t bytes, count; /* of the messages that live in it */
    bool dirty;            /* the row differs from this */
    bool gone;             /* there is no file */
};

struct mailbox {
    uint32_t uidvalidity, uidnext;
    uint64_t modseq, bytes, count;
    uint64_t low_water; /* of deliveries */
};

struct account {
    struct list link; /* in store.accounts, the latest used last */
    struct store *st;
    uint64_t id;
    uint64_t serial; /* no two openings have the same */
    struct index index;
    struct mailbox inbox;
    uint64_t other_bytes, other_count; /* in all other mailboxes */
    struct pack *packs;                /* by number */
    size_t pack_count, pack_room;
    uint32_t last_pack; /* the greatest number of any pack file or row */
    uint32_t append;    /* the pack that new entries go to; 0: begin a new one */
    int append_fd;      /* -1 where append is 0 or not opened yet */
    uint64_t written;   /* store.seq of the last commit: durable once store.synced has reached it */
    uint32_t shown;     /* UIDs below this were durable when that was last known */
    struct move *move;  /* a compaction between its two halves, or NULL */
};

/* The key of a message: mailbox and UID. */
static inline int64_t
message_key(uint32_t mailbox, uint32_t uid)
{
    return (int64_t)((uint64_t)mailbox << 32 | uid);
}

static inline uint32_t
message_uid(int64_t key)
{
    return (uint32_t)key;
}

void account_path(char path[STORE_PATH_MAX], uint64_t account, const char *file);
void pack_path(char path[STORE_PATH_MAX], uint64_t account, uint32_t pack);

/* Opens the account, or finds it open, healing what docs/store.md says. *out is NULL, without an
 * error, where there is no such account and `create` is false. */
struct err account_get(struct store *st, uint64_t id, bool create, struct account **out);
void account_close(struct account *a);
struct err account_fold(struct account *a);

struct pack *account_pack(struct account *a, uint32_t number); /* NULL: not known */
struct pack *account_pack_add(struct account *a, uint32_t number, uint64_t mark);
uint32_t account_pack_next(const struct account *a); /* a number never used */
struct pack *account_pack_begin(struct account *a);  /* append goes to a new pack */
void account_pack_end(struct account *a);            /* the append pack takes no more */
void account_packs_unlink(struct account *a);        /* those without messages, once durable */

/* Writes all that changed of packs and inbox, in the transaction under way. */
void account_save(struct account *a);
void account_committed(struct account *a); /* a commit was made: it waits for a sync */

static inline uint64_t
account_bytes(const struct account *a)
{
    return a->inbox.bytes + a->other_bytes;
}

/* ---- recovery (recover.c) ---- */

/* What readdir found in the account's folder. */
struct folder {
    uint32_t *packs; /* numbers, in order */
    size_t pack_count, pack_room;
    bool index; /* there is an index.db with something in it */
};

/* fn is told of files that are not ours. err.os is ENOENT where there is no such folder. */
struct err folder_read(uint64_t account, struct folder *f, store_report_fn *fn, void *ctx);
void folder_clear(struct folder *f);

/* States 3 to 5 of docs/store.md; with an empty index it builds everything from the packs. */
struct err recover_account(struct account *a, const struct folder *f);

bool pack_head_matches(const struct pack *p, int fd);
void pack_head_restore(const struct account *a, const struct pack *p);

/* A healing transaction, begun with the first change. */
struct healing {
    struct account *a;
    bool began;
};

void heal_init(struct healing *h, struct account *a);
bool heal_is_unknown(struct healing *h, const struct pack_entry *e); /* as docs/store.md defines */
uint32_t heal_adopt(struct healing *h, struct pack *p, const struct pack_entry *e); /* its UID */
/* Removes a row and what counts it, with its delivered row (delivery 0: leaves that). */
void heal_drop(struct healing *h, int64_t key, uint64_t delivery);
void heal_begin(struct healing *h);
struct err heal_end(struct healing *h); /* commits what was begun */

/* An index row as far as a pack is concerned. */
struct row {
    int64_t key;
    uint64_t offset, delivery;
    uint32_t size;
};

/* The rows that name bytes of a pack from `offset` on, in that order; the caller frees *out. */
size_t rows_of_pack(struct account *a, uint32_t pack, uint64_t offset, struct row **out);
enum pack_state row_state(struct pack_reader *r, const struct row *row); /* never PACK_ERROR */

void report(struct store *st, const struct store_report *r);

/* ---- deliveries (deliver.c, flush.c, doubt.c) ---- */

struct delivery {
    struct list link; /* in a line, then in store.decided, then in a batch */
    uint64_t account, id, low_water, date_us, quota_bytes;
    struct store_body *body; /* NULL once written */
    uint64_t size;           /* of prefix and body */
    enum store_outcome outcome;
    struct err err;
    size_t prefix_len;
    uint8_t prefix[];
};

/* Everything pending for one account. */
struct line {
    struct list link; /* in store.lines, the longest waiting first */
    uint64_t account;
    struct list deliveries;
    size_t count;
    uint64_t bytes; /* of messages */
};

struct slice body_bytes(const struct store_body *b);
void line_fail(struct store *st, struct line *l, struct err err); /* decides all; frees the line */
void line_end(struct store *st, struct line *l);                  /* all are decided; frees it */

/* What an account looked like when the batch began: durable once it is synced. */
struct snapshot {
    uint64_t account, serial;
    uint32_t uidnext;
    uint32_t append, last; /* packs: appended to, and the greatest number */
    uint64_t end;          /* of the pack appended to */
};

struct store_batch {
    struct list link; /* in store.batches */
    struct store *st;
    uint64_t seq;      /* covers every account.written up to this */
    unsigned failures; /* store.failures when it began */
    bool ran;
    bool doubted; /* a sync failed while this was under way: it counts as failed */
    struct err err;
    struct list deliveries;
    struct snapshot *snapshots;
    size_t snapshot_count;
};

/* An account whose last writes are in doubt, or would be if a sync failed now. */
struct doubt {
    uint64_t account;
    uint64_t *ids; /* of deliveries to take out */
    size_t count, room;
};

struct doubt *doubt_in(struct map *m, uint64_t account); /* finds or makes one */
void doubt_free(struct doubt *d);
void doubt_forget(struct map *m); /* frees all */

void doubt_everything(struct store *st);               /* after a failed sync */
void doubt_account(struct account *a, struct err err); /* after a failed fold; closes it */
/* Takes the doubtful deliveries out of a just opened account and writes its index anew, in a new
 * file; once the account is closed that takes the old one's place. */
struct err doubt_renew(struct account *a, const struct doubt *d);
struct err doubt_replace(uint64_t account);

/* ---- compaction (compact.c) ---- */

void move_finish(struct account *a); /* the copies are durable: rows turn to them */
void move_drop(struct account *a);   /* forget about it; the copy is unlinked */
uint64_t move_seq(const struct move *m);

/* ---- the store (store.c) ---- */

struct store {
    struct store_config config;
    int sync_fd; /* the store's folder: says which file system to sync */
    int lock_fd;
    uint8_t *image; /* a new account's index.db */
    size_t image_len;

    struct list accounts; /* open ones, the latest used last */
    struct map opened;    /* id to struct account */
    size_t opened_count;
    uint64_t serial;

    /* seq counts commits. What has a seq up to synced is durable. 1 is all that earlier processes
     * wrote; `closed` is the greatest of accounts closed before they were synced, which are
     * `unsynced` (map of id to struct doubt, without deliveries). */
    uint64_t seq, synced, closed;
    struct map unsynced;

    struct list lines;
    struct map line_of;  /* account to struct line */
    size_t pending;      /* bytes that flushing all lines writes to packs */
    struct list decided; /* deliveries waiting for a batch */
    struct list batches;
    struct map doubts; /* account to struct doubt */

    pthread_mutex_t sync_lock; /* held while syncing; guards failures */
    unsigned failures;
    unsigned doubted; /* failures that doubt_everything has seen */
};

void store_make_room(struct store *st, size_t keep); /* store_trim without giving memory back */

#endif
