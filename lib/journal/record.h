/* One record's header and payload as bytes: pure, no files. docs/journal.md section 2. */
#ifndef JOURNAL_RECORD_H
#define JOURNAL_RECORD_H

#include "base/buf.h"
#include "journal/journal.h"

enum record_type {
    RECORD_MESSAGE = 1,
    RECORD_CHANGE,
    RECORD_DONE,
    RECORD_VOID,
    RECORD_END,
    RECORD_COPY, /* a MESSAGE carried forward */
};

enum {
    RECORD_HEADER = 48,
    RECORD_ALIGN = 8,
    RECORD_CHANGE_HEAD = 32,    /* payload of a CHANGE before its reason */
    RECORD_NOTE_MAX = 64 << 10, /* bytes of payload where there is no message */
    RECORD_PAIRS_MAX = 4096,    /* pairs of one DONE or VOID */
    RECORD_MAGIC = 0x316a6c76,  /* "vlj1" */
};

struct record {
    enum record_type type;
    uint64_t nonce, id;
    uint32_t size;     /* of the payload */
    uint32_t envelope; /* MESSAGE: bytes of it */
    uint64_t batch;    /* a multiple of RECORD_ALIGN */
    uint32_t origin;   /* COPY: the number of the segment it was copied from */
    uint32_t crc;      /* of the payload */
};

/* Where a record is: its segment's number, 0 for nowhere, and its offset. */
struct record_place {
    uint32_t segment;
    uint64_t at;
};

/* CHANGE: what it says, and the id's CHANGE before it. `whole` ends a set that was written again:
 * this one and those before it, so many in all, are the newest of every recipient, and what stands
 * before them counts no more. 0: not so. */
struct record_change {
    struct journal_change change;
    struct record_place before;
    uint32_t whole;
};

/* Two numbers of a payload of pairs: DONE has the id and its segment's number, VOID the nonce and
 * the end of a segment. */
struct record_pair {
    uint64_t first, second;
};

static inline bool
record_is_message(const struct record *r)
{
    return r->type == RECORD_MESSAGE || r->type == RECORD_COPY;
}

/* Bytes of a record in its segment. */
static inline uint64_t
record_bytes(uint64_t payload)
{
    return RECORD_HEADER + ((payload + RECORD_ALIGN - 1) & ~(uint64_t)(RECORD_ALIGN - 1));
}

void record_write(const struct record *r, uint8_t to[RECORD_HEADER]);

/* False: not a header of that nonce, or one no journal writes. */
bool record_read(const uint8_t from[RECORD_HEADER], uint64_t nonce, struct record *r);

/* Is this the beginning of a header of that nonce, whatever follows? */
bool record_marks(const uint8_t from[RECORD_HEADER], uint64_t nonce);

/* Append a whole record, its payload and padding; the crc is computed here. */
void record_put(struct buf *out, struct record r, struct slice payload);

/* The payload of a CHANGE. */
size_t record_change_write(const struct record_change *c,
                           uint8_t to[RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX]);
bool record_change_read(struct slice payload, struct record_change *c);

/* Takes the next pair off a payload of pairs; false: there is none. */
bool record_pair_take(struct slice *payload, struct record_pair *p);
void record_pair_put(struct buf *out, struct record_pair p);

#endif
