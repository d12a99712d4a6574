/* Making old segments die: where few live messages keep one, they are copied forward, put into the
 * batch again; the old records count no more once that batch is durable. Every byte copied frees at
 * least one. Where only notes keep one, carry.c carries those. */
#include <stdlib.h>

#include "base/ensure.h"
#include "journal/journal_private.h"

enum { TIDY_MESSAGES = 64, TIDY_BYTES = 1 << 20 }; /* of one call */
enum { SPARSE = 10, SPARSE_WHEN_HEAVY = 2 };       /* below a tenth, below a half alive */

static bool
is_settled(const struct segment *s)
{
    return s->state == SEGMENT_FULL || s->state == SEGMENT_ABANDONED;
}

/* Is dead weight more than the living, or the journal nearly at its cap? */
static bool
is_heavy(const struct journal *j)
{
    uint64_t used = 0, live = 0, cap = j->config.journal_bytes;

    for (size_t i = 0; i < j->segment_count; i++) {
        used += j->segments[i]->ready;
        live += j->segments[i]->live_bytes;
    }
    return used > live * 2 + j->config.tidy_segments * j->config.segment_bytes ||
           (cap && j->bytes > cap - cap / 4);
}

/* The oldest segment that holds nothing but notes others need. */
static struct segment *
choose_dead(const struct journal *j)
{
    for (size_t i = 0; i < j->segment_count; i++) {
        struct segment *s = j->segments[i];

        if (is_settled(s) && s->live == 0 && !s->damaged && !s->carrying && !s->stays &&
            !segment_is_hiding(j, s) && !segment_may_die(j, s))
            return s;
    }
    return NULL;
}

/* The oldest one with less than a `share`-th alive; one large message is never worth a copy. An
 * abandoned one lies on a place of the disk that failed: its messages leave it first. */
static struct segment *
choose_sparse(const struct journal *j, uint64_t share)
{
    struct segment *sparse = NULL;

    for (size_t i = j->segment_count; i-- > 0;) {
        struct segment *s = j->segments[i];

        if (s->live == 0 || !is_settled(s) || s->ready > j->config.segment_bytes * 2 ||
            segment_is_hiding(j, s))
            continue;
        if (s->state == SEGMENT_ABANDONED)
            return s;
        if (s->live_bytes < s->ready / share)
            sparse = s;
    }
    return j->segment_count > j->config.tidy_segments ? sparse : NULL;
}

/* Its record, and what became of its recipients. */
static struct err
copy(struct journal *j, struct live *e)
{
    struct batch_message m = {.id = e->id, .body_len = e->body_len, .fd = -1, .copy = true};
    uint8_t *envelope = heap_take(e->envelope_len);
    size_t copied = j->batch.copied.len;
    struct err err = journal_read_envelope(j, e->id, 0, envelope, e->envelope_len);

    if (!err_is(err))
        err = carry_changes(j, e);
    if (!err_is(err))
        err = batch_put(j, m, slice_make(envelope, e->envelope_len));
    if (err_is(err))
        buf_cut(&j->batch.copied, copied);
    else
        e->copying = true;
    free(envelope);
    return err;
}

static bool
copy_some(struct journal *j, const struct segment *s)
{
    uint64_t bytes = 0;
    size_t count = 0;

    for (size_t step = 0; step < j->live.room; step++) {
        struct live *e = &j->live.at[j->tidy_at++ % j->live.room];

        if (e->id == 0 || e->state != LIVE_LIVE || e->copying || e->segment != s->number)
            continue;
        bytes += live_bytes(e);
        if (count == TIDY_MESSAGES || (count && bytes > TIDY_BYTES) || err_is(copy(j, e)))
            break;
        count++;
    }
    return count > 0;
}

bool
journal_tidy(struct journal *j)
{
    struct segment *s;

    ensure(!j->batch.flying);
    s = choose_sparse(j, SPARSE);
    if (s)
        return copy_some(j, s);
    if (j->segment_count <= j->config.tidy_segments || !is_heavy(j))
        return false;
    s = choose_dead(j);
    if (s)
        return carry_notes(j, s);
    s = choose_sparse(j, SPARSE_WHEN_HEAVY);
    return s && copy_some(j, s);
}
