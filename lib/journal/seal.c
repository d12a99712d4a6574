/* Notes get their place, their segment's nonce and their sums when it is known where they go: anew
 * for each try of a commit. */
#include "base/ensure.h"
#include "journal/journal_private.h"

static void
seal(struct journal *j, struct record r, struct slice payload)
{
    r.nonce = j->active->nonce;
    r.batch = j->active->end;
    record_put(&j->batch.notes, r, payload);
}

uint64_t
batch_note_at(const struct journal *j)
{
    return j->active->end + j->batch.bytes + j->batch.notes.len;
}

/* Does a CHANGE of that id come first? */
static bool
goes_on(struct slice changes, uint64_t id)
{
    struct record r;

    return changes.len && record_read(changes.at, 0, &r) && r.id == id;
}

/* Each CHANGE names the one before it of the same message: in this batch (`last`), or on disk.
 * `sets`: those of one message that stand together are whole. */
static void
seal_changes(struct journal *j, const struct buf *changes, bool sets, struct map *last)
{
    uint32_t count = 0;

    for (struct slice rest = buf_slice(changes); rest.len;) {
        uint8_t payload[RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX];
        struct record_change change;
        struct record r;
        uintptr_t before;

        ensure(record_read(rest.at, 0, &r));
        ensure(record_change_read(slice_make(rest.at + RECORD_HEADER, r.size), &change));
        rest = slice_tail(rest, (size_t)record_bytes(r.size));
        before = (uintptr_t)map_get(last, r.id);
        if (before)
            change.before = (struct record_place){j->active->number, before - 1};
        else
            change.before = live_change(live_get(&j->live, r.id));
        count++;
        if (!goes_on(rest, r.id)) {
            change.whole = sets ? count : 0;
            count = 0;
        }
        map_put(last, r.id,
                (void *)(uintptr_t)(batch_note_at(j) + 1)); /* 0 is a place, NULL is none */
        seal(j, r, slice_make(payload, record_change_write(&change, payload)));
    }
}

static void
seal_pairs(struct journal *j, enum record_type type, const struct buf *pairs)
{
    for (struct slice rest = buf_slice(pairs); rest.len;) {
        struct slice part = slice_head(rest, RECORD_PAIRS_MAX * sizeof(struct record_pair));

        seal(j, (struct record){.type = type}, part);
        rest = slice_tail(rest, part.len);
    }
}

/* Each id with the segment its message is in, as long as which the DONE is needed: where a copy of
 * it goes with this batch, that is the active one. */
static void
seal_dones(struct journal *j)
{
    struct batch *b = &j->batch;
    struct buf pairs;

    buf_init(&pairs, SIZE_MAX);
    for (size_t i = 0; i < b->done_count; i++) {
        const struct live *e = live_get(&j->live, b->done[i]);

        record_pair_put(&pairs,
                        (struct record_pair){e->id, e->copying ? j->active->number : e->segment});
    }
    seal_pairs(j, RECORD_DONE, &b->carried);
    seal_pairs(j, RECORD_DONE, &pairs);
    buf_clear(&pairs);
}

static void
seal_voids(struct journal *j)
{
    struct buf pairs;

    buf_init(&pairs, SIZE_MAX);
    for (size_t i = 0; j->voids_due && i < j->segment_count; i++)
        if (j->segments[i]->void_due)
            record_pair_put(&pairs,
                            (struct record_pair){j->segments[i]->nonce, j->segments[i]->end});
    seal_pairs(j, RECORD_VOID, &j->batch.carried_voids);
    seal_pairs(j, RECORD_VOID, &pairs);
    buf_clear(&pairs);
}

void
batch_seal_notes(struct journal *j)
{
    struct batch *b = &j->batch;
    struct map last = {0};

    buf_reset(&b->notes);
    seal_voids(j);
    seal_changes(j, &b->retold, true, &last);
    seal_changes(j, &b->copied, true, &last);
    seal_changes(j, &b->changes, false, &last);
    map_clear(&last);
    seal_dones(j);
    if (b->end)
        seal(j, (struct record){.type = RECORD_END}, (struct slice){NULL, 0});
    b->sealed_changes = b->changes.len;
    b->sealed_dones = b->done_count;
}

void
batch_unseal_notes(struct batch *b)
{
    buf_reset(&b->notes);
    b->sealed_changes = b->sealed_dones = 0;
}
