/* What a commit's outcome means: after its sync the batch is what is true, after a failure its
 * messages never were. */
#include <stdlib.h>

#include "base/ensure.h"
#include "journal/journal_private.h"

enum { BATCH_KEEP = 1 << 20 }; /* bytes of memory a buffer keeps from one batch to the next */

bool
batch_moves_records(const struct batch *b)
{
    return b->copies || b->copied.len || b->carried.len || b->carried_voids.len;
}

static void
settle_message(struct journal *j, const struct batch_message *m)
{
    struct live *e = live_get(&j->live, m->id);
    struct segment *s = j->active;

    if (m->copy) {
        struct segment *old = segment_of(j, e->segment);

        old->live--;
        old->live_bytes -= live_bytes(e);
        segment_hides(s, old->number);
        e->copying = false;
        e->change_segment = 0;
    } else {
        e->state = LIVE_LIVE;
        e->envelope_len = m->envelope_len & LIVE_ENVELOPE_MASK;
        e->body_len = (uint32_t)m->body_len;
        j->messages++;
    }
    e->segment = s->number;
    e->at = (uint32_t)(m->at / RECORD_ALIGN);
    s->live++;
    s->live_bytes += live_bytes(e);
}

static void
settle_done(struct journal *j, uint64_t id)
{
    const struct live *e = live_get(&j->live, id);
    struct segment *s = segment_of(j, e->segment);

    s->live--;
    s->live_bytes -= live_bytes(e);
    j->messages--;
    live_remove(&j->live, id);
}

/* One sealed note, at `at`, is durable now. */
static void
settle_note(struct journal *j, const struct record *r, struct slice payload, uint64_t at)
{
    struct record_pair p;

    if (r->type == RECORD_CHANGE) {
        struct live *e = live_get(&j->live, r->id);

        segment_about(j->active, e->segment);
        e->change_segment = j->active->number;
        e->change_at = (uint32_t)(at / RECORD_ALIGN);
    }
    while (r->type == RECORD_DONE && record_pair_take(&payload, &p))
        segment_about(j->active, (uint32_t)p.second);
    while (r->type == RECORD_VOID && record_pair_take(&payload, &p)) {
        struct segment *s = segment_of_nonce(j, p.first);

        if (s) {
            segment_about(j->active, s->number);
            segment_void_settled(j, s);
        }
    }
}

static void
end_carrying(struct journal *j, bool worked)
{
    for (size_t i = 0; i < j->segment_count; i++) {
        if (j->segments[i]->carrying && worked)
            segment_carried(j->segments[i]);
        j->segments[i]->carrying = false;
    }
}

/* Keeps the memory of an ordinary batch, not that of the largest ever. */
static void
empty(struct buf *b)
{
    if (b->room > BATCH_KEEP)
        buf_clear(b);
    else
        buf_reset(b);
}

/* The sealed ones; those that were said since wait for the next commit. */
static void
drop_dones(struct batch *b)
{
    if (b->sealed_dones == 0)
        return;
    b->done_count -= b->sealed_dones;
    memmove(b->done, b->done + b->sealed_dones, b->done_count * sizeof(*b->done));
    if (b->done_count == 0 && b->done_room > BATCH_KEEP / sizeof(*b->done)) {
        free(b->done);
        b->done = NULL;
        b->done_room = 0;
    }
}

static void
settle_notes(struct journal *j)
{
    struct batch *b = &j->batch;
    uint64_t start = j->active->end + b->bytes;
    struct record r;

    for (size_t i = 0; i < b->notes.len; i += (size_t)record_bytes(r.size)) {
        ensure(record_read(b->notes.at + i, j->active->nonce, &r));
        settle_note(j, &r, slice_make(b->notes.at + i + RECORD_HEADER, r.size), start + i);
    }
    empty(&b->retold);
    for (size_t i = 0; i < b->sealed_dones; i++)
        settle_done(j, b->done[i]);
    drop_dones(b);
    buf_drop(&b->changes, b->sealed_changes);
    if (b->changes.len == 0)
        empty(&b->changes);
    b->end = false;
}

static void
reset_batch(struct journal *j, bool worked)
{
    struct batch *b = &j->batch;

    if (batch_moves_records(b))
        end_carrying(j, worked);
    empty(&b->heads);
    empty(&b->copied);
    empty(&b->carried);
    empty(&b->carried_voids);
    empty(&b->notes);
    b->sealed_changes = b->sealed_dones = 0;
    b->count = b->copies = 0;
    b->bytes = 0;
    b->written = b->spoiled = false;
}

void
batch_settle(struct journal *j)
{
    struct batch *b = &j->batch;

    for (size_t i = 0; i < b->count; i++)
        settle_message(j, &b->messages[i]);
    if (b->notes.len)
        settle_notes(j);
    j->active->end += b->bytes + b->notes.len;
    j->commits++;
    reset_batch(j, true);
}

/* Forget the messages; where records of theirs may be on disk, not their lowest id. */
void
batch_refuse(struct journal *j, bool on_disk)
{
    struct batch *b = &j->batch;

    for (size_t i = 0; i < b->count; i++) {
        const struct batch_message *m = &b->messages[i];

        if (m->copy) {
            live_get(&j->live, m->id)->copying = false;
            continue;
        }
        if (on_disk && j->voids_due && m->id < j->refused_low)
            j->refused_low = m->id;
        live_remove(&j->live, m->id);
    }
    j->failures++;
    reset_batch(j, false);
}
