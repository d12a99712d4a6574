/* The newest CHANGE of each recipient of a message: along the chain, from the newest back, so that
 * memory holds one place a message, however many recipients it has.
 *
 * Invariant: a chain leads to the newest CHANGE of every recipient, whatever part of the last batch
 * a crash took. So changes that are written again (of a copy, carried, retold) go on from the chain
 * they replace, and only the last of them says that the set is whole and the older ones need not be
 * looked for: their segments may be gone then. Where it is missing, they are still there. */
#include "base/crc32c.h"
#include "base/ensure.h"
#include "journal/journal_private.h"

/* A place as what a map holds: never NULL, as segment numbers begin at 1. */
static void *
pack(struct record_place p)
{
    return (void *)((uintptr_t)p.segment << 32 | (uintptr_t)(p.at / RECORD_ALIGN));
}

static struct record_place
unpack(const void *value)
{
    return (struct record_place){(uint32_t)((uintptr_t)value >> 32),
                                 ((uintptr_t)value & UINT32_MAX) * RECORD_ALIGN};
}

_Static_assert(sizeof(uintptr_t) >= 8, "a place fits a pointer");

void
changes_note(struct map *places, uint32_t recipient, struct record_place at)
{
    map_put(places, (uint64_t)recipient + 1, pack(at));
}

/* The CHANGE of `id` at `place`; the reason lies in room. */
static struct err
read_change(struct journal *j, uint64_t id, struct record_place place,
            uint8_t room[RECORD_HEADER + RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX],
            struct record_change *c)
{
    struct segment *s = segment_of(j, place.segment);
    struct slice payload;
    struct record r;
    int fd;
    size_t got;
    struct err e;

    if (!s)
        return err_make(ERR_MALFORMED, "read a recipient's change: its segment is gone");
    e = segment_reader(j, s, &fd);
    if (!err_is(e))
        e = file_read(j, fd, room, RECORD_HEADER + RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX,
                      place.at, &got);
    if (err_is(e))
        return e;
    if (got < RECORD_HEADER || !record_read(room, s->nonce, &r) || r.type != RECORD_CHANGE ||
        r.id != id || got - RECORD_HEADER < r.size)
        return err_make(ERR_MALFORMED, "read a recipient's change: it is not where it was");
    payload = slice_make(room + RECORD_HEADER, r.size);
    if (crc32c(0, payload) != r.crc || !record_change_read(payload, c))
        return err_make(ERR_MALFORMED, "read a recipient's change: damaged");
    return ERR_OK;
}

static bool
is_before(struct record_place a, struct record_place b)
{
    return a.segment < b.segment || (a.segment == b.segment && a.at < b.at);
}

struct err
changes_find(struct journal *j, const struct live *e, struct map *places)
{
    uint8_t room[RECORD_HEADER + RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX];

    uint32_t left = 0; /* of a whole set */

    for (struct record_place place = live_change(e); place.segment;) {
        struct record_change c;
        struct err err = read_change(j, e->id, place, room, &c);

        if (err_is(err))
            return err;
        if (!map_get(places, (uint64_t)c.change.recipient + 1))
            changes_note(places, c.change.recipient, place);
        left = left ? left : c.whole;
        if (left && --left == 0)
            return ERR_OK;
        if (c.before.segment && !is_before(c.before, place))
            return err_make(ERR_MALFORMED, "read a recipient's change: not before its follower");
        place = c.before;
    }
    return ERR_OK;
}

uint32_t
changes_oldest(const struct map *places)
{
    uint32_t oldest = UINT32_MAX;
    const void *place;

    for (size_t at = 0; (place = map_next(places, &at)) != NULL;)
        if (unpack(place).segment < oldest)
            oldest = unpack(place).segment;
    return oldest;
}

struct err
changes_tell(struct journal *j, const struct live *e, const struct map *places,
             void (*fn)(void *, uint64_t, const struct journal_change *), void *ctx)
{
    uint8_t room[RECORD_HEADER + RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX];
    struct err first = ERR_OK;
    const void *place;

    for (size_t at = 0; (place = map_next(places, &at)) != NULL;) {
        struct record_change c;
        struct err err = read_change(j, e->id, unpack(place), room, &c);

        if (!err_is(err))
            fn(ctx, e->id, &c.change);
        else if (!err_is(first))
            first = err;
    }
    return first;
}

struct err
journal_changes(struct journal *j, uint64_t id,
                void (*fn)(void *ctx, uint64_t id, const struct journal_change *c), void *ctx)
{
    const struct live *e = live_get(&j->live, id);
    struct map places = {0};
    struct err err;

    if (!e || (e->state != LIVE_LIVE && e->state != LIVE_DONE))
        return err_make(ERR_PERMANENT, "read a message of the journal: there is none of that id");
    err = changes_find(j, e, &places);
    if (!err_is(err))
        err = changes_tell(j, e, &places, fn, ctx);
    map_clear(&places);
    return err;
}
