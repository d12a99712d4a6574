/* Carrying notes: a segment without live messages may still have to stay, because its DONEs, VOIDs
 * and CHANGEs speak about older segments that live on. What of them still matters is put into the
 * batch again; once that is durable the segment speaks about nothing. Without this one message that
 * waits for days would hold every segment since. A segment that hides older records, by holding
 * copies of them, is not carried until those are gone; one that cannot be read to its end stays. */
#include "base/ensure.h"
#include "journal/journal_private.h"

struct carry {
    struct journal *j;
    struct map ids; /* live messages with a CHANGE in the segment */
};

static void
on_note(void *ctx, struct segment *s, uint64_t at, const struct record *record, struct slice note)
{
    struct carry *c = ctx;
    struct batch *b = &c->j->batch;
    struct record_pair p;

    (void)at;
    while (record->type == RECORD_DONE && record_pair_take(&note, &p))
        if (p.second != s->number && segment_of(c->j, (uint32_t)p.second))
            record_pair_put(&b->carried, p);
    while (record->type == RECORD_VOID && record_pair_take(&note, &p)) {
        const struct segment *about = segment_of_nonce(c->j, p.first);

        if (about && about->number < s->number)
            record_pair_put(&b->carried_voids, p);
    }
    if (record->type == RECORD_CHANGE && live_get(&c->j->live, record->id))
        map_put(&c->ids, record->id, c);
}

static void
put_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    struct journal *j = ctx;

    batch_put_change(&j->batch.copied, id, c);
}

/* The changes of all its recipients, so that no chain leads through the segment any more. */
struct err
carry_changes(struct journal *j, const struct live *e)
{
    size_t before = j->batch.copied.len;
    struct map places = {0};
    struct err err = changes_find(j, e, &places);

    if (!err_is(err))
        err = changes_tell(j, e, &places, put_change, j);
    if (err_is(err))
        buf_cut(&j->batch.copied, before);
    map_clear(&places);
    return err;
}

static struct err
carry_all_changes(struct journal *j, const struct map *ids)
{
    struct err err = ERR_OK;

    for (size_t i = 0; i < ids->room && !err_is(err); i++)
        if (ids->entries[i].key)
            err = carry_changes(j, live_get(&j->live, ids->entries[i].key));
    return err;
}

bool
carry_notes(struct journal *j, struct segment *s)
{
    struct carry c = {.j = j};
    const struct scan scan = {.ctx = &c, .on_record = on_note, .strict = true};
    struct batch *b = &j->batch;
    size_t copied = b->copied.len, done = b->carried.len, voids = b->carried_voids.len;
    struct err e = scan_segment(j, s, true, &scan);

    if (!err_is(e))
        e = carry_all_changes(j, &c.ids);
    map_clear(&c.ids);
    if (err_is(e)) {
        buf_cut(&b->copied, copied);
        buf_cut(&b->carried, done);
        buf_cut(&b->carried_voids, voids);
        s->stays = true;
        return false;
    }
    s->carrying = true;
    if (b->copied.len == copied && b->carried.len == done && b->carried_voids.len == voids)
        segment_carried(s);
    return true;
}
