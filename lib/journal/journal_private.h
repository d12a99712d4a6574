/* What the files of this room share. Invariant of them all: a record counts only after the sync
 * that followed it, and a file is overwritten only after the sync of the folder that gave it up. */
#ifndef JOURNAL_JOURNAL_PRIVATE_H
#define JOURNAL_JOURNAL_PRIVATE_H

#include "base/map.h"
#include "journal/journal_file.h"
#include "journal/live.h"

enum {
    JOURNAL_STEP = 1 << 20,     /* bytes zeroed ahead at a time */
    JOURNAL_CHUNK = 256 << 10,  /* bytes read or zeroed by one call */
    JOURNAL_NAME = 48,          /* a file name of ours and its NUL */
    JOURNAL_OPEN_MAX = 64,      /* segments open for reading */
    JOURNAL_SPARES_MAX = 2,     /* spares kept */
    JOURNAL_ABANDONED_MAX = 16, /* abandoned segments; with so many the disk is not tried again */
    JOURNAL_NOTES_SHARE = 32,   /* 1/32 of a segment is kept for notes */
    JOURNAL_SPACE_MS = 100,     /* how long an answer about free space holds, */
    JOURNAL_SPACE_BYTES = 4 << 20, /* and for how many bytes */
    JOURNAL_TIDY_DEFAULT = 8,
};

enum segment_state {
    SEGMENT_PREPARED,
    SEGMENT_ACTIVE,
    SEGMENT_FULL,
    SEGMENT_ABANDONED,
    SEGMENT_STUCK, /* given up, but the folder's sync failed: it may come back, so it stays */
};

/* A small set of segments, some perhaps gone. */
struct numbers {
    uint32_t *at;
    size_t count;
};

struct segment {
    uint32_t number;
    uint64_t nonce;
    enum segment_state state;
    int read_fd, write_fd; /* -1: closed */
    uint64_t end;          /* records are before it; a batch begins here */
    uint64_t ready;        /* bytes of the file that were written once */
    uint64_t live, live_bytes;
    struct numbers about; /* the segments it speaks about */
    struct numbers hides; /* of those: where records are that it has a newer one of */
    bool inherited;       /* of an earlier run: speaks about all older ones */
    bool damaged;         /* kept as damaged- when dead */
    bool virgin;          /* replay only: nothing of its nonce was found in it */
    bool not_ahead;       /* zeroing it ahead failed once */
    bool carrying;        /* its notes are in the batch once more */
    bool stays;           /* its notes could not be read to be carried */
    bool void_due;        /* abandoned, and no durable VOID says so yet */
};

struct spare {
    uint32_t number;
    uint64_t bytes;
};

/* A message of the batch. Its header and envelope are in batch.heads from `head` on. */
struct batch_message {
    uint64_t id;
    size_t head;
    uint32_t envelope_len, crc;
    const uint8_t *body; /* NULL: comes from a file */
    uint64_t body_len;
    int fd;      /* the caller's, or -1: a copy, from its segment */
    uint64_t at; /* the record's offset in the active segment */
    bool copy;
};

struct batch {
    struct batch_message *messages;
    size_t count, copies;
    uint64_t bytes; /* of the messages' records */
    struct buf heads;
    /* CHANGE records, not sealed. The first two hold whole sets. */
    struct buf retold;  /* of a replay: kept until durable, and no file dies before */
    struct buf copied;  /* of copied messages and carried segments */
    struct buf changes; /* that the owner said */
    struct buf carried; /* pairs of DONE and of VOID from segments that shall die */
    struct buf carried_voids;
    struct buf notes; /* all but messages, sealed for the active segment */
    uint64_t *done;   /* ids */
    size_t done_count, done_room;
    size_t sealed_changes, sealed_dones; /* of changes and done, from the front: those in notes */
    bool end;                            /* an END is due */
    bool written;       /* something may have reached the disk: after a failure nobody can know */
    bool spoiled;       /* a write or sync failed already: only a new segment will do */
    bool flying;        /* between journal_commit_begin and _end */
    struct err outcome; /* of the write */
};

struct journal {
    const struct journal_file *file;
    int dirfd, lock_fd;
    struct journal_config config;
    struct segment **segments; /* by number */
    size_t segment_count, segment_room;
    struct segment *active, *next; /* either may be NULL */
    uint32_t last_number;
    struct spare spares[JOURNAL_SPARES_MAX];
    size_t spare_count;
    struct segment *reading[JOURNAL_OPEN_MAX]; /* a ring: the oldest one opened is closed first */
    size_t reading_at;
    struct live_table live;
    struct batch batch;
    uint64_t refused_low; /* smallest id refused while a VOID is due; UINT64_MAX: none */
    uint8_t *chunk;       /* JOURNAL_CHUNK bytes for whoever needs them within one call */
    uint64_t bytes;       /* of segments and spares */
    uint64_t messages;    /* LIVE and DONE */
    uint64_t commits, failures;
    bool doubt;           /* a sync failed at open: no file dies in this run */
    size_t voids_due;     /* segments with void_due */
    uint64_t space_ms;    /* when free space was last asked for */
    uint64_t space_free;  /* the answer */
    uint64_t space_taken; /* bytes put since */
    size_t tidy_at;
};

/* file.c: calls with their errors */
struct err file_open(struct journal *j, const char *name, int flags, int *fd);
void file_close(struct journal *j, int *fd);
/* Reads until n bytes or the end; *got says how many. A failing call gets a second chance. */
struct err file_read(struct journal *j, int fd, void *to, size_t n, uint64_t at, size_t *got);
struct err file_read_exactly(struct journal *j, int fd, void *to, size_t n, uint64_t at);
struct err file_write(struct journal *j, int fd, const struct iovec *parts, int count, uint64_t at);
struct err file_zero(struct journal *j, int fd, uint64_t from, uint64_t to);
struct err file_sync(struct journal *j, int fd);
struct err file_sync_folder(struct journal *j);
struct err file_rename(struct journal *j, const char *from, const char *to);
struct err file_unlink(struct journal *j, const char *name);
struct err file_lock(struct journal *j);
struct err file_set_aside(struct journal *j, const char *name);

/* names.c */
#define SEGMENT_NUMBER_LAST UINT32_C(0xfffffff0)
void segment_name(const struct segment *s, char name[JOURNAL_NAME]);
bool segment_name_read(const char *name, uint32_t *number, uint64_t *nonce);
void spare_name(uint32_t number, char name[JOURNAL_NAME]);
bool spare_name_read(const char *name, uint32_t *number);

/* segment.c: files and their lives */
struct segment *segment_add(struct journal *j, uint32_t number, uint64_t nonce);
void segment_drop(struct journal *j, struct segment *s);
struct segment *segment_of(const struct journal *j, uint32_t number);      /* NULL: gone */
struct segment *segment_of_nonce(const struct journal *j, uint64_t nonce); /* NULL: gone */
struct err segment_reader(struct journal *j, struct segment *s, int *fd);
void segment_carried(struct segment *s); /* its notes are durable elsewhere */
bool segment_may_die(const struct journal *j, const struct segment *s);
void segment_about(struct segment *s, uint32_t number); /* s speaks about that one */
void segment_hides(struct segment *s, uint32_t number); /* s has a newer record of one there */
bool segment_is_hiding(const struct journal *j, const struct segment *s);
/* Blocks written up to `upto` at least, and some ahead where that works. */
struct err segment_prepare(struct journal *j, struct segment *s, uint64_t upto);
struct err segment_prepare_ahead(struct journal *j, struct segment *s); /* a megabyte more */
struct err segment_make_next(struct journal *j);
struct err segment_rotate(struct journal *j); /* a fresh active segment, or the old one stays */
void segment_abandon(struct journal *j);      /* the active one, from its end on */
size_t segment_retire(struct journal *j);     /* how many files it gave up */
void segment_void_settled(struct journal *j, struct segment *s); /* its VOID is durable */

/* folder.c: finds segments and spares, sets strangers aside, and syncs the folder */
struct err folder_read(struct journal *j,
                       void (*on_trouble)(void *ctx, const struct journal_trouble *t), void *ctx);

/* scan.c: all records of a segment, front to back */
struct scan {
    void *ctx;
    void (*on_record)(void *ctx, struct segment *s, uint64_t at, const struct record *r,
                      struct slice note); /* note: the payload of all but messages */
    void (*on_trouble)(void *ctx, const struct journal_trouble *t); /* NULL: not wanted */
    bool strict; /* what the disk does not give back is an error, not zeros */
};
/* `ends`: a VOID says that s->end is exact. Else s->end becomes the file's. */
struct err scan_segment(struct journal *j, struct segment *s, bool ends, const struct scan *scan);

/* changes.c: the newest CHANGE of each recipient */
struct err changes_find(struct journal *j, const struct live *e, struct map *places);
struct err changes_tell(struct journal *j, const struct live *e, const struct map *places,
                        void (*fn)(void *, uint64_t, const struct journal_change *), void *ctx);
void changes_note(struct map *places, uint32_t recipient, struct record_place at);
uint32_t changes_oldest(const struct map *places); /* segment with one of them; or UINT32_MAX */

/* carry.c */
struct err carry_changes(struct journal *j, const struct live *e); /* into the batch once more */
bool carry_notes(struct journal *j, struct segment *s);            /* all that still matters */

/* batch.c */
void batch_init(struct batch *b);
void batch_clear(struct batch *b);
struct err batch_put(struct journal *j, struct batch_message m, struct slice envelope);
void batch_put_done(struct journal *j, struct live *e);
void batch_put_change(struct buf *out, uint64_t id, const struct journal_change *c);

/* commit.c */
struct err batch_stream(struct journal *j, struct batch_message *m); /* a file's body, into place */

/* seal.c: batch.notes for the active segment, behind the batch's messages */
void batch_seal_notes(struct journal *j);
void batch_unseal_notes(struct batch *b);        /* they wait for the next commit */
uint64_t batch_note_at(const struct journal *j); /* where the next note goes */

/* settle.c */
bool batch_moves_records(const struct batch *b); /* must its notes go with it? */
void batch_settle(struct journal *j);
void batch_refuse(struct journal *j, bool on_disk);

#endif
