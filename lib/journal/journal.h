/* The queue on disk: messages that were acknowledged, what became of each recipient, and which are
 * done. docs/journal.md has the format, the legal states and the order of writes and syncs.
 *
 * One thread but for journal_commit_write, one owner (the queue role). Every message has an id,
 * given by the owner, never zero and never used twice; all that is asked about a message is asked
 * by its id, because the journal may move its record. Nothing here keeps a body in memory. */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include "base/err.h"
#include "base/slice.h"

struct journal;
struct journal_file; /* journal_file.h: system calls as a table, which tests replace */

enum {
    JOURNAL_ENVELOPE_MAX = 32 << 20,    /* bytes of one envelope */
    JOURNAL_REASON_MAX = 1024,          /* bytes of a recipient's reason; the rest is cut off */
    JOURNAL_RECIPIENT_MAX = 1 << 20,    /* recipient indexes are below this */
    JOURNAL_BATCH_MESSAGES = 1024,      /* messages of one batch */
    JOURNAL_BATCH_BYTES = 48 << 20,     /* headers and envelopes of one batch */
    JOURNAL_CHANGES_BYTES = 16 << 20,   /* recipient changes that wait for a commit */
    JOURNAL_SEGMENT_DEFAULT = 32 << 20, /* bytes of a segment file */
    JOURNAL_SEGMENT_LEAST = 64 << 10,
};
#define JOURNAL_BODY_MAX (UINT64_C(2) << 30)

/* 0 means the default. */
struct journal_config {
    uint64_t segment_bytes; /* one file; a larger record makes a larger file of its own */
    uint64_t journal_bytes; /* limit journal_bytes: all files together; 0: no cap */
    uint64_t reserve_bytes; /* limit reserve_bytes: free bytes of the disk that stay free */
    unsigned tidy_segments; /* journal_tidy leaves so many segments alone (8) */
    const struct journal_file *file;
};

struct journal_message {
    uint64_t id;
    struct slice envelope; /* valid until the callback returns */
    uint64_t body_len;
};

/* The newest that was said about one recipient. `state` and `when` mean what the owner wants. */
struct journal_change {
    uint32_t recipient; /* index, from 0 */
    uint8_t state;
    uint64_t when;
    struct slice reason;
};

enum journal_trouble_kind {
    JOURNAL_TORN,       /* the end of the last batch before a crash: never acknowledged; normal */
    JOURNAL_DAMAGED,    /* bytes that were durable and are not what was written; the file is kept */
    JOURNAL_UNREADABLE, /* the disk does not give the bytes back; the file is kept */
    JOURNAL_ASIDE,      /* a file that is none of ours, moved out of the way */
};

struct journal_trouble {
    enum journal_trouble_kind kind;
    const char *file; /* its name in the journal's folder */
    uint64_t offset, bytes;
};

/* Called only inside journal_open, each message before its recipients' changes, messages in the
 * order of the disk. The callbacks must not call the journal. on_change comes at most once for a
 * recipient; one that nothing was ever said about has none. NULL: not wanted. */
struct journal_replay {
    void *ctx;
    void (*on_message)(void *ctx, const struct journal_message *m);
    void (*on_change)(void *ctx, uint64_t id, const struct journal_change *c);
    void (*on_trouble)(void *ctx, const struct journal_trouble *t);
};

/* Take the folder `dirfd` (it stays the caller's, and may be AT_FDCWD), read it all, report what
 * is live. ERR_AGAIN: another process holds it. A torn, damaged or unknown file is no error. Any
 * error leaves *j NULL. */
struct err journal_open(struct journal **j, int dirfd, const struct journal_config *config,
                        const struct journal_replay *replay);

/* The orderly end: a commit, and a mark that says so. Then journal_close, which writes nothing:
 * alone it is what a crash is. NULL is fine. */
struct err journal_finish(struct journal *j);
void journal_close(struct journal *j);

/* Would a message of so many bytes be taken now? ERR_LIMIT: 452. Costs a system call only now and
 * then, so it may be asked at every MAIL command. */
struct err journal_room(struct journal *j, uint64_t bytes);

/* Is there a message of that id, live or in the batch? */
bool journal_has(const struct journal *j, uint64_t id);

/* Put a message into the current batch; journal_has must not know its id. The envelope is copied;
 * the body's bytes, or its descriptor, must stay valid until the commit has ended. Read from
 * body_fd are the bytes from offset 0 on, by pread. ERR_AGAIN: the batch is full, commit and
 * come again. ERR_LIMIT: too large, or no room (452). ERR_MALFORMED: body_fd has fewer than
 * body_len bytes. ERR_TEMPORARY: reading body_fd failed. After any error the message is not in the
 * batch, and the others still are. */
struct err journal_add(struct journal *j, uint64_t id, struct slice envelope, struct slice body);
struct err journal_add_file(struct journal *j, uint64_t id, struct slice envelope, int body_fd,
                            uint64_t body_len);

/* Put what became of a recipient, or that all of a message's recipients are finished, into the
 * batch: lazily durable. An id that is not live is ignored. After journal_done the message can no
 * longer be read. ERR_LIMIT: so many changes wait that this one was not taken; nothing can be made
 * durable at present, so begin no new delivery. */
struct err journal_change(struct journal *j, uint64_t id, const struct journal_change *c);
void journal_done(struct journal *j, uint64_t id);

bool journal_pending(const struct journal *j);          /* is there anything to commit? */
size_t journal_batch_messages(const struct journal *j); /* how many messages would it answer? */

/* Write the batch and sync it. Success: every message of the batch is durable and live: answer 250.
 * Any error: none of its messages is (ERR_LIMIT: no room, 452; else ERR_TEMPORARY: 451), and none
 * will be replayed unless the process ends before a later commit works. Changes and dones are kept
 * and go with the next commit, so call again from a timer while journal_pending. */
struct err journal_commit(struct journal *j);

/* The same in three steps, so that a thread of its own can wait for the disk: begin says whether
 * there is something to write; then write, in any thread; then end, always, with journal_commit's
 * result. In between the owner may read, say changes and dones (they go with the next commit) and
 * ask for room and low water, but put no message, do no housekeeping and not close. */
bool journal_commit_begin(struct journal *j);
void journal_commit_write(struct journal *j);
struct err journal_commit_end(struct journal *j);

/* A live, committed message's sizes; false: there is none of that id. */
bool journal_get(const struct journal *j, uint64_t id, uint64_t *envelope_len, uint64_t *body_len);

/* Bytes of a live message, exactly n or an error. */
struct err journal_read_envelope(struct journal *j, uint64_t id, uint64_t offset, void *to,
                                 size_t n);
struct err journal_read_body(struct journal *j, uint64_t id, uint64_t offset, void *to, size_t n);

/* A read-only descriptor of the caller's own, for the store role; the body is its body_len bytes
 * (journal_get) from *offset on, and stays there until journal_done is durable. */
struct err journal_open_body(struct journal *j, uint64_t id, int *fd, uint64_t *offset);

/* The newest change of each recipient of a live message, as at replay: committed ones only. */
struct err journal_changes(struct journal *j, uint64_t id,
                           void (*fn)(void *ctx, uint64_t id, const struct journal_change *c),
                           void *ctx);

/* One small step of housekeeping (about a megabyte of zeros, or one rename and sync): call while
 * nothing else is to do, until it says false. The first start prepares only what it needs. */
bool journal_idle(struct journal *j);

/* Put copies of a few old messages into the batch, so that their segments can die. True: something
 * was put; commit, and come again. Call from a timer. */
bool journal_tidy(struct journal *j);

/* The smallest id that a replay could still bring: live, done but not yet durably so, waiting in
 * the batch, or refused by a failed commit that is not yet undone on disk. UINT64_MAX: none. */
uint64_t journal_low_water(struct journal *j);

struct journal_stats {
    uint64_t bytes;      /* of all segments and spares on disk */
    uint64_t live_bytes; /* of live messages' records */
    uint64_t messages;   /* live ones */
    unsigned segments, spares;
    uint64_t commits, failures; /* since open */
};

void journal_stats_get(const struct journal *j, struct journal_stats *stats);

#endif
