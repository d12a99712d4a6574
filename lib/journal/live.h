/* What the journal remembers of each message: 32 bytes in a table by id, and which id is lowest. */
#ifndef JOURNAL_LIVE_H
#define JOURNAL_LIVE_H

#include "journal/record.h"

enum live_state {
    LIVE_UNSEEN,   /* replay only: notes name it, no MESSAGE was found yet */
    LIVE_FINISHED, /* replay only: a DONE names it, and in change_segment the newest segment of it
                    */
    LIVE_PENDING,  /* in the batch, not committed */
    LIVE_LIVE,
    LIVE_DONE, /* the owner says so, the DONE is not durable yet */
};

enum { LIVE_ENVELOPE_MASK = (1 << 26) - 1 };
_Static_assert((int)JOURNAL_ENVELOPE_MAX <= (int)LIVE_ENVELOPE_MASK, "an envelope's length fits");

struct live {
    uint64_t id; /* 0: the place is free */
    uint32_t segment;
    uint32_t at;                        /* offsets count in RECORD_ALIGN */
    uint32_t change_segment, change_at; /* its newest CHANGE; segment 0: none */
    uint32_t envelope_len : 26;
    uint32_t state : 4;   /* enum live_state */
    uint32_t copying : 1; /* a copy of it is in the batch */
    uint32_t body_len;
};

struct live_table {
    struct live *at;
    size_t count, room; /* room is 0 or a power of two */
    uint64_t *heap;     /* ids, smallest first; may hold some that are gone */
    size_t heap_count, heap_room;
};

void live_clear(struct live_table *t);

/* A pointer is good until the next put or remove. */
struct live *live_get(const struct live_table *t, uint64_t id); /* NULL: not there */
struct live *live_put(struct live_table *t, uint64_t id); /* the old one, or a new one, UNSEEN */
void live_remove(struct live_table *t, uint64_t id);

/* Walk in no order: *at begins as 0; NULL at the end. */
struct live *live_next(const struct live_table *t, size_t *at);

/* Drop all that is neither LIVE_LIVE nor LIVE_DONE, and the room it took. */
void live_sweep(struct live_table *t);

uint64_t live_lowest(struct live_table *t); /* UINT64_MAX: empty */

static inline struct record_place
live_place(const struct live *e)
{
    return (struct record_place){e->segment, (uint64_t)e->at * RECORD_ALIGN};
}

static inline struct record_place
live_change(const struct live *e)
{
    return (struct record_place){e->change_segment, (uint64_t)e->change_at * RECORD_ALIGN};
}

static inline uint64_t
live_bytes(const struct live *e)
{
    return record_bytes((uint64_t)e->envelope_len + e->body_len);
}

#endif
