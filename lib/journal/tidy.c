/* Copying forward: where few live messages keep a segment, or dead weight outgrows the living, the
 * oldest segment's messages are put into the batch again, and the old records count no more once
 * that batch is durable. Every byte copied frees at least one, so the cost stays below the mail. */
#include <stdlib.h>

#include "base/ensure.h"
#include "journal/journal_private.h"

enum { TIDY_MESSAGES = 64, TIDY_BYTES = 1 << 20 }; /* of one call */

static bool
is_settled(const struct segment *s)
{
    return s->live && (s->state == SEGMENT_FULL || s->state == SEGMENT_ABANDONED);
}

/* An abandoned segment lies on a place of the disk that failed: its messages leave it first. */
static struct segment *
choose(const struct journal *j)
{
    uint64_t used = 0, live = 0, few = j->config.tidy_segments;
    struct segment *sparse = NULL, *oldest = NULL;

    for (size_t i = j->segment_count; i-- > 0;) {
        struct segment *s = j->segments[i];

        if (s->state == SEGMENT_ABANDONED && s->live)
            return s;
        used += s->ready;
        live += s->live_bytes;
        if (!is_settled(s) || s->ready > j->config.segment_bytes * 2)
            continue;
        oldest = s;
        if (s->live_bytes < s->ready / 10)
            sparse = s;
    }
    if (j->segment_count <= few)
        return NULL;
    return sparse ? sparse : used > live * 2 + few * j->config.segment_bytes ? oldest : NULL;
}

static void
copy_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    struct journal *j = ctx;

    batch_put_change(&j->batch.copied, id, c);
}

/* Its record, and what became of its recipients. */
static struct err
copy(struct journal *j, struct live *e)
{
    struct batch_message m = {.id = e->id, .body_len = e->body_len, .fd = -1, .copy = true};
    uint8_t *envelope = heap_take(e->envelope_len);
    size_t copied = j->batch.copied.len;
    struct map places = {0};
    struct err err = journal_read_envelope(j, e->id, 0, envelope, e->envelope_len);

    if (!err_is(err))
        err = changes_find(j, e, &places);
    if (!err_is(err))
        err = changes_tell(j, e, &places, copy_change, j);
    if (!err_is(err))
        err = batch_put(j, m, slice_make(envelope, e->envelope_len));
    if (err_is(err))
        buf_cut(&j->batch.copied, copied);
    else
        e->copying = true;
    map_clear(&places);
    free(envelope);
    return err;
}

bool
journal_tidy(struct journal *j)
{
    const struct segment *s = choose(j);
    uint64_t bytes = 0;
    size_t count = 0;

    for (size_t step = 0; s && step < j->live.room; step++) {
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
